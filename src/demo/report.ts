import type {Millis} from '../bytes/time.ts';
import type {LinkProxyCounts} from '../net/link/proxy.ts';
import type {Policy} from '../policy/policy.ts';
import {countFigure, formatShare, millisFigure, shareFigure} from '../text/figures.ts';
import {textTable} from '../text/table.ts';
import {wrapParts} from '../text/width.ts';
import {comparison} from './comparison.ts';
import type {DemoLink} from './links.ts';
import {
	type Both,
	heldCopies,
	type LaneDirection,
	likelyRange,
	lossOf,
	type Measurement,
	product,
} from './measurement.ts';
import {DATAGRAM_BYTES, type DirectionCounts} from './traffic.ts';

/** Datagrams per direction that make the residual loss of the demo meaningful. */
const ENOUGH = 5000;

/** Links count handshakes too, and what is under way: that share is no loss. */
const BESIDE_NOISE = 0.001;

const DIRECTIONS: Both<string> = ['client -> server', 'server -> client'];

/** Figures of one tunnel in the live table. */
export interface TunnelFigures {
	readonly policy: Policy;
	readonly measurement: Measurement | undefined;
	/** By sequence numbers, outside the tunnel. */
	readonly traffic: Both<DirectionCounts>;
}

/** Figures of the live table. */
export interface LiveFigures {
	readonly elapsed: Millis;
	/** Datagrams per second: the current aim, and the requested rate. */
	readonly rate: number;
	readonly wantedRate: number;
	/** True while the machine is too busy for the requested rate. */
	readonly limited: boolean;
	/** At least one. */
	readonly tunnels: readonly TunnelFigures[];
}

/** Figures of one tunnel in the summary. */
export interface TunnelRunFigures extends TunnelFigures {
	/** Bytes on all links in both directions. */
	readonly bytes: number;
	readonly links: readonly {readonly link: DemoLink; readonly counts: LinkProxyCounts}[];
}

/** Figures of the summary. */
export interface RunFigures extends LiveFigures {
	readonly tunnels: readonly TunnelRunFigures[];
}

/**
 * The live table, one line an item: the policies, and the paths of the first tunnel. The tunnels
 * measured every number in it.
 */
export function liveTable({elapsed, rate, wantedRate, limited, tunnels}: LiveFigures): string[] {
	const slow = limited ? ` (too busy here for ${count(wantedRate)})` : '';
	const seconds = (elapsed / 1000).toFixed(0);
	const head = `${seconds} s, ${count(rate)} datagrams/s there and back${slow}`;
	const shown = tunnels.flatMap(({policy, measurement}) =>
		measurement === undefined ? [] : [{policy, measurement}],
	);
	if (shown[0] === undefined) return [head, '', 'no session yet'];
	const paths = [['path', 'direction', 'state', 'RTT ms', 'jitter ms', 'loss %']];
	for (const {name, directions} of shown[0].measurement.paths) {
		for (const [index, {state, rtt, jitter, loss}] of directions.entries()) {
			const figures = [state, millisFigure(rtt), millisFigure(jitter), shareFigure(loss)];
			paths.push([index === 0 ? name : '', DIRECTIONS[index]!, ...figures]);
		}
	}
	const policies = [['policy', 'direction', 'sent', 'received', 'recovered', 'residual loss %']];
	for (const {policy, measurement} of shown) {
		for (const [index, {sent, received, residualLoss}] of measurement.tunnel.entries()) {
			const recovered = measurement.lane?.[index]?.recovered;
			const counts = [sent, received, recovered].map(figureOrNone);
			const name = index === 0 ? policy.name : '';
			policies.push([name, DIRECTIONS[index]!, ...counts, shareFigure(residualLoss)]);
		}
	}
	return [
		head,
		'',
		...textTable(paths, new Set([3, 4, 5])),
		'',
		...textTable(policies, new Set([2, 3, 4, 5])),
	];
}

function figureOrNone(value: number | undefined): string {
	return value === undefined ? '-' : countFigure(value);
}

/** The summary after the traffic has ended, one line an item. */
export function summary(figures: RunFigures): string[] {
	const {tunnels} = figures;
	const [first] = tunnels;
	return [
		...headLines(figures),
		'',
		...comparison(tunnels),
		...tunnels.flatMap((tunnel) => [
			'',
			`${tunnel.policy.name}, measured by the tunnel and by sequence numbers:`,
			...lossTable(tunnel),
		]),
		'',
		`The links of ${first!.policy.name}: what they were set to, and the packets they counted:`,
		...linkTable(first!),
		...outsideLines(tunnels),
	];
}

function headLines({elapsed, wantedRate, limited, tunnels}: RunFigures): string[] {
	const seconds = elapsed / 1000;
	const sent = tunnels[0]?.traffic[0].sent ?? 0;
	const rate = seconds > 0 ? sent / seconds : 0;
	const beside =
		tunnels.length > 1
			? `the same through each of ${tunnels.length} tunnels, whose links lose with the same seeds`
			: '';
	const lines = [
		`${seconds.toFixed(1)} s: ${count(sent)} datagrams of ${DATAGRAM_BYTES} bytes ` +
			`(${count(rate)}/s), answered by the echo target${beside === '' ? '' : `; ${beside}`}`,
	];
	// A short run is slower for its beginning alone.
	if (limited || (rate < 0.85 * wantedRate && seconds >= 5)) {
		lines.push(`This machine was too busy for ${count(wantedRate)}/s, so fewer were sent.`);
	}
	return lines.flatMap(wrapText);
}

