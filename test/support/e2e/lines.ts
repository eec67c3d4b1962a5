import {join} from 'node:path';
import process from 'node:process';
import {fileURLToPath} from 'node:url';
import {threadId} from 'node:worker_threads';
import type {ExecutionContext} from 'ava';
import type {StatusSnapshot} from '../../../src/app/observe/status.ts';
import {readStatus} from '../../../src/app/observe/status-server.ts';
import {attempt, ip, run} from '../machine/commands.ts';
import {systemEnvironment} from '../machine/machine.ts';
import type {Child} from './process.ts';
import type {Program} from './program.ts';
import {pathsUp, untilSnapshot} from './snapshots.ts';
import {Stage} from './stage.ts';

const MAIN = fileURLToPath(new URL('./lines-main.js', import.meta.url));
/** Of the server, reached over either line. */
const SERVER = '10.7.0.1';
const PORT = 2000;

/** The two lines of the client. */
export type Line = 'eth0' | 'eth1';

/** The first three parts of a line's addresses: the client is .2, its gateway .1. */
const NETWORKS: Readonly<Record<Line, string>> = {eth0: '10.8.0', eth1: '10.9.0'};

/** What the application counted. */
export interface Count {
	readonly sent: number;
	readonly lost: number;
	/** The longest time without an answer, in ms. */
	readonly gap: number;
}

let count = 0;

/**
 * A client host with two lines to a server host, in network namespaces of their own: mpclient,
 * mpserver, an application that sends numbers and a target that sends them back.
 */
export class TwoLines {
	readonly stage: Stage;
	readonly clientHost: string;
	readonly serverHost: string;
	client!: Program;
	server!: Program;
	#application: Child | undefined;
	#startClient: () => Promise<void> = async () => {};

	constructor(t: ExecutionContext) {
		this.stage = new Stage(t);
		const name = `mpt-${process.pid}-${threadId}-l${count++}`;
		this.clientHost = `${name}c`;
		this.serverHost = `${name}s`;
		t.teardown(() => {
			for (const host of [this.clientHost, this.serverHost]) {
				attempt('ip', ['netns', 'del', host]);
			}
		});
		for (const host of [this.clientHost, this.serverHost]) {
			ip('netns', 'add', host);
			ip('-n', host, 'link', 'set', 'lo', 'up');
		}
		ip('-n', this.serverHost, 'addr', 'add', `${SERVER}/32`, 'dev', 'lo');
		this.lay('eth0');
		this.lay('eth1');
	}

	/** Lays a line, with addresses and a route; eth0's is the better one. */
	lay(line: Line): void {
		const {clientHost, serverHost} = this;
		const network = NETWORKS[line];
		const far = ['peer', `s${line}`, 'netns', serverHost];
		ip('link', 'add', line, 'netns', clientHost, 'type', 'veth', ...far);
		ip('-n', serverHost, 'addr', 'add', `${network}.1/24`, 'dev', `s${line}`);
		ip('-n', serverHost, 'link', 'set', `s${line}`, 'up');
		ip('-n', clientHost, 'addr', 'add', `${network}.2/24`, 'dev', line);
		ip('-n', clientHost, 'link', 'set', line, 'up');
		this.route(line);
	}

	/** Gives the client its default route over a line, as a network manager does. */
	route(line: Line, metric: number = line === 'eth0' ? 100 : 200): void {
		const via = ['via', `${NETWORKS[line]}.1`, 'dev', line, 'metric', `${metric}`];
		this.ip('route', 'replace', 'default', ...via);
	}

	/** `ip` in the client's host. */
	ip(...words: readonly string[]): void {
		ip('-n', this.clientHost, ...words);
	}

	/** Runs a command in a host; returns what it printed. */
	run(host: string, ...words: readonly string[]): string {
		return run('ip', ['netns', 'exec', host, ...words], {env: systemEnvironment()});
	}

