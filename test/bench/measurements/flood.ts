import {Bench} from '../bench.ts';
import {FLOODED_LOSS} from '../limits.ts';
import type {FloodResult, ForgerCommand} from '../load/messages.ts';
import {cpuTime, Helper, pause} from '../processes.ts';
import {makeRow, type Row} from '../row.ts';
import {DIRECT} from '../systems/relays.ts';
import {LOOPBACK} from '../systems/system.ts';
import {Tunnel} from '../systems/tunnel.ts';
import {type Case, type Conditions, type Measurement, withBench} from './measurement.ts';

const NAME = 'flood';
const RATE = 10_000;
const FORGED_RATE = 200_000;
const FORGED_INITS = 30_000;
const LONGER = 3;
/** Every so many-th datagram comes back, and how long the last of them may take. */
const ECHOES = {echoEvery: 10, drainMillis: 300};
/** Longer than the load, on both sides of it. */
const AROUND_MILLIS = 200;

/** What the flood comes from; none = the load alone. */
const SOURCES: readonly {
	readonly system: string;
	readonly fromPath?: boolean;
	readonly inits?: boolean;
}[] = [
	{system: 'load alone'},
	{system: 'flood from elsewhere', fromPath: false},
	{system: "flood from a path's address", fromPath: true},
	{system: 'INITs from many addresses', fromPath: false, inits: true},
];

type FloodHelper = Helper<ForgerCommand, number | FloodResult>;

async function flooded(name: string, conditions: Conditions): Promise<readonly Row[]> {
	const {style, warn} = conditions;
	const forger: FloodHelper = new Helper('load/forger-main', [JSON.stringify(style)]);
	try {
		return await withBench(Bench.start(LOOPBACK, [DIRECT], style, warn), async (bench) => {
			const through = async (port: number) => {
				const relay = await forger.ask({type: 'relay', port});
				return [Number(relay), port, port];
			};
			const tunnel = await Tunnel.start({name, through}, bench.sinkPort);
			try {
				await bench.warmUp(tunnel);
				return await floodRows(name, conditions, bench, tunnel, forger);
			} finally {
				await tunnel.stop();
			}
		});
	} finally {
		await forger.stop();
	}
}

async function floodRows(
	name: string,
	{repeats, millis}: Conditions,
	bench: Bench,
	tunnel: Tunnel,
	forger: FloodHelper,
): Promise<Row[]> {
	const load = {sizes: [1200], rate: RATE, millis: millis * LONGER, ...ECHOES};
	const duration = load.millis + 2 * AROUND_MILLIS;
	const server = tunnel.parts.find(({role}) => role === 'server')!.program.pid;
	const cells = SOURCES.map((source) => ({...source, loss: [] as number[], note: ''}));
	for (let repeat = 0; repeat < repeats; repeat++) {
		for (const cell of cells) {
			const {fromPath, inits = false} = cell;
			const around = {rate: inits ? FORGED_INITS : FORGED_RATE, millis: duration, inits};
			const cpu = cpuTime(server).all;
			const begin = performance.now();
			const [{loss, load: trips}, result] = await Promise.all([
				pause(AROUND_MILLIS).then(() => bench.trial(tunnel, load)),
				fromPath === undefined
					? undefined
					: forger.ask({type: 'flood', flood: {...around, fromPath}}),
			]);
			const busy = (cpuTime(server).all - cpu) / (performance.now() - begin);
			cell.loss.push(loss * 100);
			const [p50, p99] = [trips.p50, trips.p99].map((micros) => micros.toFixed(0));
			cell.note = `round trip p50 ${p50}, p99 ${p99} us, server ${(busy * 100).toFixed(0)} % of a core`;
			if (typeof result !== 'object') continue;
			const rate = (1000 * result.sent) / result.millis;
			cell.note += `, ${rate.toFixed(0)} forged packets/s`;
		}
	}
	return cells.map(({system, loss, note}) =>
		makeRow({
			measurement: NAME,
			case: name,
			system,
			unit: '% lost',
			runs: loss,
			limit: FLOODED_LOSS,
			note,
		}),
	);
}

const TITLE: Case['name'] = '1200 B at 10,000/s beside 200,000 forged packets/s';

/** What packets that nobody sealed do to those that somebody did. */
export const FLOOD_MEASUREMENT: Measurement = {
	name: NAME,
	title: 'forged packets of the session, numbers fresh',
	reference: '-',
	cases: [{name: TITLE, run: (conditions) => flooded(TITLE, conditions)}],
};
