import {configuration} from './configuration.ts';
import {liars, strangers} from './cores.ts';
import {front} from './front.ts';
import {programs} from './programs.ts';
import type {MakeTarget} from './target.ts';

/** All targets by name, each with its share of the inputs. */
export const TARGETS: Readonly<Record<string, {make: MakeTarget; share: number}>> = {
	strangers: {make: strangers, share: 0.25},
	liars: {make: liars, share: 0.35},
	front: {make: front, share: 0.2},
	configuration: {make: configuration, share: 0.1},
	programs: {make: programs, share: 0.1},
};
