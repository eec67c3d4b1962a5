import {Bench, type Traffic} from '../bench.ts';
import {MEMORY} from '../limits.ts';
import {residentMemory} from '../processes.ts';
import {makeRow, type Row} from '../row.ts';
import {DIRECT} from '../systems/relays.ts';
import {LOOPBACK, type Part} from '../systems/system.ts';
import {Tunnel} from '../systems/tunnel.ts';
import {highestRates} from './highest-rate.ts';
import {type Case, type Conditions, type Measurement, withBench} from './measurement.ts';

const NAME = 'memory';
const PATHS = 8;
const FLOWS = 100;
const MIB = 1024 * 1024;
/** Longer than other runs: memory takes its time to grow. */
const LONGER = 10;

/** MiB of each part by its role, one figure for each run. */
type Memory = Map<string, {now: number[]; peak: number[]}>;

async function atFullRate(name: string, conditions: Conditions): Promise<readonly Row[]> {
	const {style, warn, repeats, millis} = conditions;
	const memory: Memory = new Map();
	let rate = 0;
	for (let repeat = 0; repeat < repeats; repeat++) {
		// Each with a generator of its own, which keeps every socket that it ever had.
		rate = await withBench(Bench.start(LOOPBACK, [DIRECT], style, warn), async (bench) => {
			const tunnel = await Tunnel.start({name, paths: PATHS}, bench.sinkPort);
			try {
				return await measure(bench, tunnel, millis, memory);
			} finally {
				await tunnel.stop();
			}
		});
	}
	return [...memory].map(([role, {now, peak}]) =>
		makeRow({
			measurement: NAME,
			case: name,
			system: role,
			unit: 'MiB',
			runs: now,
			limit: MEMORY,
			note: `at most ${Math.max(...peak).toFixed(0)}, at ${rate.toFixed(0)} packets/s`,
		}),
	);
}

// Notes what both ends have at the end of a run at the highest rate, which is the result.
async function measure(
	bench: Bench,
	tunnel: Tunnel,
	millis: number,
	memory: Memory,
): Promise<number> {
	await bench.warmUp(tunnel);
	const plan = {system: tunnel, sizes: [1200], lossLimit: 0.01};
	const [[best] = []] = await highestRates(bench, [plan], 1, millis);
	const rate = best?.rate ?? 0;
	const traffic: Traffic = {sizes: [1200], rate, millis: millis * LONGER, flows: FLOWS};
	await bench.trial(tunnel, traffic);
	for (const part of tunnel.parts) note(memory, part);
	return rate;
}

function note(memory: Memory, {role, program}: Part): void {
	const {now, peak} = residentMemory(program.pid);
	const entry = memory.get(role) ?? {now: [], peak: []};
	entry.now.push(now / MIB);
	entry.peak.push(peak / MIB);
	memory.set(role, entry);
}

const FULL: Case['name'] = '8 paths, 100 flows, 1200 B at full rate';

/** Resident memory of both ends. */
export const MEMORY_MEASUREMENT: Measurement = {
	name: NAME,
	title: 'resident memory',
	reference: '-',
	cases: [{name: FULL, run: (conditions) => atFullRate(FULL, conditions)}],
};
