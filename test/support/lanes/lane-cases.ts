import type {Millis} from '../../../src/bytes/time.ts';
import type {Plan} from '../../../src/fec/plan.ts';
import type {LanePromise} from '../../../src/fec/policy-loop.ts';
import type {LinkConfig} from '../../../src/sim/link-config.ts';
import {dayRow} from './day.ts';
import {floodRow} from './hostile.ts';
import {LaneRun} from './lane-run.ts';
import {planOf} from './plan.ts';
import {counted, type LaneRow, type LaneRowCase} from './row.ts';

const WITHIN: Millis = 40;

function promiseOf(other: Partial<LanePromise> = {}): LanePromise {
	return {
		...{residual: 1e-4, within: WITHIN, traffic: 2, most: 2, floor: 1.125, cheap: false, rate: 0},
		...other,
	};
}

/** Links of 20 ms, or of other delays, that lose packets at random. */
export function links(
	loss: number,
	delays: readonly Millis[] = [20, 20, 20],
): Partial<LinkConfig>[] {
	return delays.map((delay) => ({loss: {kind: 'random', loss}, delay}));
}

/** Limits of a row; those of counts are for its full length. */
interface Limits {
	/** Sources lost or late. */
	readonly bad: number;
	readonly traffic: number;
	/** Multiplications and additions of whole symbols for each source. */
	readonly work?: number;
	/** Share of the sources that were recovered though merely late. */
	readonly needless?: number;
	/** Least part of those that copies lose or are late with, in the same world. */
	readonly copies?: {readonly least: number; readonly traffic: number};
}

/** Sources at the start of a lane that are shown apart: the delays of the paths are not known. */
const START = 1000;
/** Sources of a row, at least. */
const LEAST = 3 * START;

/** Sources from one to before another that were lost or late. */
function badIn(run: LaneRun, from: number, to: number): number {
	const {lost, late} = run.between(from, to);
	return lost + late;
}

/** A row of fixed plans: `runOf` makes a run of so many sources by a plan. */
function shareRow(
	title: string,
	full: number,
	limits: Limits,
	plan: Plan,
	runOf: (sources: number, plan: Plan) => LaneRun,
): LaneRowCase {
	return {
		name: title,
		run: (share) => {
			const sources = Math.max(LEAST, Math.round(full * share));
			const run = runOf(sources, plan);
			const {traffic, work, needless} = run.run();
			const bad = badIn(run, START, sources);
			const atStart = badIn(run, 0, START);
			const allowed = Math.max(3, Math.ceil((limits.bad * sources) / full));
			const figures = [
				`${counted(bad, sources)} lost or late${atStart > 0 ? ` + ${atStart} of the first ${START}` : ''}`,
				`T ${traffic.toFixed(3)}`,
			];
			const bounds = [`<= ${allowed}`, `T <= ${limits.traffic}`];
			let holds = bad <= allowed && traffic <= limits.traffic;
			if (limits.work !== undefined) {
				figures.push(`${work.toFixed(1)} multiply-adds a source`);
				bounds.push(`<= ${limits.work}`);
				holds &&= work <= limits.work;
			}
			if (limits.needless !== undefined) {
				figures.push(`${counted(needless, sources)} merely late ones recovered`);
				bounds.push(`<= ${100 * limits.needless} %`);
				holds &&= needless <= limits.needless * sources;
			}
			if (limits.copies !== undefined) {
				const other = runOf(sources, {...plan, coded: false, traffic: limits.copies.traffic});
				other.run();
				const copies = badIn(other, START, sources);
				// Of few, chance takes some.
				const least = Math.max(0, Math.floor(limits.copies.least * share) - 3);
				figures.push(`${copies} with T ${limits.copies.traffic} copies`);
				bounds.push(`>= ${least} with copies`);
				holds &&= copies >= least;
			}
			return {name: title, figure: figures.join(', '), limit: bounds.join(', '), holds};
		},
	};
}

function steady(
	loss: number,
	rate: number,
	within: Millis,
	other: {readonly delays?: readonly Millis[]; readonly shared?: number} = {},
): (sources: number, plan: Plan) => LaneRun {
	const {delays, ...rest} = other;
	return (sources, plan) =>
		new LaneRun({seed: 1, links: links(loss, delays), rate, sources, within, plan, ...rest});
}

