import type {Millis} from '../bytes/time.ts';
import {checkLoss, type LossConfig} from './loss.ts';

/** One direction of a link. Shares are 0 to 1, rates bits per second, times milliseconds. */
export interface LinkConfig {
	readonly loss: LossConfig;
	/** Propagation delay, one way. */
	readonly delay: Millis;
	/** The delay varies evenly by up to this much to either side, but never below zero. */
	readonly jitter: Millis;
	/**
	 * False, as on access links: a datagram never arrives before an earlier one, it waits for it; so
	 * under load the mean delay moves up towards `delay + jitter`. True: each keeps its own delay.
	 */
	readonly jitterReorders: boolean;
	/** Rate of the bottleneck; Infinity for none. */
	readonly rate: number;
	/**
	 * Capacity of the queue before the bottleneck, as time at its rate or as bytes; more is dropped.
	 */
	readonly queue: {readonly millis: Millis} | {readonly bytes: number};
	/** A token bucket that drops what exceeds `rate` after a burst of `burst` bytes; no queue. */
	readonly policer: {readonly rate: number; readonly burst: number} | undefined;
	/** Share of datagrams that are held back by `reorderBy`, so that later ones overtake them. */
	readonly reorder: number;
	readonly reorderBy: Millis;
	/**
	 * Datagrams of more payload bytes than `above` take this much longer; smaller ones overtake them.
	 */
	readonly slowLarge?: {readonly above: number; readonly by: Millis};
	/** Share of datagrams that arrive twice, the copy directly behind. */
	readonly duplicate: number;
	/** Share of datagrams that arrive with one bit flipped; empty ones have none to flip. */
	readonly corrupt: number;
	/** Windows in the link's own clock (`from` inclusive) in which everything sent is lost. */
	readonly outages: readonly {readonly from: Millis; readonly until: Millis}[];
}

/** A link that delivers everything at once, and the defaults of what a rate or reordering needs. */
export const PERFECT_LINK: LinkConfig = {
	loss: {kind: 'none'},
	delay: 0,
	jitter: 0,
	jitterReorders: false,
	rate: Number.POSITIVE_INFINITY,
	queue: {millis: 100},
	policer: undefined,
	reorder: 0,
	reorderBy: 10,
	duplicate: 0,
	corrupt: 0,
	outages: [],
};

function check(name: string, value: number, least: number, most: number): void {
	if (value >= least && value <= most) return;
	throw new RangeError(`"${name}" expected ${least} to ${most}, got ${value}`);
}

/** Throws a RangeError that names the first parameter out of bounds. */
export function checkLinkConfig(config: LinkConfig): void {
	const most = Number.MAX_VALUE;
	const least = Number.MIN_VALUE;
	checkLoss(config.loss);
	check('delay', config.delay, 0, most);
	check('jitter', config.jitter, 0, most);
	check('rate', config.rate, least, Number.POSITIVE_INFINITY);
	if ('bytes' in config.queue) check('queue', config.queue.bytes, 0, Number.POSITIVE_INFINITY);
	else check('queue', config.queue.millis, 0, Number.POSITIVE_INFINITY);
	if (config.policer !== undefined) {
		check('policer.rate', config.policer.rate, least, most);
		check('policer.burst', config.policer.burst, least, most);
	}
	check('reorder', config.reorder, 0, 1);
	check('reorderBy', config.reorderBy, 0, most);
	if (config.slowLarge !== undefined) check('slowLarge.by', config.slowLarge.by, 0, most);
	check('duplicate', config.duplicate, 0, 1);
	check('corrupt', config.corrupt, 0, 1);
	for (const {from, until} of config.outages) check('outages', until, from, Infinity);
}
