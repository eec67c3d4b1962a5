import type {LoadStyle} from './load/load-sockets.ts';
import {
	type LoadCommand,
	type LoadResult,
	NO_LOAD,
	type SinkCommand,
	type SinkResult,
} from './load/messages.ts';
import {Helper, pause} from './processes.ts';
import {MissingError, type Scene, type System, type SystemKind} from './systems/system.ts';

/** The sink is asked again until nothing has come in for this long, or for so long in all. */
const QUIET_MILLIS = 60;
const LONGEST_DRAIN_MILLIS = 1500;

/** A tunnel holds a path back that was sent too much; it is given this long to forget. */
const REST_MILLIS = 3500;
/** Above this loss it was too much. */
const TOO_MUCH = 0.01;

/** A fresh process runs slow code until it is compiled, and compiling holds it up: both ways first. */
const WARM_UP: readonly Pick<Traffic, 'rate' | 'millis' | 'echoEvery'>[] = [
	{rate: 2000, millis: 2500, echoEvery: 1},
	{rate: 20_000, millis: 700, echoEvery: 20},
];

/** Traffic for one run. */
export type Traffic = Pick<LoadCommand, 'sizes' | 'rate' | 'millis'> & Partial<LoadCommand>;

/** What one run of load through a system brought. */
export interface Trial {
	/**
	 * Datagrams a second that were sent, and that arrived until the last one did: a queue that empties
	 * after the end is no higher rate.
	 */
	readonly offered: number;
	readonly carried: number;
	readonly loss: number;
	/** The same for the direction from the sink to the generator. */
	readonly backOffered: number;
	readonly backCarried: number;
	readonly backLoss: number;
	readonly load: LoadResult;
	readonly sink: SinkResult;
}

/** What every measurement has: the load generator, the sink, and the systems between them. */
export class Bench {
	readonly systems: readonly System[];
	readonly sinkPort: number;
	/** How the sink receives and the generator sends. */
	readonly description: string;
	readonly #load: Helper<LoadCommand, LoadResult>;
	readonly #sink: Helper<SinkCommand, SinkResult>;
	readonly #warn: (text: string) => void;
	readonly #restedAt = new Map<System, number>();
	#run = 0;

	private constructor(
		systems: readonly System[],
		load: Helper<LoadCommand, LoadResult>,
		sink: Helper<SinkCommand, SinkResult>,
		{port, description}: SinkResult,
		warn: (text: string) => void,
	) {
		this.systems = systems;
		this.#load = load;
		this.#sink = sink;
		this.sinkPort = port;
		this.description = description;
		this.#warn = warn;
	}

	/** Starts it and warms it up; a system whose programs are missing is left out with a warning. */
	static async start(
		scene: Scene,
		kinds: readonly SystemKind[],
		style: LoadStyle,
		warn: (text: string) => void,
	): Promise<Bench> {
		const words = [JSON.stringify(style)];
		const load = new Helper<LoadCommand, LoadResult>(
			'load/generator-main',
			words,
			scene.nearWrapper,
		);
		const sink = new Helper<SinkCommand, SinkResult>('load/sink-main', words, scene.farWrapper);
		const hello = await sink.ask({type: 'report'});
		const systems: System[] = [];
		for (const {name, start} of kinds) {
			try {
				systems.push(await start(scene, hello.port));
			} catch (error) {
				if (!(error instanceof MissingError)) throw error;
				warn(`without ${name}: ${error.message}`);
			}
		}
		const bench = new Bench(systems, load, sink, hello, warn);
		for (const system of systems) await bench.warmUp(system);
		return bench;
	}

	/** Lets a fresh system see some traffic. */
	async warmUp(system: System): Promise<void> {
		for (const traffic of WARM_UP) await this.trial(system, {sizes: [1200], ...traffic});
	}

	/** The system of that name; undefined = it was left out. */
	find(name: string): System | undefined {
		return this.systems.find((system) => system.name === name);
	}

	/** Begins a run at the sink, and sends to a system until it is over. */
	async load(system: System, traffic: Traffic): Promise<LoadResult> {
		this.#run++;
		await this.#sink.ask({type: 'begin', run: this.#run});
		return this.#send(system, traffic);
	}

	async #send({host, ports}: System, traffic: Traffic): Promise<LoadResult> {
		return this.#load.ask({...NO_LOAD, run: this.#run, host, ports, ...traffic});
	}

	/** What the sink has of this run. */
	async arrivals(): Promise<SinkResult> {
		return this.#sink.ask({type: 'report'});
	}

	/** Sends at a rate for a while and counts what arrives; `both` ways at that rate each. */
	async trial(system: System, traffic: Traffic, both = false): Promise<Trial> {
		await pause(Math.max(0, (this.#restedAt.get(system) ?? 0) - performance.now()));
		this.#run++;
		const {rate, sizes, millis} = traffic;
		const push = {rate, size: sizes[0]!, millis};
		await this.#sink.ask({type: 'begin', run: this.#run, ...(both ? {push} : {})});
		const drainMillis = both ? LONGEST_DRAIN_MILLIS / 5 : 0;
		const load = await this.#send(system, {drainMillis, ...traffic});
		const sink = await this.#settled();
		if (sink.duplicates > 0 && system.ports.length === 1) {
			this.#warn(`${system.name} delivered ${sink.duplicates} twice`);
		}
		const loss = 1 - sink.unique / load.sent;
		const backLoss = sink.pushed === 0 ? 0 : 1 - load.pushed / sink.pushed;
		if (Math.max(loss, backLoss) > TOO_MUCH && system.needsRest) {
			this.#restedAt.set(system, performance.now() + REST_MILLIS);
		}
		const perSecond = 1000 / load.millis;
		const until = (last: number) => Math.max(load.millis, last - load.begin || 0);
		return {
			offered: load.sent * perSecond,
			carried: (sink.unique * 1000) / until(sink.last),
			loss,
			backOffered: sink.pushed * perSecond,
			backCarried: (load.pushed * 1000) / until(load.lastPushed),
			backLoss,
			load,
			sink,
		};
	}

	async #settled(): Promise<SinkResult> {
		const end = performance.now() + LONGEST_DRAIN_MILLIS;
		let last = await this.arrivals();
		for (;;) {
			await pause(QUIET_MILLIS);
			const next = await this.arrivals();
			if (next.unique === last.unique || performance.now() > end) return next;
			last = next;
		}
	}

	async stop(): Promise<void> {
		await Promise.all(this.systems.map((system) => system.stop()));
		await Promise.all([this.#load.stop(), this.#sink.stop()]);
	}
}
