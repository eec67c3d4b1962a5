import {writeFileSync} from 'node:fs';
import {join} from 'node:path';
import type {StatusSnapshot} from '../../../src/app/observe/status.ts';
import {readStatus} from '../../../src/app/observe/status-server.ts';
import {freePort, Program} from '../processes.ts';
import {type Links, startLinks} from './links.ts';
import {type Relay, startRelays} from './relays.ts';
import {
	LOOPBACK,
	NEAR_HOST,
	type Part,
	type Scene,
	type System,
	type SystemKind,
} from './system.ts';
import {temporaryFolder} from './temporary-folder.ts';

/** A key for measurements only. */
const KEY = Buffer.alloc(32, 0x5a).toString('base64');

/** How a tunnel is made. */
export interface TunnelOptions {
	readonly name: string;
	/** Paths between the two ends. */
	readonly paths?: number;
	/**
	 * What the paths lead through; direct without. Flags are those of simulated links; a function is
	 * given the port of the server, and tells those to send to.
	 */
	readonly through?:
		| 'socats'
		| readonly (readonly string[])[]
		| ((port: number) => Promise<readonly number[]>);
	/** Flags of both ends. */
	readonly flags?: readonly string[];
	/** Instead of the classic port, and of the fixed target. */
	readonly clientFlags?: readonly string[];
	readonly serverFlags?: readonly string[];
	/** Policy of the client's flows, unless that is the default. */
	readonly policy?: string;
	readonly scene?: Scene;
	/** Both ends tell each second what their garbage collector did: see `load/heap-observer.ts`. */
	readonly observesHeap?: boolean;
}

const HEAP_OBSERVER = new URL('../load/heap-observer.js', import.meta.url).href;

/** The back ends of cipher and sockets by the name of the tunnel that has them. */
const BACK_ENDS: Readonly<Record<string, readonly string[]>> = {
	tunnel: [],
	'tunnel sodium': ['--crypto', 'sodium'],
	'tunnel node': ['--crypto', 'node'],
	'tunnel noble': ['--crypto', 'noble'],
	'tunnel sodium dgram': ['--crypto', 'sodium', '--io', 'dgram'],
	'tunnel noble dgram': ['--crypto', 'noble', '--io', 'dgram'],
};

/** The tunnel as it is by default, and with back ends forced. */
export const TUNNELS: readonly SystemKind[] = Object.entries(BACK_ENDS).map(([name, flags]) => ({
	name,
	start: (scene, sink) => Tunnel.start({name, flags, scene}, sink),
}));

/** By default. */
export const TUNNEL: SystemKind = TUNNELS[0]!;

/** Every datagram once, and repairs of half the bytes: a coded lane. */
export const CODED_TUNNEL: SystemKind = {
	name: 'tunnel fec 1.5',
	start: (scene, sink) => Tunnel.start({name: 'tunnel fec 1.5', policy: 'fec 1.5', scene}, sink),
};

/** Its paths lead through three plain relays. */
export const BRIDGED_TUNNEL: SystemKind = {
	name: 'tunnel over three socats',
	start: (scene, sink) =>
		Tunnel.start({name: 'tunnel over three socats', through: 'socats', scene}, sink),
};

/** It pays a core at each end for the lowest latency. */
export const BUSY_TUNNEL: SystemKind = {
	name: 'tunnel --busy-poll',
	start: (scene, sink) =>
		Tunnel.start({name: 'tunnel --busy-poll', flags: ['--busy-poll'], scene}, sink),
};

/** mpserver and mpclient with paths between them. */
export class Tunnel implements System {
	readonly name: string;
	readonly host: string = NEAR_HOST;
	readonly ports: readonly number[];
	readonly needsRest = true;
	readonly #options: TunnelOptions;
	readonly #scene: Scene;
	readonly #folder = temporaryFolder();
	readonly #sink: number;
	readonly #serverPort: number;
	#pathPorts: readonly number[] = [];
	#pathHost: string;
	#relays: readonly Relay[] = [];
	#links: Links | undefined;
	#server: Program;
	#client: Program | undefined;

