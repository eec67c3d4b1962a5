/** Reason of the traffic factor. */
export type LoopReason =
	/** It stands still: floor and cap of the promise are the same. */
	| 'fixed'
	/** The standing factor is more than the promise takes. */
	| 'floor'
	/** It is what the promise takes. */
	| 'promise'
	/** It is what it takes to survive the death of a path. */
	| 'survival'
	/** It is the largest that is allowed: the promise, or surviving, takes more. */
	| 'cap'
	/** It is the largest that the promise's rate leaves, and the promise takes more. */
	| 'rate'
	/** More made more loss and was taken back. */
	| 'ceiling'
	/** Copies do better than a code here. */
	| 'copies'
	/** It is on its way up, in steps that have to pay. */
	| 'climbing'
	/** It is on its way down, slowly. */
	| 'falling'
	/** The repairs of one path are left out for a moment, to see whether they make its loss. */
	| 'probe'
	/** There is no path. */
	| 'no-path';

/** Figures of a traffic factor. */
export interface TrafficFigures {
	readonly reason: LoopReason;
	/** The one that is aimed at, within what is allowed. */
	readonly target: number;
	/** The largest that is allowed now. */
	readonly allowed: number;
	/** The one that the promise takes, whatever is allowed. Infinity: no factor keeps it. */
	readonly needed: number;
	/** Most kbit/s of the promise. 0: no limit. */
	readonly rate: number;
	/** Length of a repair over that of a mean packet, at least 1. */
	readonly stretch: number;
}

/** Repairs that are longer than so many mean packets are worth a word. */
const LONG = 1.25;

/** Explanation of a traffic factor for people, such as `needs 3.4 x, allowed 3 x`. */
export function explainTraffic(figures: TrafficFigures): string {
	const {stretch} = figures;
	const text = explainReason(figures);
	return stretch < LONG ? text : `${text}; repairs are ${stretch.toFixed(1)} x the mean packet`;
}

function explainReason(figures: TrafficFigures): string {
	const {reason, target, allowed, needed, rate} = figures;
	const needs =
		needed === Number.POSITIVE_INFINITY ? 'no factor is enough' : `needs ${times(needed)}`;
	switch (reason) {
		case 'fixed':
			return 'fixed';
		case 'floor':
			return 'the floor is enough';
		case 'promise':
			return needs;
		case 'survival':
			return `${times(target)} survives the death of a path`;
		case 'cap':
			return `${needs}, allowed ${times(allowed)}`;
		case 'rate':
			return `${needs}, ${rate} kbit/s leave ${times(allowed)}`;
		case 'ceiling':
			return `${needs}, more than now only made more loss`;
		case 'copies':
			return 'copies, as a code would not do better';
		case 'climbing':
			return `rising to ${times(target)}`;
		case 'falling':
			return `falling to ${times(target)}`;
		case 'probe':
			return 'repairs of one path are left out, to see whether they make its loss';
		case 'no-path':
			return 'no path';
	}
}

/** A factor with at most two decimals, such as `1.5 x`. */
function times(factor: number): string {
	return `${Number(factor.toFixed(2))} x`;
}
