import {Bench} from '../bench.ts';
import {sharedNow} from '../load/clock.ts';
import {pause} from '../processes.ts';
import {makeRow, type Row} from '../row.ts';
import {DIRECT} from '../systems/relays.ts';
import {LOOPBACK} from '../systems/system.ts';
import {Tunnel} from '../systems/tunnel.ts';
import {type Case, type Conditions, type Measurement, withBench} from './measurement.ts';

const NAME = 'recovery';
const SIZE = 100;
const RESTART_RATE = 1000;
const FAILOVER_RATE = 2000;
/** Traffic before the crash, and in all. */
const BEFORE_MILLIS = 500;
const RUN_MILLIS = 2500;
const DRAIN_MILLIS = 100;

interface Crash {
	/** From the start of the new process to the first datagram through it. */
	readonly fromStart: number;
	/** The part of it before the new process says that it runs: what Node.js itself takes. */
	readonly starting: number;
}

// Kills an end under traffic, starts it again at once and waits for the next datagram.
async function crash(bench: Bench, tunnel: Tunnel, killed: 'server' | 'client'): Promise<Crash> {
	const traffic = {sizes: [SIZE], rate: RESTART_RATE, millis: RUN_MILLIS};
	const done = bench.load(tunnel, {...traffic, drainMillis: DRAIN_MILLIS});
	await pause(BEFORE_MILLIS);
	await tunnel.parts.find(({role}) => role === killed)?.program.kill();
	const startedAt = sharedNow();
	const program = killed === 'server' ? tunnel.startServer() : tunnel.startClient();
	await program.says(`mp${killed} runs`);
	const starting = sharedNow() - startedAt;
	await done;
	// The longest silence is the one that the crash made.
	const {gapUntil} = await bench.arrivals();
	return {fromStart: gapUntil > startedAt ? gapUntil - startedAt : Number.NaN, starting};
}

function restart(killed: 'server' | 'client'): Case {
	const name = `${killed} killed and started again`;
	const run = ({style, warn, repeats}: Conditions) =>
		withBench(Bench.start(LOOPBACK, [DIRECT], style, warn), async (bench) => {
			const tunnel = await Tunnel.start({name: 'tunnel'}, bench.sinkPort);
			await bench.warmUp(tunnel);
			const crashes: Crash[] = [];
			for (let i = 0; i < repeats; i++) crashes.push(await crash(bench, tunnel, killed));
			await tunnel.stop();
			const row = {measurement: NAME, case: name, unit: 'ms'};
			const fromStart = crashes.map((each) => each.fromStart);
			const starting = crashes.map((each) => each.starting);
			return [
				makeRow({...row, system: 'start of the process to first datagram', runs: fromStart}),
				makeRow({...row, system: 'of that until the program runs', runs: starting}),
			];
		});
	return {name, run};
}

async function failover(name: string, conditions: Conditions): Promise<readonly Row[]> {
	const {style, warn, repeats} = conditions;
	return withBench(Bench.start(LOOPBACK, [DIRECT], style, warn), async (bench) => {
		const lost: number[][] = [[], []];
		const gaps: number[][] = [[], []];
		for (let i = 0; i < repeats; i++) {
			const tunnel = await Tunnel.start({name, through: 'socats'}, bench.sinkPort);
			await bench.warmUp(tunnel);
			for (const [k, relay] of tunnel.relays.slice(0, 2).entries()) {
				const traffic = {sizes: [SIZE], rate: FAILOVER_RATE, millis: RUN_MILLIS};
				const done = bench.load(tunnel, {...traffic, drainMillis: DRAIN_MILLIS});
				await pause(BEFORE_MILLIS);
				await relay.part.program.kill();
				const {sent} = await done;
				const {unique, gapFrom, gapUntil} = await bench.arrivals();
				lost[k]!.push(sent - unique);
				gaps[k]!.push(gapUntil - gapFrom);
			}
			await tunnel.stop();
		}
		return ['first', 'second'].flatMap((which, k) => {
			const row = {measurement: NAME, case: `${which} of three bridges killed at 2,000/s`};
			return [
				makeRow({...row, system: 'lost', unit: 'packets', runs: lost[k]!}),
				makeRow({...row, system: 'longest silence', unit: 'ms', runs: gaps[k]!}),
			];
		});
	});
}

const FAILOVER = 'bridges killed';

/** How long traffic is away when something dies. */
export const RECOVERY_MEASUREMENT: Measurement = {
	name: NAME,
	title: 'recovery after kill -9',
	reference: '-',
	cases: [
		restart('server'),
		restart('client'),
		{name: FAILOVER, run: (conditions) => failover(FAILOVER, conditions)},
	],
};
