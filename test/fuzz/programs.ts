import {Buffer} from 'node:buffer';
import {createSocket, type Socket} from 'node:dgram';
import {once} from 'node:events';
import {mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {connect} from 'node:net';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {Prng} from '../../src/sim/prng.ts';
import {freePort} from '../support/e2e/ports.ts';
import {Program} from '../support/e2e/program.ts';
import {waitFor} from '../support/machine/wait-for.ts';
import {UdpPeer} from '../support/sockets/udp-peer.ts';
import {Mutator} from './mutator.ts';
import type {FuzzTarget, MakeTarget} from './target.ts';

/** Inputs between two looks at the programs. */
const ROUND = 5000;
/** Datagrams sent at once; loopback loses what does not fit a socket's buffer. */
const BURST = 50;
/** Growth of a program's memory over a run. */
const GROWTH = 100 * 1024 * 1024;
const CAPTURES = 256;

function residentBytes(pid: number): number {
	const [, pages] = readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ');
	return Number(pages) * 4096;
}

/** One end of a path whose other end leads to the server: it records what passes. */
class Recorder {
	readonly captured: Uint8Array[] = [];
	readonly near: Socket = createSocket('udp4');
	readonly far: Socket = createSocket('udp4');
	#client = 0;

	async open(serverPort: number): Promise<number> {
		this.near.on('message', (bytes, {port}) => {
			this.#client = port;
			this.#keep(bytes);
			this.far.send(bytes, serverPort, '127.0.0.1');
		});
		this.far.on('message', (bytes) => {
			this.#keep(bytes);
			if (this.#client !== 0) this.near.send(bytes, this.#client, '127.0.0.1');
		});
		this.near.bind(0, '127.0.0.1');
		this.far.bind(0, '127.0.0.1');
		await Promise.all([once(this.near, 'listening'), once(this.far, 'listening')]);
		return this.near.address().port;
	}

	#keep(bytes: Uint8Array): void {
		if (this.captured.length >= CAPTURES) this.captured.shift();
		this.captured.push(new Uint8Array(bytes));
	}

	/** To the client, as if from the server. */
	towardsClient(bytes: Uint8Array): void {
		if (this.#client !== 0) this.near.send(bytes, this.#client, '127.0.0.1');
	}
}

/** mpclient and mpserver as processes, with the batch back end where there is one. */
class ProgramsTarget implements FuzzTarget {
	readonly name = 'programs';
	trail: string[] = [];
	readonly #random: Prng;
	readonly #mutator: Mutator;
	readonly #folder = mkdtempSync(join(tmpdir(), 'mptunnel-fuzz-'));
	readonly #recorder = new Recorder();
	readonly #strangers: Socket[] = [];
	#server!: Program;
	#client!: Program;
	#target!: UdpPeer;
	#application!: UdpPeer;
	#ports = {server: 0, listen: 0, socks: 0};
	#resident: number[] = [];
	#inputs = 0;

	constructor(seed: string) {
		this.#random = new Prng(`programs ${seed}`);
		this.#mutator = new Mutator(this.#random);
	}

	async start(): Promise<void> {
		const [server, listen, socks] = [await freePort(), await freePort(), await freePort()];
		this.#ports = {server, listen, socks};
		this.#target = await UdpPeer.open();
		this.#target.answerWith('pong');
		this.#application = await UdpPeer.open();
		for (let i = 0; i < 8; i++) {
			const socket = createSocket('udp4');
			socket.on('error', () => {});
			socket.bind(0, '127.0.0.1');
			await once(socket, 'listening');
			this.#strangers.push(socket);
		}
		const bridge = await this.#recorder.open(server);
		const key = join(this.#folder, 'tunnel.key');
		writeFileSync(key, `${Buffer.alloc(32, 7).toString('base64')}\n`, {mode: 0o600});
		const conf = join(this.#folder, 'c.conf');
		writeFileSync(conf, `127.0.0.1 ${server}\n127.0.0.1 ${bridge}\n`);
		const words = (name: string) => ['--key-file', key, '--state', join(this.#folder, name)];
		const target = [
			`${server}`,
			'127.0.0.1',
			`${this.#target.port}`,
			'--bind',
			'127.0.0.1',
			'--exit',
		];
		this.#server = new Program('mpserver', [...target, ...words('server')]);
		const fronts = ['--listen', `127.0.0.1:${listen}`, '--socks', `127.0.0.1:${socks}`];
		this.#client = new Program('mpclient', [conf, ...fronts, ...words('client')]);
		await this.#client.says('a session is up');
		await this.#look();
		this.#resident = this.#programs.map(({pid}) => residentBytes(pid));
	}

	get #programs(): readonly [Program, Program] {
		return [this.#server, this.#client];
	}

	step(): void | Promise<void> {
		this.#inputs++;
		this.#attack();
		if (this.#inputs % ROUND === 0) return this.#look();
		// The programs are read from; else the buffers of loopback take nothing more.
		if (this.#inputs % BURST === 0) return new Promise((resolve) => setImmediate(resolve));
	}

	#attack(): void {
		const {captured} = this.#recorder;
		const first = this.#mutator.pick(captured);
		const chance = this.#random.integer(100);
		let bytes = this.#mutator.mutate(first, this.#mutator.pick(captured));
		if (chance < 10) bytes = this.#mutator.bytes(1500);
		else if (chance < 15) bytes = first;
		else if (chance < 17) {
			this.#talk();
			return;
		}
		const stranger = this.#mutator.pick(this.#strangers);
		const {server, listen} = this.#ports;
		if (chance < 55) stranger.send(bytes, server, '127.0.0.1');
		else if (chance < 85) this.#recorder.towardsClient(bytes);
		else if (chance < 95) this.#recorder.far.send(bytes, server, '127.0.0.1');
		else stranger.send(bytes, listen, '127.0.0.1');
	}

	/** A conversation with the SOCKS5 front that makes no sense. */
	#talk(): void {
		const bytes = this.#mutator.mutate(
			Uint8Array.of(5, 1, 0, 5, 3, 0, 1, 0, 0, 0, 0, 0, 0),
			Uint8Array.of(5, 1, 0, 5, 1, 0, 3, 1, 0x61, 0, 80),
		);
		const socket = connect(this.#ports.socks, '127.0.0.1');
		socket.on('error', () => {});
		socket.on('connect', () => socket.end(bytes));
		setTimeout(() => socket.destroy(), 100).unref();
	}

	/** Both live, and a datagram of an honest application is answered. */
	async #look(): Promise<void> {
		for (const program of this.#programs) {
			if (program.code !== undefined) {
				throw new Error(`a program has ended: ${program.code}\n${program.stderr}`);
			}
		}
		const before = this.#application.received.length;
		await waitFor(() => {
			this.#application.send('ping', this.#ports.listen);
			return this.#application.received.length > before;
		}, `an answer; ${this.#client.stderr}`);
		this.#application.received.length = 0;
		this.#target.received.length = 0;
		this.#programs.forEach(({pid}, index) => {
			const growth = residentBytes(pid) - (this.#resident[index] ?? residentBytes(pid));
			if (growth > GROWTH) throw new Error(`program ${index} has grown by ${growth} bytes`);
		});
	}

	async finish(): Promise<void> {
		await this.#look();
		for (const program of this.#programs) {
			program.kill('SIGTERM');
			const code = await program.end();
			if (code !== 0) throw new Error(`ended with ${code}: ${program.stderr}`);
			if (program.stderr.includes('a fault of this program')) throw new Error(program.stderr);
		}
	}

	async dispose(): Promise<void> {
		for (const program of this.#programs) {
			program.kill('SIGKILL');
			await program.end();
		}
		for (const socket of [...this.#strangers, this.#recorder.near, this.#recorder.far])
			socket.close();
		await Promise.all([this.#target.close(), this.#application.close()]);
		rmSync(this.#folder, {recursive: true, force: true});
	}
}

/** The real programs, over real sockets. */
export const programs: MakeTarget = async (seed) => {
	const target = new ProgramsTarget(seed);
	await target.start();
	return target;
};
