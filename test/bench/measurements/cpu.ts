import {Bench, type Trial} from '../bench.ts';
import {CODED_CPU, CPU_LIMITS, GENERATOR_LOSS} from '../limits.ts';
import type {LoadStyle} from '../load/load-sockets.ts';
import {cpuTime} from '../processes.ts';
import {makeRow, type Row} from '../row.ts';
import {spread} from '../spread.ts';
import {withCable} from '../systems/cable.ts';
import {OPENVPN} from '../systems/openvpn.ts';
import {peerKinds} from '../systems/peers.ts';
import {DIRECT, SOCAT} from '../systems/relays.ts';
import {SHADOWSOCKS} from '../systems/shadowsocks.ts';
import {LOOPBACK, type Scene, type System, type SystemKind} from '../systems/system.ts';
import {BRIDGED_TUNNEL, CODED_TUNNEL, TUNNEL, TUNNELS} from '../systems/tunnel.ts';
import {formatPart} from '../table.ts';
import {
	type Case,
	type Conditions,
	type Measurement,
	MIXED_SIZES,
	SINGLE,
	withBench,
} from './measurement.ts';

const NAME = 'cpu';
const RATES = [1000, 10_000, 50_000, 80_000];
/** Below what the slowest back end carries. */
const LOW_RATE = 10_000;
/** Where coding costs the most. */
const HIGH_RATE = 80_000;
/** A loss that is worth a word: the figures are of what was delivered. */
const NOTABLE_LOSS = 0.01;
/** Below this part of the wanted rate the generator had no time to send. */
const OFFERED_PART = 0.95;

/** The tunnels as they are by default. */
const JUDGED = new Set([TUNNEL.name, BRIDGED_TUNNEL.name]);

interface Plan {
	readonly name: string;
	readonly kinds: readonly SystemKind[];
	readonly sizes: readonly number[];
	readonly rates: readonly number[];
	readonly style?: LoadStyle;
}

/** What was measured of one system at one rate. */
interface Cell {
	readonly system: System;
	readonly rate: number;
	readonly trials: Trial[];
	/** For each part: microseconds of all its threads, and of the main one, for each datagram. */
	readonly all: readonly number[][];
	readonly main: readonly number[][];
}

async function measure(bench: Bench, plan: Plan, {repeats, millis}: Conditions): Promise<Row[]> {
	const {sizes, rates} = plan;
	const cells = rates.flatMap((rate) =>
		bench.systems.map(
			(system): Cell => ({
				system,
				rate,
				trials: [],
				all: system.parts.map(() => []),
				main: system.parts.map(() => []),
			}),
		),
	);
	// At a low rate compiling costs more than the datagrams: it is over before the first measured run.
	for (const {system, rate} of cells) await bench.trial(system, {sizes, rate, millis});
	for (let repeat = 0; repeat < repeats; repeat++) {
		for (const {system, rate, trials, all, main} of cells) {
			const before = system.parts.map(({program}) => cpuTime(program.pid));
			const trial = await bench.trial(system, {sizes, rate, millis});
			trials.push(trial);
			for (const [i, {program}] of system.parts.entries()) {
				const after = cpuTime(program.pid);
				const {unique} = trial.sink;
				all[i]!.push(((after.all - before[i]!.all) * 1000) / unique);
				main[i]!.push(((after.main - before[i]!.main) * 1000) / unique);
			}
		}
	}
	return rates.flatMap((rate) =>
		ratedRows(
			plan.name,
			rate,
			cells.filter((cell) => cell.rate === rate),
		),
	);
}

// Why the generator is not good enough for a rate; undefined = it is.
function reasonAgainst(rate: number, alone: readonly Trial[]): string | undefined {
	const loss = spread(alone.map((trial) => trial.loss)).median;
	if (loss > GENERATOR_LOSS) {
		return `generator -> sink alone loses ${formatPart(loss)} at this rate`;
	}
	const offered = spread(alone.map((trial) => trial.offered)).median;
	return offered < OFFERED_PART * rate
		? `the generator sends no more than ${offered.toFixed(0)}/s`
		: undefined;
}

