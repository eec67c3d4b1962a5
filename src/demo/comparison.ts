import type {Policy} from '../policy/policy.ts';
import {formatPromise} from '../policy/promise.ts';
import {countFigure, millisFigure, shareFigure} from '../text/figures.ts';
import {textTable} from '../text/table.ts';
import {wrapParts} from '../text/width.ts';
import {Delays, LATE_AFTER} from './arrivals.ts';
import type {Both} from './measurement.ts';
import {DATAGRAM_BYTES, type DirectionCounts} from './traffic.ts';

/** Bytes of the packet of a datagram over IPv4 beside the datagram. */
const PACKET_OVERHEAD = 58;

/** Quantile of the normal distribution that 95 of 100 are below. */
const NORMAL_95 = 1.645;

/** Figures of a tunnel that are compared with those of another. */
export interface Compared {
	readonly policy: Policy;
	/** By sequence numbers, outside the tunnel. */
	readonly traffic: Both<DirectionCounts>;
	/** Bytes on all links in both directions. */
	readonly bytes: number;
}

/** The policies beside each other, a line each for both directions, and a legend. */
export function comparison(tunnels: readonly Compared[]): string[] {
	const head = ['', 'lost', '', '', 'lost or', 'at', '', 'delay', 'of 99 in'];
	const units = ['policy', 'or late', 'late', 'of', 'late %', 'most %', 'traffic', 'ms', '100 ms'];
	const rows = tunnels.map(comparisonRow);
	return [
		...textTable([head, units, ...rows], new Set([1, 2, 3, 4, 5, 6, 7, 8])),
		...legend(tunnels),
	];
}

function comparisonRow({policy, traffic, bytes}: Compared): readonly string[] {
	const sum = (of: (counts: DirectionCounts) => number) => of(traffic[0]) + of(traffic[1]);
	const sent = sum((counts) => counts.sent);
	const late = sum((counts) => counts.late);
	const failed = late + sum((counts) => Math.max(0, counts.sent - counts.arrived));
	const delays = new Delays();
	for (const counts of traffic) delays.addAll(counts.delays);
	return [
		policy.name,
		...[failed, late, sent].map(countFigure),
		shareFigure(sent === 0 ? undefined : failed / sent),
		shareFigure(sent === 0 ? undefined : mostLikely(failed) / sent),
		sent === 0 ? '-' : (bytes / (sent * (DATAGRAM_BYTES + PACKET_OVERHEAD))).toFixed(2),
		millisFigure(delays.quantile(0.5)),
		millisFigure(delays.quantile(0.99)),
	];
}

function legend(tunnels: readonly Compared[]): readonly string[] {
	const policies = tunnels.map(({policy}) => `${policy.name}: ${formatPromise(policy)}`);
	return [
		...policies,
		`late: more than ${LATE_AFTER} ms behind a datagram that was sent later`,
		'at most: the share that 95 of 100 such runs would not exceed',
		'traffic: bytes on all links for each byte of the packets of the datagrams',
		'delay: one way, and that which 99 of 100 do not exceed',
	].flatMap((text) => wrapParts([text], {first: '  ', indent: '    '}));
}

/**
 * Returns the number of rare events that 95 of 100 counts like this one stay below, which is 3 for
 * none (Wilson and Hilferty, 1931).
 */
export function mostLikely(count: number): number {
	const next = count + 1;
	return next * (1 - 1 / (9 * next) + NORMAL_95 / (3 * Math.sqrt(next))) ** 3;
}
