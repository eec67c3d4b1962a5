import type {Millis} from '../../bytes/time.ts';
import type {LanePromise} from '../../fec/policy-loop.ts';
import {mostOf} from '../../fec/promise.ts';
import type {CodedPolicy, Policy} from '../../policy/policy.ts';
import {MAX_PATHS} from '../../wire/constants.ts';
import {LaneKind, type LaneTerms, MAX_POLICY_NAME} from '../../wire/frames/lane.ts';
import type {PathSet} from '../path/path-set.ts';

/** Parts of a share in LANES, and steps of a traffic factor. */
const PARTS = 1e9;
const STEPS = 256;
/** Largest traffic factor that makes sense: a copy on every path. */
const MAX_TRAFFIC: number = MAX_PATHS;
const MAX_WITHIN: Millis = 0xffff;
const MAX_FIELD = 0xffff_ffff;

/** Terms without a meaning for a kind. */
const NONE = {
	number: 0,
	cheap: false,
	residual: 0,
	within: 0,
	traffic: 0,
	floor: 0,
	rate: 0,
	paths: 0,
};

/** Returns the terms of a policy in a session, for this end and for the peer. */
export function termsOf(policy: Policy, lane: number, paths: PathSet): LaneTerms {
	const name = policy.name.replace(/[^\x20-\x7e]/g, '?').slice(0, MAX_POLICY_NAME);
	switch (policy.kind) {
		case 'redundant':
			return {...NONE, lane, kind: LaneKind.REDUNDANT, number: policy.copies, name};
		case 'best':
			return {...NONE, lane, kind: LaneKind.BEST, name};
		case 'pin':
			return {...NONE, lane, kind: LaneKind.PIN, number: idOf(policy.path, paths), name};
		case 'fec':
			return {...codedTerms(policy, paths), lane, name};
	}
}

function codedTerms(policy: CodedPolicy, paths: PathSet): Omit<LaneTerms, 'lane' | 'name'> {
	let bits = 0;
	for (const name of policy.paths) bits |= 1 << idOf(name, paths);
	return {
		kind: LaneKind.CODED,
		number: 0,
		cheap: policy.cheap,
		residual: whole(policy.residual * PARTS, MAX_FIELD),
		within: whole(policy.within, MAX_WITHIN),
		traffic: whole(policy.traffic * STEPS, MAX_TRAFFIC * STEPS),
		floor: whole(policy.floor * STEPS, MAX_TRAFFIC * STEPS),
		rate: whole(policy.rate, MAX_FIELD),
		paths: bits & 0xffff,
	};
}

/** Returns the id of a path by its name; MAX_PATHS when there is none. */
function idOf(name: string, paths: PathSet): number {
	return paths.all.find(({settings}) => settings.name === name)?.id ?? MAX_PATHS;
}

function whole(value: number, most: number): number {
	return Math.max(0, Math.min(most, Math.round(value)));
}

/**
 * Returns the promise of coded terms, within what makes sense: they may be the peer's.
 * @param cap largest traffic factor that this end allows
 */
export function promiseOf(terms: LaneTerms, cap: number): LanePromise {
	const most = Math.max(1, Math.min(cap, MAX_TRAFFIC));
	const traffic = Math.max(1, Math.min(terms.traffic / STEPS, most));
	const floor = Math.max(1, Math.min(terms.floor / STEPS, traffic));
	return {
		residual: Math.max(1, terms.residual) / PARTS,
		within: Math.max(1, terms.within),
		traffic,
		most: mostOf(floor, traffic, most),
		floor,
		cheap: terms.cheap,
		rate: terms.rate,
	};
}

/** True for a path that the terms allow. */
export function mayUse({paths}: LaneTerms, id: number): boolean {
	return paths === 0 || ((paths >> id) & 1) === 1;
}
