import {mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import process from 'node:process';
import {freePort, Program, pause} from './processes.ts';

/** A key for measurements only. */
const KEY = Buffer.alloc(32, 0x5a).toString('base64');
const PATHS = 3;

// Also when the benchmark is interrupted.
const folders = new Set<string>();
process.on('exit', () => {
	for (const folder of folders) rmSync(folder, {recursive: true, force: true});
});

function temporaryFolder(): string {
	const folder = mkdtempSync(join(tmpdir(), 'mptunnel-bench-'));
	folders.add(folder);
	return folder;
}

/** One thing under test: what is sent to `port` comes out at the sink. */
export interface System {
	readonly name: string;
	readonly port: number;
	/** Its processes. */
	readonly parts: readonly {readonly role: string; readonly program: Program}[];
	stop(): Promise<void>;
}

/** What a system is called and how it is started in front of a sink. */
export interface SystemKind {
	readonly name: string;
	readonly start: (sink: number) => Promise<System>;
}

/** Everything that can be measured, the references first. */
export const SYSTEM_KINDS: readonly SystemKind[] = [
	{name: 'direct', start: startDirect},
	{name: 'socat', start: startSocat},
	...['sodium', 'node', 'noble', 'sodium-dgram', 'noble-dgram'].map((name) => ({
		name,
		start: (sink: number) => Tunnel.start(name, sink),
	})),
];

// The generator's own ceiling: the sink itself.
async function startDirect(sink: number): Promise<System> {
	return {name: 'direct', port: sink, parts: [], stop: async () => {}};
}

/** The reference: one plain relay hop, which neither seals nor copies. */
async function startSocat(sink: number): Promise<System> {
	const port = await freePort();
	const words = [`udp-listen:${port},bind=127.0.0.1`, `udp4:127.0.0.1:${sink}`];
	const program = new Program('socat', ['socat', ...words], {});
	await pause(200);
	if (program.pid === 0) throw new Error('socat is not installed');
	return {name: 'socat', port, parts: [{role: 'relay', program}], stop: () => program.kill()};
}

/** mpserver and mpclient with three direct paths between them. */
export class Tunnel implements System {
	readonly name: string;
	readonly port: number;
	readonly #folder = temporaryFolder();
	readonly #serverPort: number;
	readonly #sink: number;
	#server: Program;
	#client: Program;

	private constructor(name: string, port: number, serverPort: number, sink: number) {
		this.name = name;
		this.port = port;
		this.#serverPort = serverPort;
		this.#sink = sink;
		this.#server = this.startServer();
		this.#client = this.startClient();
	}

	/** @param name the cipher back end, and behind a hyphen the socket back end when one is forced */
	static async start(name: string, sink: number): Promise<Tunnel> {
		const tunnel = new Tunnel(name, await freePort(), await freePort(), sink);
		await tunnel.#server.says('mpserver runs');
		await tunnel.#client.says('a session is up');
		return tunnel;
	}

	get parts(): System['parts'] {
		return [
			{role: 'client', program: this.#client},
			{role: 'server', program: this.#server},
		];
	}

	/** Starts the server; the former one has to be gone. */
	startServer(): Program {
		const target = ['127.0.0.1', String(this.#sink)];
		const words = [String(this.#serverPort), ...target, '--bind', '127.0.0.1'];
		this.#server = this.#program('mpserver', words);
		return this.#server;
	}

	/** The same for the client. */
	startClient(): Program {
		const file = join(this.#folder, 'mpclient.conf');
		writeFileSync(file, `127.0.0.1 ${this.#serverPort}\n`.repeat(PATHS));
		this.#client = this.#program('mpclient', [file, '--listen', `127.0.0.1:${this.port}`]);
		return this.#client;
	}

	#program(name: string, words: readonly string[]): Program {
		const state = ['--state', join(this.#folder, name)];
		const [crypto = '', io] = this.name.split('-');
		const forced = ['--crypto', crypto, ...(io === undefined ? [] : ['--io', io])];
		return Program.node(name, [...words, ...state, ...forced], {MPTUNNEL_KEY: KEY});
	}

	async stop(): Promise<void> {
		await Promise.all(this.parts.map(({program}) => program.kill()));
	}
}
