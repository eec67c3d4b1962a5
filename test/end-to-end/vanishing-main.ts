/*
 * Two programs for a test with hosts that vanish:
 *
 *   peer HOST          listens, says its port, and does what the first byte of a connection tells it to
 *   pipes HOST PORT    connects to a peer through pipes, says `ready` when all is as it should be, and
 *                      after the line `cut` says of each connection `NAME: CODE MILLISECONDS` when its
 *                      stream is over
 */
import {once} from 'node:events';
import {connect, createServer, type Socket} from 'node:net';
import process from 'node:process';
import {StreamPipe} from '../../src/net/tcp/stream-pipe.ts';
import {waitFor} from '../support/machine/wait-for.ts';
import {StreamPair} from '../support/sockets/stream-pair.ts';

/** More than the systems keep of one connection. */
const MUCH = 64 * 2 ** 20;

/** What the peer does. */
const FLOOD = 'f';
const NOTHING = 'n';

const say = (line: string) => process.stdout.write(`${line}\n`);

async function listen(host: string): Promise<number> {
	const server = createServer((socket) => {
		socket.on('error', () => {});
		socket.once('data', (bytes) => {
			socket.pause();
			if (bytes.toString('latin1', 0, 1) === FLOOD) socket.write(new Uint8Array(MUCH));
		});
	});
	server.listen(0, host);
	await once(server, 'listening');
	const place = server.address();
	return place !== null && typeof place === 'object' ? place.port : 0;
}

/** A pipe to the peer, and the other end of its stream, which reads nothing. */
class Connection {
	readonly pair: StreamPair = new StreamPair(undefined, {buffer: 2 ** 20});
	readonly #socket: Socket;
	readonly #pipe: StreamPipe;
	closed = false;

	constructor(name: string, host: string, port: number, since: () => number) {
		const {pair} = this;
		this.#socket = connect({host, port, allowHalfOpen: true});
		const closed = () => {
			this.closed = true;
			say(`${name}: ${pair.server.resetCode} ${Math.round(performance.now() - since())}`);
		};
		const {changed, client, server} = pair;
		this.#pipe = new StreamPipe({socket: this.#socket, stream: client, changed, closed});
		client.owner = this.#pipe;
		server.accept(new Uint8Array(0));
		this.#pipe.begin();
	}

	write(bytes: Uint8Array): void {
		this.pair.server.write(bytes);
		this.pair.changed();
	}

	pass(now: number): void {
		this.#pipe.handleTimeout(now);
	}

	/** Resolves when nothing moves any more. */
	async stalled(): Promise<void> {
		let last = -1;
		let quiet = 0;
		await waitFor(() => {
			const moved = this.#socket.bytesRead + this.pair.client.used;
			quiet = moved === last && moved > 0 ? quiet + 1 : 0;
			last = moved;
			return quiet > 100;
		});
	}

	get paused(): boolean {
		return this.#socket.isPaused();
	}
}

async function pipes(host: string, port: number): Promise<void> {
	let cutAt = 0;
	const open = (name: string, to = host, at = port) => new Connection(name, to, at, () => cutAt);
	const idle = open('idle');
	const paused = open('paused');
	const answered = open('paused, with bytes under way');
	const full = open('taking nothing');
	const alive = open('alive, taking nothing', '127.0.0.1', await listen('127.0.0.1'));
	const all = [idle, paused, answered, full, alive];
	idle.write(Buffer.from(NOTHING));
	for (const one of [paused, answered]) one.write(Buffer.from(FLOOD));
	for (const one of [full, alive]) {
		one.write(Buffer.from(NOTHING));
		one.write(new Uint8Array(MUCH));
	}
	for (const one of all.slice(1)) await one.stalled();
	await waitFor(() => paused.paused && answered.paused);
	setInterval(() => {
		for (const one of all) one.pass(performance.now());
	}, 1000);
	process.stdin.once('data', () => {
		cutAt = performance.now();
		answered.write(Buffer.from('answer'));
	});
	say('ready');
}

const [role, host = '', port = ''] = process.argv.slice(2);
if (role === 'peer') say(`port ${await listen(host)}`);
else await pipes(host, Number(port));
