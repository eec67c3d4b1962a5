import type {Random} from '../bytes/random.ts';
import type {Millis} from '../bytes/time.ts';
import {BbrModel} from './load/bbr-model.ts';
import {NewRenoModel} from './load/new-reno-model.ts';
import type {RateModel} from './load/rate-model.ts';

/** The names of the rate models, the default first. */
export const CONGESTION_CONTROLS = ['bbr', 'newreno'] as const;

/** Which rate model streams have: what a path is believed to carry, and how much is sent there. */
export type CongestionControl = (typeof CONGESTION_CONTROLS)[number];

/** A model of that name for a path; the parameters are those of BbrModel. */
export function createRateModel(
	name: CongestionControl,
	random: Random,
	firstRtt: Millis,
): RateModel {
	return name === 'bbr' ? new BbrModel(random, firstRtt) : new NewRenoModel();
}