function step(share: number): LaneRow {
	let early = 0;
	let settled = 0;
	const seeds = Math.ceil(20 * share);
	for (let seed = 1; seed <= seeds; seed++) {
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
				for (const link of all) link.configure({loss: {kind: 'random', loss: 0.2}}, now);
			},
		});
		run.run();
		const first = run.between(10_000, 11_500);
		const later = run.between(15_000, 20_000);
		early = Math.max(early, first.lost + first.late);
		settled = Math.max(settled, later.lost + later.late);
	}
	return {
		name: 'g: from 0 to 20 % on all three, 1,000/s, floor 1.5',
		figure: `at most ${early} of the first 1,500, ${settled} of the 5,000 from the 5th to the 10th second, ${seeds} steps`,
		limit: '<= 15, <= 5',
		holds: early <= 15 && settled <= 5,
	};
}

const MIXED = [64, 576, 64, 1200, 64, 576, 64, 64, 576, 64, 64, 576];

function mixed(index: number): number {
	return MIXED[index % MIXED.length]!;
}

/** A silent death, and how many may be lost or late then, in the mean of all. */
interface Death {
	readonly title: string;
	readonly paths: number;
	readonly promise: LanePromise;
	readonly most: number;
	readonly size?: (index: number) => number;
}

function death({title, paths, promise, most, size}: Death, runs: number): LaneRow {
	let sum = 0;
	let worst = 0;
	let traffic = 0;
	for (let seed = 1; seed <= runs; seed++) {
		const run = new LaneRun({
			seed,
			links: links(0.01).slice(0, paths),
			rate: 1000,
			sources: 13_000,
			within: WITHIN,
			plan: planOf(promise.floor, 40, {sources: [0, 1, 2].slice(0, paths)}),
			promise,
			...(size === undefined ? {} : {size}),
			during: ({links: all, sender}, now) => {
				if (now !== 10_000) return;
				traffic += sender.plan.traffic / runs;
				all[seed % paths]!.configure({loss: {kind: 'random', loss: 1}}, now);
			},
		});
		run.run();
		const {lost, late} = run.between(9900, 12_900);
		sum += lost + late;
		worst = Math.max(worst, lost + late);
	}
	const mean = sum / runs;
	return {
		name: title,
		figure: `${mean.toFixed(1)} lost or late in the mean of ${runs} deaths, at most ${worst}, T ${traffic.toFixed(3)} before`,
		limit: `<= ${most}`,
		holds: mean <= most,
	};
}

const DEATHS: readonly Death[] = [
	{
		title: 'f: one of three paths falls silent, 1 %, 1,000/s, fec of T >= 1.75',
		paths: 3,
		promise: promiseOf({floor: 1.75}),
		most: 3,
	},
	{
		title: 'f: one of three paths falls silent, 1 %, 1,000/s, fec',
		paths: 3,
		promise: promiseOf(),
		most: 3,
	},
	{
		title: 'f: one of three paths falls silent, 1 %, 1,000/s, fec cheap',
		paths: 3,
		promise: promiseOf({cheap: true}),
		most: 60,
	},
	{
		title: 'f: one of two paths falls silent, 1 %, 1,000/s, fec',
		paths: 2,
		promise: promiseOf(),
		most: 25,
	},
	{
		title: 'f: one of three paths falls silent, 1 %, 64/576/1200 B, 1,000/s, fec of T <= 3',
		paths: 3,
		promise: promiseOf({traffic: 3, most: 3}),
		most: 3,
		size: mixed,
	},
];

/** Bits a second at which one of three paths carries a third of 1,000 packets. */
const POLICED = (1289 * 8 * 1000) / 3;

