import type {Bench} from './bench.ts';
import {sharedNow} from './messages.ts';
import {type Program, pause} from './processes.ts';
import {type Spread, spread} from './statistics.ts';
import {Tunnel} from './systems.ts';

const RATE = 1000;
const SIZE = 100;
/** Traffic before the crash and in all. */
const BEFORE_MILLIS = 500;
const RUN_MILLIS = 2500;

/** How long traffic is away when one end dies. */
export interface RecoveryRow {
	readonly system: string;
	readonly killed: 'server' | 'client';
	/** Milliseconds from the start of the new process to the first datagram through it. */
	readonly fromStart: Spread;
	/** The part of it before the new process says that it runs: what Node.js itself takes. */
	readonly starting: Spread;
}

/** Kills an end under traffic, starts it again at once and waits for the next datagram. */
export async function measureRecovery(bench: Bench, repetitions: number): Promise<RecoveryRow[]> {
	const crypto = bench.systems.find((system) => system instanceof Tunnel)?.name;
	if (crypto === undefined) return [];
	const tunnel = await Tunnel.start(crypto, await bench.sinkPort());
	const rows = [];
	for (const killed of ['server', 'client'] as const) {
		const fromStart: number[] = [];
		const starting: number[] = [];
		for (let repetition = 0; repetition < repetitions; repetition++) {
			const result = await crash(bench, tunnel, killed);
			fromStart.push(result.fromStart);
			starting.push(result.starting);
		}
		rows.push({
			system: crypto,
			killed,
			fromStart: spread(fromStart),
			starting: spread(starting),
		});
	}
	await tunnel.stop();
	return rows;
}

async function crash(
	bench: Bench,
	tunnel: Tunnel,
	killed: RecoveryRow['killed'],
): Promise<{fromStart: number; starting: number}> {
	const run = await bench.begin();
	const {port} = tunnel;
	const command = {type: 'send', run, port, size: SIZE, rate: RATE, millis: RUN_MILLIS} as const;
	const done = bench.load.ask(command);
	await pause(BEFORE_MILLIS);
	await tunnel.parts.find(({role}) => role === killed)?.program.kill();
	const startedAt = sharedNow();
	const program: Program = killed === 'server' ? tunnel.startServer() : tunnel.startClient();
	await program.says(`mp${killed} runs`);
	const starting = sharedNow() - startedAt;
	await done;
	await pause(100);
	// The longest silence is the one that the crash made.
	const {gapUntil} = await bench.sink.ask({type: 'report'});
	return {fromStart: gapUntil > startedAt ? gapUntil - startedAt : Number.NaN, starting};
}