	private constructor(
		options: TunnelOptions,
		ports: {client: number; server: number},
		sink: number,
	) {
		this.name = options.name;
		this.ports = [ports.client];
		this.#options = options;
		this.#scene = options.scene ?? LOOPBACK;
		this.#pathHost = this.#scene.farHost;
		this.#serverPort = ports.server;
		this.#sink = sink;
		this.#server = this.startServer();
	}

	/** @param sink the port of the fixed target, unless the server's flags say something else */
	static async start(options: TunnelOptions, sink: number): Promise<Tunnel> {
		const ports = {client: await freePort(), server: await freePort()};
		const tunnel = new Tunnel(options, ports, sink);
		try {
			await tunnel.#server.says('mpserver runs');
			await tunnel.#connect();
			await tunnel.startClient().says('a session is up');
		} catch (error) {
			await tunnel.stop();
			throw error;
		}
		return tunnel;
	}

	/** The back ends of the client, as it told of them. */
	get backEnds(): string {
		const said = this.#client?.stderr ?? '';
		return [...said.matchAll(/ back end (\w+=\S+)/g)].map(([, word]) => word).join(', ');
	}

	get parts(): readonly Part[] {
		const client = this.#client;
		return [
			...(client === undefined ? [] : [{role: 'client', program: client}]),
			{role: 'server', program: this.#server},
			...this.#relays.map(({part}) => part),
		];
	}

	/** The simulated links that its paths lead through. */
	get links(): Links | undefined {
		return this.#links;
	}

	/** The relays that its paths lead through. */
	get relays(): readonly Relay[] {
		return this.#relays;
	}

	async #connect(): Promise<void> {
		const {through, paths = 3} = this.#options;
		const to = {host: this.#scene.farHost, port: this.#serverPort};
		this.#pathPorts = new Array<number>(paths).fill(this.#serverPort);
		if (through === undefined) return;
		this.#pathHost = NEAR_HOST;
		if (through === 'socats') {
			this.#relays = await startRelays(paths, this.#scene.nearWrapper, to);
			this.#pathPorts = this.#relays.map(({port}) => port);
		} else if (typeof through === 'function') {
			this.#pathPorts = await through(this.#serverPort);
		} else {
			this.#links = await startLinks(through, this.#scene.nearWrapper, to);
			this.#pathPorts = this.#links.ports;
		}
	}

	/** Starts the server; the former one has to be gone. */
	startServer(): Program {
		const {farHost, farWrapper} = this.#scene;
		const {serverFlags = [NEAR_HOST, String(this.#sink)]} = this.#options;
		const words = [String(this.#serverPort), ...serverFlags, '--bind', farHost];
		this.#server = this.#program('mpserver', words, farWrapper);
		return this.#server;
	}

	/** The same for the client. */
	startClient(): Program {
		const file = join(this.#folder, 'mpclient.conf');
		writeFileSync(file, this.#pathPorts.map((port) => `${this.#pathHost} ${port}\n`).join(''));
		const classic = ['--listen', `${NEAR_HOST}:${this.ports[0]}`, '--no-socks'];
		const {clientFlags = classic, policy} = this.#options;
		const words = [file, ...clientFlags, ...(policy === undefined ? [] : ['--policy', policy])];
		this.#client = this.#program('mpclient', words, this.#scene.nearWrapper);
		return this.#client;
	}

	/** Resolves with what an end says of itself. */
	async status(end: 'mpclient' | 'mpserver'): Promise<StatusSnapshot> {
		return await readStatus(join(this.#folder, end, 'status.sock'));
	}

	#program(name: string, words: readonly string[], wrapper: readonly string[]): Program {
		const state = ['--state', join(this.#folder, name)];
		const {flags = [], observesHeap = false} = this.#options;
		const env = {
			MPTUNNEL_KEY: KEY,
			...(observesHeap ? {NODE_OPTIONS: `--import ${HEAP_OBSERVER}`} : {}),
		};
		return Program.node(name, [...words, ...state, ...flags], env, wrapper);
	}

	async stop(): Promise<void> {
		await Promise.all(this.parts.map(({program}) => program.kill()));
		await this.#links?.stop();
	}
}
