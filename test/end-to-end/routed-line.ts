import {join} from 'node:path';
import process from 'node:process';
import {fileURLToPath} from 'node:url';
import {threadId} from 'node:worker_threads';
import type {ExecutionContext} from 'ava';
import {readStatus} from '../../src/app/observe/status-server.ts';
import type {Child} from '../support/e2e/process.ts';
import type {Program} from '../support/e2e/program.ts';
import {Stage} from '../support/e2e/stage.ts';
import {attempt, ip, run} from '../support/machine/commands.ts';
import {systemEnvironment} from '../support/machine/machine.ts';
import {waitFor} from '../support/machine/wait-for.ts';

const MAIN = fileURLToPath(new URL('../support/e2e/lines-main.js', import.meta.url));
const SERVER = '10.7.3.2';

type Host = 'client' | 'near' | 'far' | 'server';

/** What an application counted that has the numbers of its datagrams in mind. */
export interface NumberedCount {
	readonly sent: number;
	readonly missing: readonly number[];
	/** Answers to a datagram older than one that was answered before. */
	readonly disordered: number;
	readonly repeated: number;
	/** The longest time without an answer, in ms. */
	readonly gap: number;
}

let count = 0;

/** A client and a server with two routers between them, in network namespaces of their own. */
export class RoutedLine {
	readonly #stage: Stage;
	readonly #hosts: Readonly<Record<Host, string>>;
	#client!: Program;
	#application!: Child;

	constructor(t: ExecutionContext) {
		this.#stage = new Stage(t);
		const name = `mpt-${process.pid}-${threadId}-r${count++}`;
		this.#hosts = {client: `${name}c`, near: `${name}n`, far: `${name}f`, server: `${name}s`};
		const hosts = Object.values(this.#hosts);
		t.teardown(() => {
			for (const host of hosts) attempt('ip', ['netns', 'del', host]);
		});
		for (const host of hosts) {
			ip('netns', 'add', host);
			ip('-n', host, 'link', 'set', 'lo', 'up');
		}
		this.#cable('client', 'near', '10.7.1');
		this.#cable('near', 'far', '10.7.2');
		this.#cable('far', 'server', '10.7.3');
		this.#route('client', 'default', '10.7.1.2');
		this.#route('near', '10.7.3.0/24', '10.7.2.2');
		this.#route('far', '10.7.1.0/24', '10.7.2.1');
		this.#route('server', 'default', '10.7.3.1');
		for (const host of ['near', 'far'] as const) {
			this.#run(host, 'sh', '-c', 'echo 1 > /proc/sys/net/ipv4/ip_forward');
		}
	}

	// `right` of the one and `left` of the other, .1 and .2.
	#cable(from: Host, to: Host, network: string): void {
		const [a, b] = [this.#hosts[from], this.#hosts[to]];
		const far = ['peer', 'left', 'netns', b];
		ip('link', 'add', 'right', 'netns', a, 'type', 'veth', ...far);
		ip('-n', a, 'addr', 'add', `${network}.1/24`, 'dev', 'right');
		ip('-n', b, 'addr', 'add', `${network}.2/24`, 'dev', 'left');
		ip('-n', a, 'link', 'set', 'right', 'up');
		ip('-n', b, 'link', 'set', 'left', 'up');
	}

	#route(host: Host, to: string, via: string): void {
		ip('-n', this.#hosts[host], 'route', 'add', to, 'via', via);
	}

	#run(host: Host, ...words: readonly string[]): void {
		const wrapped = ['netns', 'exec', this.#hosts[host], ...words];
		run('ip', wrapped, {env: systemEnvironment()});
	}

	/** The routers say nothing of what they drop. */
	silenceRouters(): void {
		const rules =
			'add table t\nadd chain t o { type filter hook output priority 0; }\n' +
			'add rule t o ip protocol icmp drop\n';
		const file = this.#stage.write('silent.nft', rules);
		for (const host of ['near', 'far'] as const) this.#run(host, 'nft', '-f', file);
	}

	/** Sets the MTU between the routers, or of the client's own interface. */
	setMtu(where: 'middle' | 'own', mtu: number): void {
		const set = (host: Host, device: string) =>
			ip('-n', this.#hosts[host], 'link', 'set', device, 'mtu', `${mtu}`);
		if (where === 'own') set('client', 'right');
		else {
			set('near', 'right');
			set('far', 'left');
		}
	}

	/** Starts both programs and a target that sends everything back. */
	async start(): Promise<void> {
		const stage = this.#stage;
		const target = this.#main('server', 'target');
		await target.says(/^port \d+$/m);
		const port = /^port (\d+)$/m.exec(target.output)?.[1] ?? '';
		const key = ['--key-file', await stage.key()];
		const state = (name: string) => ['--state', stage.path(name)];
		const inHost = (host: Host) => ['ip', 'netns', 'exec', this.#hosts[host]];
		const words = ['2000', '127.0.0.1', port, ...key, ...state('server')];
		const server = stage.program('mpserver', words, {}, inHost('server'));
		await server.says('mpserver runs');
		const conf = stage.write('c.conf', `${SERVER} 2000\n`);
		const client = [conf, '--no-socks', ...key, ...state('client')];
		this.#client = stage.program('mpclient', client, {}, inHost('client'));
		await this.#client.says('mpclient runs');
	}

	#main(host: Host, ...words: readonly string[]): Child {
		const program = [process.execPath, MAIN, ...words];
		return this.#stage.child('ip', ['netns', 'exec', this.#hosts[host], ...program], true);
	}

	/** The packet size of the path in both directions: that of the client, that of the server. */
	async sizes(): Promise<readonly (number | undefined)[]> {
		const ends = ['client', 'server'].map((end) =>
			readStatus(join(this.#stage.path(end), 'status.sock')),
		);
		return (await Promise.all(ends)).map(({sessions}) => sessions[0]?.paths[0]?.mtu);
	}

	/** Resolves when both ends have found this packet size. */
	async untilSize(size: number, limit = 30_000): Promise<void> {
		let last = '';
		let asking = false;
		const ask = async () => {
			asking = true;
			last = await this.sizes().then(String, String);
			asking = false;
		};
		await waitFor(
			() => {
				if (!asking) void ask();
				return last === `${size},${size}`;
			},
			`${size} bytes at both ends: ${this.#client.stderr}`,
			limit,
		);
	}

	/** Begins to send datagrams of so many bytes. */
	async send(perSecond: number, bytes: number): Promise<void> {
		this.#application = this.#main('client', 'application', '3000', `${perSecond}`, `${bytes}`);
		await this.#application.says('answered');
	}

	/** Resolves when so many datagrams that are sent from now on were answered. */
	async answers(number: number): Promise<void> {
		const before = this.#application.output.length;
		this.#application.type(`answers ${number}`);
		await waitFor(
			() => this.#application.output.includes(`answers ${number}\n`, before),
			`${number} answers`,
			60_000,
		);
	}

	/** Ends the application; what it counted. */
	async settle(): Promise<NumberedCount> {
		this.#application.type('stop');
		await this.#application.says(/^\{.*\}$/m);
		const text = /^\{.*\}$/m.exec(this.#application.output)?.[0] ?? '';
		return JSON.parse(text) as NumberedCount;
	}
}
