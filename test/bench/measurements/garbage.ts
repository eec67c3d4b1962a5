import {Bench} from '../bench.ts';
import {COLLECTING} from '../limits.ts';
import type {Program} from '../processes.ts';
import {makeRow, type Row} from '../row.ts';
import {DIRECT} from '../systems/relays.ts';
import {LOOPBACK} from '../systems/system.ts';
import {Tunnel} from '../systems/tunnel.ts';
import {type Case, type Conditions, type Measurement, withBench} from './measurement.ts';

const NAME = 'garbage';
const RATE = 80_000;
const MILLION = 1e6;
/** Longer than other runs: there are few collections in a second. */
const LONGER = 10;
/** Lines of the observer at the end that may be of the time after the load, and at its begin before. */
const EDGE = 1;

/** A line of the observer: see `load/heap-observer.ts`. */
interface Second {
	readonly millis: number;
	/** Milliseconds in which the program stood still for it. */
	readonly collecting: number;
	/** Bytes between the end of one collection and the beginning of the next. */
	readonly allocated: number;
	/** Bytes in use after the last collection; none without one. */
	readonly kept?: number;
}

function secondsOf({stderr}: Program): Second[] {
	return [...stderr.matchAll(/^heap (\{.*\})$/gm)].map(([, json = '']) => JSON.parse(json));
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

/** What the seconds of a run at a known rate say. */
interface Digest {
	/** Of the time, in per cent. */
	readonly share: number;
	/** Allocated for each packet. */
	readonly bytes: number;
	/** Of what is kept, in MiB for a million packets. */
	readonly growth: number;
}

function digest(seconds: readonly Second[], rate: number): Digest {
	const millis = sum(seconds.map((second) => second.millis));
	const packets = (rate * millis) / 1000;
	const kept = seconds.flatMap((second) => second.kept ?? []);
	return {
		share: (100 * sum(seconds.map((second) => second.collecting))) / millis,
		bytes: sum(seconds.map((second) => second.allocated)) / packets,
		growth: (((kept.at(-1) ?? 0) - (kept[0] ?? 0)) / packets) * (MILLION / 1024 / 1024),
	};
}

async function atRate(
	name: string,
	conditions: Conditions,
	policy?: string,
): Promise<readonly Row[]> {
	const {style, warn, repeats, millis} = conditions;
	return withBench(Bench.start(LOOPBACK, [DIRECT], style, warn), async (bench) => {
		const way = policy === undefined ? {} : {policy};
		const options = {name, observesHeap: true, ...way};
		const tunnel = await Tunnel.start(options, bench.sinkPort);
		try {
			await bench.warmUp(tunnel);
			const load = {sizes: [1200], rate: RATE, millis: millis * LONGER};
			await bench.trial(tunnel, load);
			const runs = tunnel.parts.map((part) => ({part, digests: [] as Digest[]}));
			for (let repeat = 0; repeat < repeats; repeat++) {
				const before = runs.map(({part}) => secondsOf(part.program).length);
				await bench.trial(tunnel, load);
				for (const [i, {part, digests}] of runs.entries()) {
					const seconds = secondsOf(part.program).slice(before[i]! + EDGE, -EDGE);
					digests.push(digest(seconds, RATE));
				}
			}
			return runs.flatMap(({part, digests}) => {
				const row = {measurement: NAME, case: name};
				const system = (what: string) => `${part.role} ${what}`;
				return [
					makeRow({
						...row,
						system: system('collecting'),
						unit: '% of the time',
						runs: digests.map(({share}) => share),
						limit: COLLECTING,
					}),
					makeRow({
						...row,
						system: system('allocates'),
						unit: 'B/packet',
						runs: digests.map(({bytes}) => bytes),
					}),
					makeRow({
						...row,
						system: system('heap grows by'),
						unit: 'MiB/million packets',
						runs: digests.map(({growth}) => growth),
					}),
				];
			});
		} finally {
			await tunnel.stop();
		}
	});
}

const TITLE: Case['name'] = '1200 B at 80,000/s';
const CODED = 'fec 1.5';
const CODED_TITLE: Case['name'] = `${TITLE}, policy ${CODED}`;

/** What the garbage collector has to do for packets. */
export const GARBAGE_MEASUREMENT: Measurement = {
	name: NAME,
	title: 'garbage',
	reference: '-',
	cases: [
		{name: TITLE, run: (conditions) => atRate(TITLE, conditions)},
		{name: CODED_TITLE, run: (conditions) => atRate(CODED_TITLE, conditions, CODED)},
	],
};
