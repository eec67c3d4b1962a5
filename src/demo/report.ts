import type {Millis} from '../bytes/time.ts';
import type {LinkProxyCounts} from '../net/link/proxy.ts';
import {countFigure, formatShare, millisFigure, shareFigure} from '../text/figures.ts';
import {textTable} from '../text/table.ts';
import {wrapParts} from '../text/width.ts';
import type {DemoLink} from './links.ts';
import {
	type Both,
	heldCopies,
	likelyRange,
	lossOf,
	type Measurement,
	product,
} from './measurement.ts';
import {DATAGRAM_BYTES, type DirectionCounts} from './traffic.ts';

/** Datagrams per direction that make the residual loss of the demo meaningful. */
const ENOUGH = 20_000;

/** Links count handshakes too, and what is under way: that share is no loss. */
const BESIDE_NOISE = 0.001;

const DIRECTIONS: Both<string> = ['client -> server', 'server -> client'];

/** Figures of the live table. */
export interface LiveFigures {
	readonly elapsed: Millis;
	/** Datagrams per second: the current aim, and the requested rate. */
	readonly rate: number;
	readonly wantedRate: number;
	/** True while the machine is too busy for the requested rate. */
	readonly limited: boolean;
	readonly measurement: Measurement | undefined;
}

/** Figures of the summary. */
export interface RunFigures extends LiveFigures {
	/** By sequence numbers, outside the tunnel. */
	readonly traffic: Both<DirectionCounts>;
	readonly links: readonly {readonly link: DemoLink; readonly counts: LinkProxyCounts}[];
}

/** The live table, one line an item; the tunnel measured every number in it. */
export function liveTable({
	elapsed,
	rate,
	wantedRate,
	limited,
	measurement,
}: LiveFigures): string[] {
	const slow = limited ? ` (too busy here for ${count(wantedRate)})` : '';
	const seconds = (elapsed / 1000).toFixed(0);
	const head = `${seconds} s, ${count(rate)} datagrams/s there and back${slow}`;
	if (measurement === undefined) return [head, '', 'no session yet'];
	const paths = [['path', 'direction', 'state', 'RTT ms', 'jitter ms', 'loss %']];
	for (const {name, directions} of measurement.paths) {
		for (const [index, {state, rtt, jitter, loss}] of directions.entries()) {
			const figures = [state, millisFigure(rtt), millisFigure(jitter), shareFigure(loss)];
			paths.push([index === 0 ? name : '', DIRECTIONS[index]!, ...figures]);
		}
	}
	const tunnel = [['tunnel', 'direction', 'sent', 'received', 'residual loss %']];
	for (const [index, {sent, received, residualLoss}] of measurement.tunnel.entries()) {
		const figures = [countFigure(sent), countFigure(received), shareFigure(residualLoss)];
		tunnel.push(['', DIRECTIONS[index]!, ...figures]);
	}
	return [
		head,
		'',
		...textTable(paths, new Set([3, 4, 5])),
		'',
		...textTable(tunnel, new Set([2, 3, 4])),
	];
}

/** The summary after the traffic has ended, one line an item. */
export function summary(figures: RunFigures): string[] {
	return [
		...headLines(figures),
		'',
		'Measured by the tunnel and by sequence numbers:',
		...lossTable(figures),
		'',
		'The links, for comparison: what they were set to, and the packets they counted:',
		...linkTable(figures),
		...outsideLines(figures),
	];
}

function headLines({elapsed, wantedRate, limited, traffic: [up]}: RunFigures): string[] {
	const seconds = elapsed / 1000;
	const rate = seconds > 0 ? up.sent / seconds : 0;
	const lines = [
		`${seconds.toFixed(1)} s: ${count(up.sent)} datagrams of ${DATAGRAM_BYTES} bytes ` +
			`(${count(rate)}/s), answered by the echo target; ` +
			'several of them may share a packet, and each packet goes out on every path',
	];
	// A short run is slower for its beginning alone.
	if (limited || (rate < 0.85 * wantedRate && seconds >= 5)) {
		lines.push(`This machine was too busy for ${count(wantedRate)}/s, so fewer were sent.`);
	}
	return lines.flatMap(wrapText);
}

/** A table for each direction, the range of its residual loss below it. */
function lossTable({measurement, traffic}: RunFigures): readonly string[] {
	const rows = [['', 'sent', 'arrived', 'loss %']];
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
		const expected = product(losses);
		rows.push(['  expected: product of the paths', '', '', shareFigure(expected)]);
		const {sent, arrived} = traffic[index]!;
		const loss = shareFigure(lossOf(traffic[index]!));
		rows.push(['  residual: datagrams', countFigure(sent), countFigure(arrived), loss]);
		// Datagrams of one packet are lost together: by chance are lost packets, which every path
		// reports.
		const packets = Math.max(0, ...paths.map(({directions}) => directions[index]!.sent));
		ranges.push(verdict(expected, sent, Math.min(sent, packets)));
	}
	const lines = textTable(rows, new Set([1, 2, 3]));
	const half = 1 + (lines.length - 1) / DIRECTIONS.length;
	const below = ranges.map((words) => (words === '' ? [] : [`  ${words}`]));
	return [...lines.slice(0, half), ...below[0]!, ...lines.slice(half), ...below[1]!];
}

/** Returns the comparison for the residual loss of so many datagrams in so many packets. */
function verdict(expected: number | undefined, sent: number, packets: number): string {
	if (expected === undefined) return '';
	if (sent < ENOUGH) return `residual: too few datagrams to judge, it takes ~${count(ENOUGH)}`;
	const [low, high] = likelyRange(expected, packets);
	return `residual in 99 of 100 runs: ${formatShare(low)} to ${formatShare(high)}`;
}

/** Lines for the settings of each link and its counts of both directions. */
function linkTable({links}: RunFigures): readonly string[] {
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
function outsideLines({measurement, links, traffic}: RunFigures): string[] {
	const lost = (measurement?.paths ?? []).reduce((sum, {directions: [up, down]}, index) => {
		const counts = links[index]?.counts;
		if (counts === undefined) return sum;
		const beside = (path: {sent: number; arrived: number}, link: LinkProxyCounts['up']) =>
			Math.max(0, path.sent - link.sent) + Math.max(0, link.delivered - path.arrived);
		return sum + beside(up, counts.up) + beside(down, counts.down);
	}, 0);
	const held = measurement === undefined ? 0 : heldCopies(measurement);
	const sent = links.reduce((sum, {counts: {up, down}}) => sum + up.sent + down.sent, 0);
	const twice = traffic[0].twice + traffic[1].twice;
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

function wrapText(text: string): readonly string[] {
	return text === '' ? [''] : wrapParts([text], {indent: ''});
}

function count(value: number): string {
	return Math.round(value).toLocaleString('en-US');
}