/** A table for each direction, the range of its residual loss below it. */
function lossTable({policy, measurement, traffic}: TunnelFigures): readonly string[] {
	const rows: (readonly string[])[] = [['', 'sent', 'arrived', 'loss %']];
	const ranges: string[] = [];
	for (const [index, direction] of DIRECTIONS.entries()) {
		const paths = measurement?.paths ?? [];
		const losses = paths.map(({directions}) => lossOf(directions[index]!));
		rows.push([direction]);
		for (const [at, {name, directions}] of paths.entries()) {
			const {sent, arrived} = directions[index]!;
			const cells = [countFigure(sent), countFigure(arrived), shareFigure(losses[at])];
			rows.push([`  packets on path ${name}`, ...cells]);
		}
		const isEverywhere = policy.kind === 'redundant' && policy.copies === 0;
		const expected = isEverywhere ? product(losses) : undefined;
		if (isEverywhere)
			rows.push(['  expected: product of the paths', '', '', shareFigure(expected)]);
		rows.push(...laneRows(measurement?.lane?.[index]));
		const {sent, arrived} = traffic[index]!;
		const loss = shareFigure(lossOf(traffic[index]!));
		rows.push(['  residual: datagrams', countFigure(sent), countFigure(arrived), loss]);
		ranges.push(verdict(expected, sent));
	}
	const lines = textTable(rows, new Set([1, 2, 3]));
	const half = 1 + (lines.length - 1) / DIRECTIONS.length;
	const below = ranges.map((words) => (words === '' ? [] : [`  ${words}`]));
	return [...lines.slice(0, half), ...below[0]!, ...lines.slice(half), ...below[1]!];
}

function laneRows(lane: LaneDirection | undefined): readonly (readonly string[])[] {
	if (lane === undefined) return [];
	const {sources, repairs, recovered} = lane;
	return [
		['  of these with datagrams', countFigure(sources)],
		['  of these repairs', countFigure(repairs)],
		['  recovered from repairs', '', countFigure(recovered)],
	];
}

/** Returns the comparison for the residual loss of so many datagrams, each in a packet. */
function verdict(expected: number | undefined, sent: number): string {
	if (expected === undefined) return '';
	if (sent < ENOUGH) return `residual: too few datagrams to judge, it takes ~${count(ENOUGH)}`;
	const [low, high] = likelyRange(expected, sent);
	return `residual in 99 of 100 runs: ${formatShare(low)} to ${formatShare(high)}`;
}

/** Lines for the settings of each link and its counts of both directions. */
function linkTable({links}: TunnelRunFigures): readonly string[] {
	const rows = [
		['', 'set to', 'delay', 'jitter', '->', '-> lost', '<-', '<- lost'],
		['', 'lose %', 'ms', '± ms', 'packets', '%', 'packets', '%'],
	];
	for (const {link, counts} of links) {
		rows.push([
			link.name,
			shareFigure(link.loss),
			String(link.delay),
			String(link.jitter),
			countFigure(counts.up.sent),
			shareFigure(lossByLink(counts.up)),
			countFigure(counts.down.sent),
			shareFigure(lossByLink(counts.down)),
		]);
	}
	return textTable(rows, new Set([1, 2, 3, 4, 5, 6, 7]));
}

function lossByLink({sent, lost}: {sent: number; lost: number}): number | undefined {
	return sent === 0 ? undefined : lost / sent;
}

/** Lines for losses outside the links, such as in a full socket of this machine. */
function outsideLines(tunnels: readonly TunnelRunFigures[]): string[] {
	const total = (of: (tunnel: TunnelRunFigures) => number) =>
		tunnels.reduce((sum, tunnel) => sum + of(tunnel), 0);
	const lost = total(lostBeside);
	const held = total(({measurement}) => (measurement === undefined ? 0 : heldCopies(measurement)));
	const sent = total(({links}) =>
		links.reduce((sum, {counts: {up, down}}) => sum + up.sent + down.sent, 0),
	);
	const twice = total(({traffic: [up, down]}) => up.twice + down.twice);
	const lines = ['', `Datagrams delivered twice: ${count(twice)}.`];
	if (lost > BESIDE_NOISE * sent)
		lines.push(`Packets lost beside the links, in this machine: ${count(lost)}.`);
	if (held > 0) {
		lines.push(
			`Copies not sent: ${count(held)}. This machine was so late with packets that the tunnel ` +
				'took paths for full; the residual loss can be above the product for that.',
		);
	}
	return lines.flatMap(wrapText);
}

function lostBeside({measurement, links}: TunnelRunFigures): number {
	return (measurement?.paths ?? []).reduce((sum, {directions: [up, down]}, index) => {
		const counts = links[index]?.counts;
		if (counts === undefined) return sum;
		const beside = (path: {sent: number; arrived: number}, link: LinkProxyCounts['up']) =>
			Math.max(0, path.sent - link.sent) + Math.max(0, link.delivered - path.arrived);
		return sum + beside(up, counts.up) + beside(down, counts.down);
	}, 0);
}

function wrapText(text: string): readonly string[] {
	return text === '' ? [''] : wrapParts([text], {indent: ''});
}

function count(value: number): string {
	return Math.round(value).toLocaleString('en-US');
}
