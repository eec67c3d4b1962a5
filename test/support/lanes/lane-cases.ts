import type {Millis} from '../../../src/bytes/time.ts';
import type {Plan} from '../../../src/fec/plan.ts';
import type {LanePromise} from '../../../src/fec/policy-loop.ts';
import type {LinkConfig} from '../../../src/sim/link-config.ts';
import {type LaneFigures, LaneRun, REPAIR_OVERHEAD} from './lane-run.ts';

/** What a case shows, in the words of its row. */
export interface LaneRow {
	readonly name: string;
	readonly figure: string;
	readonly limit: string;
	readonly holds: boolean;
}

/** A row of the table of figures: `share` of its full length is run. */
export interface LaneRowCase {
	readonly name: string;
	run(share: number): LaneRow;
}

const WITHIN: Millis = 40;

function planOf(traffic: number, window: number, other: Partial<Plan> = {}): Plan {
	return {
		coded: true,
		traffic,
		window,
		sources: [0, 1, 2],
		repairs: undefined,
		samples: [],
		pauseRepairs: 2,
		overhead: REPAIR_OVERHEAD,
		...other,
	};
}

function promiseOf(other: Partial<LanePromise> = {}): LanePromise {
	return {residual: 1e-4, within: WITHIN, traffic: 2, floor: 1.125, cheap: false, ...other};
}

function links(loss: number, delays: readonly Millis[] = [20, 20, 20]): Partial<LinkConfig>[] {
	return delays.map((delay) => ({loss: {kind: 'random', loss}, delay}));
}

function bad({lost, late}: LaneFigures): number {
	return lost + late;
}

/** A row whose limit is a share of lost and late sources, and a traffic factor. */
function shareRow(
	name: string,
	full: number,
	most: number,
	traffic: number,
	run: (sources: number) => LaneFigures,
): LaneRowCase {
	return {
		name,
		run: (share) => {
			const sources = Math.round(full * share);
			const figures = run(sources);
			const allowed = Math.max(3, Math.ceil((most * sources) / full));
			return {
				name,
				figure: `${bad(figures)} of ${sources}, T ${figures.traffic.toFixed(3)}`,
				limit: `<= ${allowed}, T <= ${traffic}`,
				holds: bad(figures) <= allowed && figures.traffic <= traffic,
			};
		},
	};
}

function steady(
	loss: number,
	rate: number,
	within: Millis,
	plan: Plan,
	other: {delays?: readonly Millis[]; capacity?: number; shared?: number} = {},
): (sources: number) => LaneFigures {
	const {delays, ...rest} = other;
	return (sources) =>
		new LaneRun({seed: 1, links: links(loss, delays), rate, sources, within, plan, ...rest}).run();
}

function step(): LaneRow {
	let early = 0;
	let settled = 0;
	for (const seed of [1, 2, 3]) {
		const run = new LaneRun({
			seed,
			links: links(0),
			rate: 1000,
			sources: 21_000,
			within: WITHIN,
			plan: planOf(1.5, 40),
			promise: promiseOf({floor: 1.5}),
			during: ({links: all}, now) => {
				if (now !== 10_000) return;
				for (const link of all) {
					link.configure({loss: {kind: 'random', loss: 0.2}}, now);
				}
			},
		});
		run.run();
		const first = run.between(10_000, 11_500);
		const later = run.between(15_000, 20_000);
		early = Math.max(early, first.lost + first.late);
		settled = Math.max(settled, later.lost + later.late);
	}
	return {
		name: 'g: from 0 to 20 % on all three, floor 1.5',
		figure: `${early} of the first 1,500, then ${settled} of 5,000`,
		limit: '<= 15, <= 5',
		holds: early <= 15 && settled <= 5,
	};
}

function death(cheap: boolean, runs: number): LaneRow {
	let sum = 0;
	for (let seed = 1; seed <= runs; seed++) {
		const run = new LaneRun({
			seed,
			links: links(0.01),
			rate: 1000,
			sources: 13_000,
			within: WITHIN,
			plan: planOf(2, 40),
			promise: promiseOf({cheap}),
			during: ({links: all}, now) => {
				const dead = all[seed % 3]!;
				if (now !== 10_000) return;
				dead.configure({loss: {kind: 'random', loss: 1}}, now);
			},
		});
		run.run();
		const {lost, late} = run.between(9900, 12_900);
		sum += lost + late;
	}
	const most = cheap ? 60 : 3;
	return {
		name: `f: one of three paths falls silent, ${cheap ? 'fec cheap' : 'fec'}`,
		figure: `${(sum / runs).toFixed(1)} lost or late, mean of ${runs}`,
		limit: `<= ${most}`,
		holds: sum / runs <= most,
	};
}