	/** Lets nothing pass on a line from now on, whose link stays up. */
	mute(line: Line): void {
		const rules =
			`add table inet mute\nadd chain inet mute i { type filter hook prerouting priority -300; }\n` +
			`add chain inet mute o { type filter hook output priority -300; }\n` +
			`add rule inet mute i iifname "s${line}" drop\nadd rule inet mute o oifname "s${line}" drop\n`;
		this.run(this.serverHost, 'nft', '-f', this.stage.write('mute.nft', rules));
	}

	/** Lets nothing pass that comes from this port of the client. */
	blockPort(port: number): void {
		const rules =
			`add table inet nat${port}\n` +
			`add chain inet nat${port} i { type filter hook prerouting priority -300; }\n` +
			`add rule inet nat${port} i udp sport ${port} drop\n`;
		this.run(this.serverHost, 'nft', '-f', this.stage.write('block.nft', rules));
	}

	/** Starts both programs and the target, which is at `port` of the server's host or an echo. */
	async start(
		paths: readonly string[],
		words: readonly string[] = [],
		port?: number,
	): Promise<void> {
		const {stage, clientHost, serverHost} = this;
		const inHost = (host: string) => ['ip', 'netns', 'exec', host];
		const key = ['--key-file', await stage.key()];
		const targetPort = port ?? (await this.#echo());
		const folder = (name: string) => ['--state', stage.path(name)];
		const server = [`${PORT}`, '127.0.0.1', `${targetPort}`, ...key, ...folder('server')];
		this.server = stage.program('mpserver', server, {}, inHost(serverHost));
		await this.server.says('mpserver runs');
		const conf = stage.write('c.conf', paths.map((path) => `${SERVER} ${PORT} ${path}\n`).join(''));
		const client = [conf, '--no-socks', ...key, ...folder('client'), ...words];
		this.#startClient = async () => {
			this.client = stage.program('mpclient', client, {}, inHost(clientHost));
			await this.client.says('mpclient runs');
		};
		await this.#startClient();
	}

	/** Stops the client as a user does, and starts it again. */
	async restartClient(): Promise<void> {
		this.client.kill('SIGTERM');
		await this.client.end();
		await this.#startClient();
	}

	/** Begins to send 200 datagrams a second. */
	async send(): Promise<void> {
		this.#application = this.#main(this.clientHost, 'application', '3000', '200');
		await this.#application.says('answered');
	}

	/** Ends it and says what came back. */
	async settle(): Promise<Count> {
		const application = this.#application!;
		application.type('stop');
		await application.says(/^\{.*\}$/m);
		return JSON.parse(/^\{.*\}$/m.exec(application.output)?.[0] ?? '') as Count;
	}

	async #echo(): Promise<number> {
		const target = this.#main(this.serverHost, 'target');
		await target.says(/^port \d+$/m);
		return Number(/^port (\d+)$/m.exec(target.output)?.[1]);
	}

	#main(host: string, ...words: readonly string[]): Child {
		return this.stage.child('ip', ['netns', 'exec', host, process.execPath, MAIN, ...words], true);
	}

	/** What an end says of itself. */
	async status(end: 'client' | 'server'): Promise<StatusSnapshot> {
		return await readStatus(join(this.stage.path(end), 'status.sock'));
	}

	/** Resolves when the snapshots of the client meet the condition. */
	async until(
		condition: (snapshot: StatusSnapshot) => boolean,
		what: string,
		limit = 30_000,
	): Promise<void> {
		const socket = join(this.stage.path('client'), 'status.sock');
		await untilSnapshot(socket, condition, () => `${what}: ${this.client.stderr}`, limit);
	}

	/** Resolves when so many paths of the client are up. */
	async untilUp(paths: number, limit?: number): Promise<void> {
		await this.until((snapshot) => pathsUp(snapshot) === paths, `${paths} paths up`, limit);
	}

	/** The local addresses of the client's sockets to the server: `10.8.0.2%eth0`, sorted. */
	sources(): readonly string[] {
		const sockets = this.run(this.clientHost, 'ss', '-Huan', 'dst', `${SERVER}:${PORT}`);
		return [...sockets.matchAll(/(\S+):\d+\s+10\.7\.0\.1:2000/g)].map(([, at = '']) => at).sort();
	}
}
