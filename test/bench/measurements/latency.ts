import {Bench} from '../bench.ts';
import {LOADED_P99, TRIP_MEDIAN, TRIP_P99} from '../limits.ts';
import {makeRow, type Row} from '../row.ts';
import {spread} from '../spread.ts';
import {withCable} from '../systems/cable.ts';
import {OPENVPN} from '../systems/openvpn.ts';
import {peerKinds} from '../systems/peers.ts';
import {DIRECT, SOCAT} from '../systems/relays.ts';
import {SHADOWSOCKS} from '../systems/shadowsocks.ts';
import {LOOPBACK, type Scene, type System, type SystemKind} from '../systems/system.ts';
import {BUSY_TUNNEL, TUNNEL, TUNNELS} from '../systems/tunnel.ts';
import {formatPart} from '../table.ts';
import {highestRates} from './highest-rate.ts';
import {type Case, type Conditions, type Measurement, withBench} from './measurement.ts';

const NAME = 'latency';
const PING_SIZE = 100;
const LOAD_SIZE = 1200;
const NORMAL_RATE = 1000;
/** The datagrams are so far apart that everything has gone to sleep. */
const IDLE_RATE = 100;
/** Round trips a second beside a load. */
const TRIPS_BESIDE = 1000;
/** How long the last echo may take. */
const DRAIN_MILLIS = 300;
/** How much longer than other runs: percentiles need many trips. */
const LONGER = 2;

/**
 * Compiling goes on for tens of thousands of packets, each time a few milliseconds in which others
 * wait for a core: so many runs at this rate before.
 */
const WARM_UP_RUNS = 4;
const WARM_UP_RATE = 4000;

interface Trips {
	readonly system: System;
	readonly p50: number[];
	readonly p99: number[];
	readonly loss: number[];
}

function tripRows(name: string, cells: readonly Trips[], isJudged: boolean): Row[] {
	const rows: Row[] = [];
	for (const {system, p50, p99, loss} of cells) {
		const isOurs = isJudged && system.name === TUNNEL.name;
		for (const [what, runs, limit] of [
			['p50', p50, TRIP_MEDIAN],
			['p99', p99, TRIP_P99],
		] as const) {
			const lost = spread(loss).median;
			rows.push(
				makeRow({
					measurement: NAME,
					case: name,
					system: `${system.name} ${what}`,
					unit: 'us',
					runs,
					reference: rows.find((row) => row.system === `${SOCAT.name} ${what}`),
					ratioLimit: isOurs ? limit : undefined,
					note: lost > 0 && what === 'p50' ? `lost ${formatPart(lost)}` : '',
				}),
			);
		}
	}
	return rows;
}

function echoes(name: string, rate: number, kinds: readonly SystemKind[], isJudged: boolean): Case {
	const plan = {name, rate, kinds, isJudged};
	return {name, run: (conditions) => echoRows(plan, LOOPBACK, conditions)};
}

interface Echoes {
	readonly name: string;
	readonly rate: number;
	readonly kinds: readonly SystemKind[];
	readonly isJudged: boolean;
}

function echoRows(
	{name, rate, kinds, isJudged}: Echoes,
	scene: Scene,
	{style, warn, repeats, millis}: Conditions,
): Promise<Row[]> {
	return withBench(Bench.start(scene, kinds, style, warn), async (bench) => {
		const cells = bench.systems.map((system): Trips => ({system, p50: [], p99: [], loss: []}));
		const traffic = {
			sizes: [PING_SIZE],
			millis: millis * LONGER,
			echoEvery: 1,
			drainMillis: DRAIN_MILLIS,
		};
		for (let run = 0; run < WARM_UP_RUNS; run++) {
			for (const system of bench.systems) {
				await bench.load(system, {...traffic, rate: WARM_UP_RATE});
			}
		}
		for (let repeat = 0; repeat < repeats; repeat++) {
			for (const {system, p50, p99, loss} of cells) {
				const result = await bench.load(system, {...traffic, rate});
				p50.push(result.p50);
				p99.push(result.p99);
				loss.push(1 - result.echoed / result.wanted);
			}
		}
		return tripRows(name, cells, isJudged);
	});
}

// A load one way of which some datagrams come back.
async function besideLoad(name: string, conditions: Conditions): Promise<readonly Row[]> {
	const {style, warn, repeats, millis} = conditions;
	const start = Bench.start(LOOPBACK, [SOCAT, TUNNEL], style, warn);
	return withBench(start, async (bench) => {
		const plans = bench.systems.map((system) => ({system, sizes: [LOAD_SIZE], lossLimit: 0.01}));
		const highest = await highestRates(bench, plans, Math.min(repeats, 2), millis);
		const rows: Row[] = [];
		const p99 = plans.map((): number[] => []);
		const rates = highest.map((bests) => spread(bests.map(({rate}) => rate)).median / 2);
		for (let repeat = 0; repeat < repeats; repeat++) {
			for (const [i, {system}] of plans.entries()) {
				const rate = rates[i]!;
				const echoEvery = Math.max(1, Math.round(rate / TRIPS_BESIDE));
				const traffic = {sizes: [LOAD_SIZE], rate, millis: millis * LONGER};
				const {load} = await bench.trial(system, {
					...traffic,
					echoEvery,
					drainMillis: DRAIN_MILLIS,
				});
				p99[i]!.push(load.p99);
			}
		}
		for (const [i, {system}] of plans.entries()) {
			rows.push(
				makeRow({
					measurement: NAME,
					case: name,
					system: `${system.name} p99`,
					unit: 'us',
					runs: p99[i]!,
					reference: rows[0],
					limit: system.name === TUNNEL.name ? LOADED_P99 : undefined,
					note: `at ${rates[i]!.toFixed(0)}/s one way, 1,000 of them a second come back`,
				}),
			);
		}
		return rows;
	});
}

const VPN: Echoes = {
	name: 'other tunnels over veth, 100 B at 1,000/s',
	rate: NORMAL_RATE,
	kinds: [SOCAT, TUNNEL, OPENVPN],
	isJudged: false,
};
const HALF = '1200 B at half of the highest rate';

/** How long a datagram takes through a system to an echo and back. */
export const LATENCY_MEASUREMENT: Measurement = {
	name: NAME,
	title: 'round trip through an echo',
	reference: 'socat',
	cases: [
		echoes('100 B at 1,000/s', NORMAL_RATE, [DIRECT, SOCAT, TUNNEL], true),
		echoes('100 B at 100/s', IDLE_RATE, [DIRECT, SOCAT, TUNNEL], false),
		{name: HALF, run: (conditions) => besideLoad(HALF, conditions)},
		echoes('busy polling, 100 B at 1,000/s', NORMAL_RATE, [SOCAT, BUSY_TUNNEL], false),
		echoes('back ends, 100 B at 1,000/s', NORMAL_RATE, [SOCAT, ...TUNNELS], false),
		echoes(
			'other tunnels, 100 B at 1,000/s',
			NORMAL_RATE,
			[SOCAT, TUNNEL, SHADOWSOCKS, ...peerKinds()],
			false,
		),
		{
			name: VPN.name,
			run: (conditions) => withCable(true, (scene) => echoRows(VPN, scene, conditions)),
		},
	],
};