function ratedRows(name: string, rate: number, cells: readonly Cell[]): Row[] {
	const alone = cells.find(({system}) => system.name === DIRECT.name);
	const invalid = reasonAgainst(rate, alone?.trials ?? []);
	const rows: Row[] = [];
	for (const {system, trials, all, main} of cells) {
		const loss = spread(trials.map((trial) => trial.loss)).median;
		const offered = spread(trials.map((trial) => trial.offered)).median;
		for (const [i, {role}] of system.parts.entries()) {
			const isOurs = JUDGED.has(system.name) && (role === 'client' || role === 'server');
			const limits = isOurs ? CPU_LIMITS[rate] : undefined;
			const isCoded = system.name === CODED_TUNNEL.name;
			const reference = isCoded ? `${TUNNEL.name} ${role}` : `${SOCAT.name} relay`;
			const notes = [`main thread ${spread(main[i]!).median.toFixed(1)}`];
			if (offered < OFFERED_PART * rate) notes.push(`only ${offered.toFixed(0)}/s were sent`);
			if (loss > NOTABLE_LOSS) notes.push(`lost ${formatPart(loss)}`);
			rows.push(
				makeRow({
					measurement: NAME,
					case: `${name}, ${rate.toLocaleString('en')}/s`,
					system: `${system.name} ${role}`,
					unit: 'us',
					runs: all[i]!,
					reference: rows.find((row) => row.system === reference),
					limit: limits?.micros,
					ratioLimit: isCoded ? CODED_CPU : limits?.ratio,
					invalid,
					note: notes.join(', '),
				}),
			);
		}
	}
	return rows;
}

function onScene(plan: Plan, scene: Scene, conditions: Conditions): Promise<readonly Row[]> {
	const {style, warn} = conditions;
	const start = Bench.start(scene, plan.kinds, plan.style ?? style, warn);
	return withBench(start, (bench) => measure(bench, plan, conditions));
}

function onLoopback(plan: Plan): Case {
	return {name: plan.name, run: (conditions) => onScene(plan, LOOPBACK, conditions)};
}

function onCable(plan: Plan, takesRuns: boolean): Case {
	const run = (conditions: Conditions) =>
		withCable(takesRuns, (scene) => onScene(plan, scene, conditions));
	return {name: plan.name, run};
}

const BESIDE = [DIRECT, SOCAT, TUNNEL];

/** What a datagram costs each process. */
export const CPU_MEASUREMENT: Measurement = {
	name: NAME,
	title: 'CPU time per delivered packet',
	reference: 'socat',
	cases: [
		onLoopback({name: '1200 B', kinds: BESIDE, sizes: [1200], rates: RATES}),
		onLoopback({
			name: 'policy fec 1.5, 1200 B',
			kinds: [DIRECT, TUNNEL, CODED_TUNNEL],
			sizes: [1200],
			rates: [HIGH_RATE],
		}),
		onLoopback({name: 'mixed sizes', kinds: BESIDE, sizes: MIXED_SIZES, rates: RATES}),
		onLoopback({
			name: '1200 B through three socats',
			kinds: [DIRECT, SOCAT, BRIDGED_TUNNEL],
			sizes: [1200],
			rates: RATES,
		}),
		onCable(
			{
				name: '1200 B over veth with software segmentation',
				kinds: BESIDE,
				sizes: [1200],
				rates: RATES,
			},
			false,
		),
		onLoopback({
			name: '1200 B, load without UDP_SEGMENT and UDP_GRO',
			kinds: BESIDE,
			sizes: [1200],
			rates: RATES,
			style: SINGLE,
		}),
		onLoopback({
			name: 'back ends, 100 B',
			kinds: [DIRECT, SOCAT, ...TUNNELS],
			sizes: [100],
			rates: [LOW_RATE],
		}),
		onLoopback({
			name: 'other tunnels, 1200 B',
			kinds: [DIRECT, SOCAT, TUNNEL, SHADOWSOCKS, ...peerKinds()],
			sizes: [1200],
			rates: [LOW_RATE],
		}),
		onCable(
			{
				name: 'other tunnels over veth, 1200 B',
				kinds: [DIRECT, SOCAT, TUNNEL, OPENVPN],
				sizes: [1200],
				rates: [LOW_RATE],
			},
			true,
		),
	],
};
