import type {LoadCommand, LoadResult, SinkCommand, SinkResult} from './messages.ts';
import {Helper, pause} from './processes.ts';
import {SYSTEM_KINDS, type System} from './systems.ts';

/** How long what is on its way may take to arrive. */
const DRAIN_MILLIS = 60;

/** What a system may lose and still counts as carrying a rate. */
export const LOSS_LIMIT = 0.01;

/** A tunnel holds a path back that was sent too much; it is given this long to forget. */
const REST_MILLIS = 3500;

/** What one run of load through a system brought. */
export interface Trial {
	/** Datagrams a second that were sent, and that arrived. */
	readonly offered: number;
	readonly carried: number;
	readonly loss: number;
	readonly sent: number;
}

/** What every measurement has: the load generator, the sink, and the systems between them. */
export class Bench {
	readonly systems: readonly System[];
	readonly load: Helper<LoadCommand, LoadResult>;
	readonly sink: Helper<SinkCommand, SinkResult>;
	readonly #warn: (text: string) => void;
	readonly #restedAt = new Map<System, number>();
	#run = 0;

	private constructor(
		systems: readonly System[],
		load: Bench['load'],
		sink: Bench['sink'],
		warn: (text: string) => void,
	) {
		this.systems = systems;
		this.load = load;
		this.sink = sink;
		this.#warn = warn;
	}

	/** Starts it; a system that cannot be started is left out with a warning. */
	static async start(names: ReadonlySet<string>, warn: (text: string) => void): Promise<Bench> {
		const load = new Helper<LoadCommand, LoadResult>('load-main');
		const sink = new Helper<SinkCommand, SinkResult>('sink-main');
		const {port} = await sink.ask({type: 'port'});
		const systems: System[] = [];
		for (const {name, start} of SYSTEM_KINDS) {
			if (!names.has(name)) continue;
			try {
				systems.push(await start(port));
			} catch (error) {
				warn(`without ${name}: ${error instanceof Error ? error.message : error}`);
			}
		}
		return new Bench(systems, load, sink, warn);
	}

	/** The port of the sink, for systems that a measurement starts by itself. */
	async sinkPort(): Promise<number> {
		return (await this.sink.ask({type: 'port'})).port;
	}

	/** Begins a run at the sink; its number has to be in what is sent. */
	async begin(echo = false): Promise<number> {
		this.#run++;
		await this.sink.ask({type: 'begin', run: this.#run, echo});
		return this.#run;
	}

	/** Sends at a rate for a while and counts what arrives. */
	async trial(system: System, size: number, rate: number, millis: number): Promise<Trial> {
		await pause(Math.max(0, (this.#restedAt.get(system) ?? 0) - performance.now()));
		const run = await this.begin();
		const {port} = system;
		const {sent, millis: took} = await this.load.ask({type: 'send', run, port, size, rate, millis});
		await pause(DRAIN_MILLIS);
		const {unique, duplicates} = await this.sink.ask({type: 'report'});
		if (duplicates > 0) this.#warn(`${system.name} delivered ${duplicates} datagrams twice`);
		const carried = (unique / took) * 1000;
		const loss = 1 - unique / sent;
		if (loss > LOSS_LIMIT && system.parts.length > 1) {
			this.#restedAt.set(system, performance.now() + REST_MILLIS);
		}
		return {offered: (sent / took) * 1000, carried, loss, sent};
	}

	async stop(): Promise<void> {
		await Promise.all(this.systems.map((system) => system.stop()));
		await Promise.all([this.load.stop(), this.sink.stop()]);
	}
}