/** Bits a second at which one of three paths carries a third of 1,000 packets. */
const POLICED = (1289 * 8 * 1000) / 3;

function policed(start: number, queue: Millis): LaneRow {
	const narrow: Partial<LinkConfig> =
		queue === 0
			? {delay: 20, policer: {rate: POLICED, burst: 12_890}}
			: {delay: 20, rate: POLICED, queue: {millis: queue}};
	let half: {readonly extra: number; readonly sources: number} | undefined;
	const run = new LaneRun({
		seed: 1,
		links: [narrow, narrow, narrow],
		rate: 900,
		sources: 54_000,
		within: WITHIN,
		plan: planOf(start, 36),
		promise: promiseOf({cheap: true}),
		traffic: start,
		during: ({sender: {counts}}, now) => {
			if (now >= 30_000) half ??= {extra: counts.extraBytes, sources: counts.sourceBytes};
		},
	});
	run.run();
	const {extraBytes, sourceBytes} = run.sender.counts;
	const traffic = 1 + (extraBytes - half!.extra) / (sourceBytes - half!.sources);
	const {lost, late} = run.between(27_000, 54_000);
	const share = (lost + late) / 27_000;
	return {
		name: `h: 900/s through ${queue === 0 ? 'policers' : `${queue} ms of buffer`} of 1,000/s, from T ${start}`,
		figure: `T ${traffic.toFixed(3)}, ${(100 * share).toFixed(2)} % lost or late in the last 30 s`,
		limit: 'T <= 1.15, <= 2 %',
		holds: traffic <= 1.15 && share <= 0.02,
	};
}

const MIXED = [64, 576, 64, 1200, 64, 576, 64, 64, 576, 64, 64, 576];

/** All rows; each can be run in part. */
export const LANE_ROWS: readonly LaneRowCase[] = [
	shareRow(
		'a: 10 %, 1,000/s, T 1.5, within 25 ms',
		1e6,
		100,
		1.55,
		steady(0.1, 1000, 25, planOf(1.5, 25)),
	),
	shareRow(
		'b: 20 %, 1,000/s, T 2, within 20 ms',
		1e6,
		100,
		2.05,
		steady(0.2, 1000, 20, planOf(2, 20)),
	),
	shareRow('c: 10 %, 50/s, T 3, within 30 ms', 3e5, 30, 3.05, steady(0.1, 50, 30, planOf(3, 4))),
	shareRow(
		'd: 10 %, delays 10/30/60 ms, 10,000/s, T 1.5, within 55 ms',
		1e6,
		100,
		1.55,
		steady(0.1, 10_000, 55, planOf(1.5, 64, {sources: [0, 1], repairs: [2, 1, 0]}), {
			delays: [10, 30, 60],
			capacity: 4096,
		}),
	),
	shareRow(
		'd: 10 %, delays 10/15/20 ms, 80,000/s, T 1.5, within 15 ms',
		1e6,
		100,
		1.55,
		steady(0.1, 80_000, 15, planOf(1.5, 64), {delays: [10, 15, 20], capacity: 4096}),
	),
	shareRow(
		'e: 5 % each, 1 % of the slots on all, 1,000/s, T 1.5, within 40 ms',
		1e6,
		100,
		1.55,
		steady(0.05, 1000, 40, planOf(1.5, 40), {shared: 0.01}),
	),
	{name: 'f', run: (share) => death(false, Math.ceil(20 * share))},
	{name: 'f cheap', run: (share) => death(true, Math.ceil(20 * share))},
	{name: 'g', run: step},
	...[1.125, 2].flatMap((start) =>
		[0, 5, 200].map((queue) => ({name: `h ${start} ${queue}`, run: () => policed(start, queue)})),
	),
	shareRow('i: bursts of 20 every 33 ms, 10 %, T 1.6, within 30 ms', 2e5, 100, 1.605, (sources) =>
		new LaneRun({
			seed: 1,
			links: links(0.1),
			rate: 606,
			timeOf: (index) => Math.floor(index / 20) * 33,
			sources,
			within: 30,
			plan: planOf(1.6, 20),
		}).run(),
	),
	shareRow('k: 64/576/1200 B as 7:4:1, T 1.5', 1e5, 1e5, 2, (sources) =>
		new LaneRun({
			seed: 1,
			links: links(0.1),
			rate: 1000,
			sources,
			within: WITHIN,
			size: (index) => MIXED[index % MIXED.length]!,
			plan: planOf(1.5, 32),
		}).run(),
	),
];