function policed(start: number, queue: Millis): LaneRow {
	const [middle, end] = [27_000, 54_000];
	const narrow: Partial<LinkConfig> =
		queue === 0
			? {delay: 20, policer: {rate: POLICED, burst: 12_890}}
			: {delay: 20, rate: POLICED, queue: {millis: queue}};
	let half: {readonly extra: number; readonly sources: number} | undefined;
	const run = new LaneRun({
		seed: 1,
		links: [narrow, narrow, narrow],
		rate: 900,
		sources: end,
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
	const {lost, late} = run.between(middle, end);
	const part = (lost + late) / (end - middle);
	return {
		name: `h: 900/s through ${queue === 0 ? 'policers' : `${queue} ms of buffer`} of 1,000/s, from T ${start}`,
		figure: `T ${traffic.toFixed(3)}, ${counted(lost + late, end - middle)} lost or late in the last 30 s`,
		limit: 'T <= 1.15, <= 2 %',
		holds: traffic <= 1.15 && part <= 0.02,
	};
}

/** All rows; each can be run in part. */
export const LANE_ROWS: readonly LaneRowCase[] = [
	shareRow(
		'a: 10 %, 1,000/s, T 1.5, within 25 ms',
		1e6,
		{bad: 100, traffic: 1.55},
		planOf(1.5, 25),
		steady(0.1, 1000, 25),
	),
	shareRow(
		'b: 20 %, 1,000/s, T 2, within 20 ms',
		1e6,
		{bad: 100, traffic: 2.05},
		planOf(2, 20),
		steady(0.2, 1000, 20),
	),
	shareRow(
		'c: 10 %, 50/s, T 3, within 30 ms',
		3e5,
		{bad: 30, traffic: 3.05, copies: {least: 200, traffic: 3}},
		planOf(3, 4),
		steady(0.1, 50, 30),
	),
	shareRow(
		'd: 10 %, delays 10/30/60 ms, 10,000/s, T 1.5, within 55 ms',
		1e6,
		{bad: 100, traffic: 1.55, work: 10, needless: 0.001},
		planOf(1.5, 64, {sources: [0, 1], repairs: [2, 1, 0]}),
		steady(0.1, 10_000, 55, {delays: [10, 30, 60]}),
	),
	shareRow(
		'd: 10 %, delays 10/15/20 ms, 80,000/s, T 1.5, within 15 ms',
		1e6,
		{bad: 100, traffic: 1.55, work: 10, needless: 0.001},
		planOf(1.5, 64),
		steady(0.1, 80_000, 15, {delays: [10, 15, 20]}),
	),
	shareRow(
		'e: 5 % each, 1 % of the slots on all, 1,000/s, T 1.5, within 40 ms',
		1e6,
		{bad: 100, traffic: 1.55, copies: {least: 9000, traffic: 3}},
		planOf(1.5, 40),
		steady(0.05, 1000, 40, {shared: 0.01}),
	),
	...DEATHS.map((each) => ({
		name: each.title,
		run: (share: number) => death(each, Math.ceil(20 * share)),
	})),
	{name: 'g: from 0 to 20 % on all three', run: step},
	...[1.125, 2].flatMap((start) =>
		[0, 5, 200].map((queue) => ({
			name: `h: ${queue} ms of buffer, from T ${start}`,
			run: () => policed(start, queue),
		})),
	),
	shareRow(
		'i: bursts of 20 every 33 ms, 10 %, T 1.6, within 30 ms',
		2e5,
		{bad: 100, traffic: 1.605},
		planOf(1.6, 20),
		(sources, plan) =>
			new LaneRun({
				...{seed: 1, links: links(0.1), rate: 606, sources, within: 30, plan},
				timeOf: (index) => Math.floor(index / 20) * 33,
			}),
	),
	dayRow,
	shareRow(
		'k: 64/576/1200 B as 7:4:1, 10 %, 1,000/s, T 1.5, within 40 ms',
		1e5,
		{bad: 100, traffic: 2},
		planOf(1.5, 32),
		(sources, plan) =>
			new LaneRun({
				...{seed: 1, links: links(0.1), rate: 1000, sources, within: WITHIN, plan},
				promise: promiseOf({traffic: 1.5, most: 2, floor: 1.5}),
				size: mixed,
			}),
	),
	floodRow,
	shareRow(
		'm: 30 %, 1,000/s, T 2, within 40 ms',
		1e6,
		{bad: 100, traffic: 2.05},
		planOf(2, 40),
		steady(0.3, 1000, 40),
	),
];

/** Letter of a row, by which it is chosen. */
export function letterOf({name}: {readonly name: string}): string {
	return name.slice(0, name.indexOf(':'));
}
