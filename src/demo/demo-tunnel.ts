import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import process from 'node:process';
import {type RunningClient, startClient} from '../app/client.ts';
import type {Logger} from '../app/observe/logger.ts';
import {type RunningServer, startServer} from '../app/server.ts';
import {CLIENT_DEFAULTS, type ClientOptions, type PathOptions} from '../config/client.ts';
import type {ServerOptions} from '../config/server.ts';
import {generateKey} from '../crypto/keys.ts';
import {SystemRandom} from '../crypto/system-random.ts';
import type {LinkProxyCounts} from '../net/link/proxy.ts';
import type {Policy} from '../policy/policy.ts';
import {PolicyRules} from '../policy/rules.ts';
import {Links, type SeededLink} from './links.ts';
import {type Measurement, measure} from './measurement.ts';
import {EchoTarget} from './traffic.ts';

const LOCALHOST = '127.0.0.1';

/** Settings of a tunnel. */
export interface DemoTunnelInit {
	/** The policy of all its datagrams. */
	readonly policy: Policy;
	/** One path for each. */
	readonly links: readonly SeededLink[];
	readonly logger: Logger;
}

/** The parts of a tunnel. */
interface Parts {
	readonly client: RunningClient;
	readonly server: RunningServer;
	readonly links: Links;
	readonly echo: EchoTarget;
	readonly cleanUp: () => Promise<void>;
}

/**
 * An echo target, a server, a client and the links between the two: real sockets on free ports of
 * 127.0.0.1, a key made for this run, state in a temporary folder that goes with it.
 */
export class DemoTunnel {
	/** The policy of all its datagrams. */
	readonly policy: Policy;
	/** The server's fixed target. */
	readonly echo: EchoTarget;
	readonly #client: RunningClient;
	readonly #server: RunningServer;
	readonly #links: Links;
	readonly #cleanUp: () => Promise<void>;

	private constructor(policy: Policy, {client, server, links, echo, cleanUp}: Parts) {
		this.policy = policy;
		this.echo = echo;
		this.#client = client;
		this.#server = server;
		this.#links = links;
		this.#cleanUp = cleanUp;
	}

	/** Starts it. */
	static async start(init: DemoTunnelInit): Promise<DemoTunnel> {
		const {policy, logger} = init;
		// What is open so far, to be closed in the opposite order.
		const closers = [makeFolder()];
		const cleanUp = async () => {
			for (let closer = closers.pop(); closer !== undefined; closer = closers.pop()) {
				await closer.close();
			}
		};
		const folder = closers[0]!.path;
		const psk = generateKey(new SystemRandom());
		const keep = <T extends {close(): Promise<void>}>(running: T): T => {
			closers.push({path: '', close: () => running.close()});
			return running;
		};
		try {
			const echo = keep(await EchoTarget.open());
			const server = keep(await startServer(serverOptions(echo.port, psk, folder), logger));
			const port = portOf(server.listening[0]);
			const links = keep(await Links.start(init.links, port));
			const paths = links.ports.map((to, index) => pathOptions(init.links[index]!.name, to));
			const options = {...clientOptions(paths, psk, folder), policies: rulesOf(policy)};
			const client = keep(await startClient(options, logger));
			return new DemoTunnel(policy, {client, server, links, echo, cleanUp});
		} catch (error) {
			await cleanUp();
			throw error;
		}
	}

	/** The port of 127.0.0.1 where applications send to. */
	get classicPort(): number {
		return portOf(this.#client.listening);
	}

	/** Returns the figures of both ends. `undefined`: no handshake yet. */
	measure(): Measurement | undefined {
		return measure(this.#client.status(), this.#server.status());
	}

	/** Returns the counts of the links, in their order. */
	linkCounts(): Promise<readonly LinkProxyCounts[]> {
		return this.#links.counts();
	}

	/** Stops everything and removes what it wrote. */
	close(): Promise<void> {
		return this.#cleanUp();
	}
}

interface Closer {
	readonly path: string;
	close(): Promise<void>;
}

function makeFolder(): Closer {
	const path = mkdtempSync(join(tmpdir(), 'mptunnel-demo-'));
	const remove = () => rmSync(path, {recursive: true, force: true});
	// A second Ctrl-C ends the process without waiting for anything.
	process.once('exit', remove);
	const close = async () => {
		process.off('exit', remove);
		remove();
	};
	return {path, close};
}

const COMMON = {
	encrypt: true,
	crypto: undefined,
	io: undefined,
	busyPoll: false,
	streamMemory: CLIENT_DEFAULTS.streamMemory,
	laneMemory: CLIENT_DEFAULTS.laneMemory,
	hold: 500,
	congestionControl: CLIENT_DEFAULTS.congestionControl,
	stats: undefined,
	page: undefined,
	metrics: undefined,
	pageOpen: false,
	pageName: undefined,
	logLevel: 'warn',
	logFormat: 'text',
} as const;

function serverOptions(target: number, psk: Uint8Array, folder: string): ServerOptions {
	return {
		...COMMON,
		configFile: undefined,
		port: 0,
		bind: [LOCALHOST],
		target: {host: LOCALHOST, port: target},
		exit: undefined,
		keys: {keyless: false, users: [{name: 'demo', psk}]},
		users: new Map(),
		maxTraffic: undefined,
		state: join(folder, 'server'),
	};
}

function clientOptions(
	paths: readonly PathOptions[],
	psk: Uint8Array,
	folder: string,
): ClientOptions {
	return {
		...COMMON,
		configFile: join(folder, 'mpclient.conf'),
		paths,
		listen: {host: LOCALHOST, port: 0},
		socks: false,
		forwards: [],
		policies: CLIENT_DEFAULTS.policies,
		optimisticConnect: false,
		copies: undefined,
		keys: {keyless: false, users: [{name: 'demo', psk}]},
		state: join(folder, 'client'),
	};
}

/** Returns rules by which all datagrams have the policy. */
function rulesOf(policy: Policy): PolicyRules {
	return new PolicyRules([], policy);
}

function pathOptions(name: string, port: number): PathOptions {
	return {
		name,
		host: LOCALHOST,
		port,
		bind: undefined,
		device: undefined,
		mark: undefined,
		localPort: undefined,
		rate: undefined,
		keepAlive: undefined,
		metered: false,
		backup: false,
	};
}

function portOf(place = ''): number {
	return Number(place.slice(place.lastIndexOf(':') + 1));
}
