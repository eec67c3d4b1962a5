import {randomBytes} from 'node:crypto';
import {readFileSync} from 'node:fs';
import type {Socket} from 'node:net';
import test, {type ExecutionContext} from 'ava';
import {StreamPipe} from '../../../src/net/tcp/stream-pipe.ts';
import {StreamCode} from '../../../src/wire/constants.ts';
import {needing} from '../../support/e2e/needs.ts';
import {waitFor} from '../../support/machine/wait-for.ts';
import {StreamPair, type StreamPairOptions} from '../../support/sockets/stream-pair.ts';
import {TcpProgram, tcpPair} from '../../support/sockets/tcp-pair.ts';

const MIB = 2 ** 20;
const MINUTE = 60_000;
/** More than loopback keeps of one connection. */
const KERNEL = 16 * MIB;

/** application - pipe - stream - pipe - target, with real sockets outside. */
class World {
	readonly pair: StreamPair;
	readonly application: TcpProgram;
	readonly target: TcpProgram;
	/** The sockets of the pipes. */
	readonly client: Socket;
	readonly server: Socket;
	readonly pipes: readonly StreamPipe[];
	closed = 0;

	private constructor(
		pair: StreamPair,
		left: {near: Socket; far: Socket},
		right: {near: Socket; far: Socket},
		reading: boolean,
	) {
		this.pair = pair;
		this.application = new TcpProgram(left.near, reading);
		this.target = new TcpProgram(right.near, reading);
		this.client = left.far;
		this.server = right.far;
		const {changed} = pair;
		const closed = () => this.closed++;
		const ends = [
			{socket: left.far, stream: pair.client},
			{socket: right.far, stream: pair.server},
		];
		this.pipes = ends.map(({socket, stream}) => {
			const pipe = new StreamPipe({socket, stream, changed, closed});
			stream.owner = pipe;
			return pipe;
		});
	}

	static async open(
		t: ExecutionContext,
		options: StreamPairOptions & {reading?: boolean; opening?: boolean} = {},
	): Promise<World> {
		const pair = new StreamPair(undefined, options);
		const {reading = true, opening = false} = options;
		if (!opening) pair.server.accept(new Uint8Array(0));
		const world = new World(pair, await tcpPair(t), await tcpPair(t), reading);
		for (const pipe of world.pipes) pipe.begin();
		for (const socket of [world.client, world.server]) socket.resume();
		pair.changed();
		return world;
	}

	/** Tells both pipes the time. */
	pass(now: number): void {
		for (const pipe of this.pipes) pipe.handleTimeout(now);
	}

	async end(): Promise<void> {
		await waitFor(() => this.closed === 2, 'the end of both pipes');
	}

	/** Waits until a writer is stopped: nothing moves any more. */
	async stalled(socket?: Socket): Promise<void> {
		let last = -1;
		let quiet = 0;
		await waitFor(() => {
			const moved = this.pair.client.written + this.pair.server.written;
			quiet = moved === last && socket?.isPaused() !== false ? quiet + 1 : 0;
			last = moved;
			return quiet > 50;
		}, 'a writer to be stopped');
	}
}

test('bytes go both ways at once and arrive as they were', async (t) => {
	const world = await World.open(t);
	const [up, down] = [randomBytes(8 * MIB), randomBytes(5 * MIB)];
	world.application.socket.end(up);
	world.target.socket.end(down);
	await world.end();
	await waitFor(() => world.application.closed && world.target.closed);
	t.true(world.target.received.equals(up));
	t.true(world.application.received.equals(down));
	t.is(world.pair.client.used, down.length);
	t.is(world.pair.server.used, up.length);
	t.is(world.application.code, undefined);
	t.is(world.target.code, undefined);
	t.is(world.pair.client.state, 'closed');
	t.is(world.pair.client.resetCode, undefined);
});

for (const [first, second] of [
	['application', 'target'],
	['target', 'application'],
] as const) {
	test(`what the ${first} sent before it ended and went away reaches the ${second}`, async (t) => {
		const world = await World.open(t, {buffer: 2 * MIB});
		const [near, stream] =
			first === 'application'
				? [world.client, world.pair.client]
				: [world.server, world.pair.server];
		const all = randomBytes(MIB);
		stream.held = true;
		world[first].socket.end(all);
		await waitFor(() => near.readableEnded, 'the end of what was sent');
		// It is gone: it learns of no answer any more, and its system says so when one comes.
		world[first].socket.resetAndDestroy();
		await waitFor(() => world[first].closed);
		world[second].socket.write('answer');
		await waitFor(() => near.destroyed, 'the near socket to notice');
		t.is(world[second].length, 0);
		stream.held = false;
		world.pair.changed();
		await waitFor(() => world[second].ended, 'the end');
		t.true(world[second].received.equals(all));
		await world.end();
	});
}

for (const [first, second] of [
	['application', 'target'],
	['target', 'application'],
] as const) {
	test(`when the ${first} ends its direction, the other one goes on`, async (t) => {
		const world = await World.open(t);
		const question = randomBytes(100_000);
		world[first].socket.end(question);
		await waitFor(() => world[second].ended, 'the end of the question');
		t.true(world[second].received.equals(question));
		t.false(world[first].ended);
		const answer = randomBytes(MIB);
		world[second].socket.write(answer);
		await waitFor(() => world[first].length === answer.length, 'the answer');
		t.false(world[first].ended);
		world[second].socket.end();
		await world.end();
		await waitFor(() => world[first].ended);
		t.true(world[first].received.equals(answer));
		t.is(world[first].code, undefined);
	});

	test(`a reset by the ${first} is a reset for the ${second}`, async (t) => {
		const world = await World.open(t);
		world[first].socket.write('x');
		await waitFor(() => world[second].length === 1);
		world[first].socket.resetAndDestroy();
		await waitFor(() => world[second].closed);
		t.is(world[second].code, 'ECONNRESET');
		const {client, server} = world.pair;
		const other = first === 'application' ? server : client;
		t.is(other.resetCode, StreamCode.CONNECTION_RESET);
		await world.end();
	});

	test(`a reset by the ${first} right behind bytes is no end for the ${second}`, async (t) => {
		const world = await World.open(t);
		const socket = first === 'application' ? world.client : world.server;
		socket.pause();
		world[first].socket.write(randomBytes(10_000), () => world[first].socket.resetAndDestroy());
		await waitFor(() => world[first].closed);
		socket.resume();
		await waitFor(() => world[second].closed);
		t.is(world[second].code, 'ECONNRESET');
		t.false(world[second].ended);
	});

	test(`a reset by the ${first} is found although nobody reads what it wrote`, async (t) => {
		const world = await World.open(t, {reading: false});
		world[first].socket.write(randomBytes(2 * KERNEL));
		const socket = first === 'application' ? world.client : world.server;
		await world.stalled(socket);
		world.pass(0);
		const {written} = world.pair.client;
		world[first].socket.resetAndDestroy();
		await waitFor(() => world[first].closed);
		// Nothing but a question finds it.
		world.pass(14_999);
		t.false(socket.destroyed);
		world.pass(15_000);
		await world.end();
		t.is(world.pair.client.written, written);
		world[second].read();
		await world[second].resetSeen();
	});
}

test('what an application wrote before it reset its connection does not come back as an end', async (t) => {
	const world = await World.open(t);
	world.application.socket.write(randomBytes(1000));
	await waitFor(() => world.target.length === 1000);
	world.application.socket.resetAndDestroy();
	await waitFor(() => world.target.closed);
	t.false(world.target.ended);
});

test('a reader that does not read stops the writer, and loses nothing', async (t) => {
	const world = await World.open(t, {reading: false, buffer: 64 * 1024, window: 512 * 1024});
	const bytes = randomBytes(3 * KERNEL);
	world.application.socket.end(bytes);
	await world.stalled(world.client);
	// What the stream keeps, and what the kernel keeps on the way to the target.
	t.true(world.pair.client.written < MIB + KERNEL);
	t.true(world.pair.server.worst <= 512 * 1024);
	t.true(world.server.writableLength <= 512 * 1024);
	world.target.read();
	await waitFor(() => world.target.ended, 'all bytes');
	t.true(world.target.received.equals(bytes));
	world.target.socket.end();
	await world.end();
});

test('a slow socket does not make its pipe read more of the stream than its limit', async (t) => {
	const world = await World.open(t, {reading: false, buffer: 2 * KERNEL, window: 2 * KERNEL});
	world.application.socket.write(randomBytes(3 * KERNEL));
	await world.stalled();
	t.true(world.server.writableLength <= 256 * 1024 + 128 * 1024);
	t.true(world.pair.server.used < KERNEL);
});

test('bytes that come before the target is reached go with the request, 16 KiB of them', async (t) => {
	const world = await World.open(t, {opening: true});
	const bytes = randomBytes(100_000);
	world.application.socket.end(bytes);
	await waitFor(() => world.client.isPaused(), 'the pause');
	t.is(world.pair.client.written, 16_384);
	world.pair.server.accept(new Uint8Array(0));
	world.pair.changed();
	await waitFor(() => world.target.ended);
	t.true(world.target.received.equals(bytes));
	world.target.socket.end();
	await world.end();
});

test('an end before the target is reached is its end, too', async (t) => {
	const world = await World.open(t, {opening: true});
	world.application.socket.end('abc');
	await waitFor(() => world.client.readableEnded);
	world.pair.server.accept(new Uint8Array(0));
	world.pair.changed();
	await waitFor(() => world.target.ended);
	t.is(world.target.received.toString(), 'abc');
	world.target.socket.end('def');
	await world.end();
	await waitFor(() => world.application.ended);
	t.is(world.application.received.toString(), 'def');
});

test('a peer that is gone without a word is a time-out at the other end', async (t) => {
	const world = await World.open(t);
	world.client.destroy(Object.assign(new Error('gone'), {code: 'ETIMEDOUT'}));
	await waitFor(() => world.target.closed);
	t.is(world.pair.server.resetCode, StreamCode.TIMED_OUT);
	t.is(world.target.code, 'ECONNRESET');
});

test('a reset by the tunnel is a reset for both programs', async (t) => {
	const world = await World.open(t);
	world.pair.client.resetBy(StreamCode.SESSION_LOST);
	world.pair.server.resetBy(StreamCode.SESSION_LOST);
	world.pair.changed();
	await world.end();
	await waitFor(() => world.application.closed && world.target.closed);
	t.is(world.application.code, 'ECONNRESET');
	t.is(world.target.code, 'ECONNRESET');
});

test('a reset while the end of a direction is on its way closes the socket all the same', async (t) => {
	const world = await World.open(t, {reading: false});
	world.application.socket.end(randomBytes(2 * KERNEL));
	await world.stalled(world.client);
	world.pair.server.resetBy(StreamCode.SESSION_LOST);
	world.pair.client.resetBy(StreamCode.SESSION_LOST);
	world.pair.changed();
	await world.end();
	t.true(world.server.destroyed);
});

test('without a byte for 24 hours both ends are reset', async (t) => {
	const world = await World.open(t);
	world.application.socket.write('x');
	await waitFor(() => world.target.length === 1);
	world.pass(0);
	world.pass(24 * 60 * MINUTE - 1);
	t.is(world.closed, 0);
	world.pass(24 * 60 * MINUTE);
	await world.end();
	await waitFor(() => world.application.closed && world.target.closed);
	t.is(world.application.code, 'ECONNRESET');
	t.is(world.target.code, 'ECONNRESET');
});

test('after one end 10 minutes without a byte are enough, each byte begins them anew', async (t) => {
	const world = await World.open(t);
	world.application.socket.end();
	await waitFor(() => world.target.ended);
	world.pass(0);
	world.pass(9 * MINUTE);
	world.target.socket.write('x');
	await waitFor(() => world.application.length === 1);
	world.pass(10 * MINUTE);
	world.pass(20 * MINUTE - 1);
	t.is(world.closed, 0);
	world.pass(20 * MINUTE);
	await world.end();
	t.not(world.pair.client.state, 'open');
});

test('a reader that takes nothing for an hour is given up', async (t) => {
	const world = await World.open(t, {reading: false});
	world.application.socket.write(randomBytes(2 * KERNEL));
	await world.stalled(world.client);
	world.pass(0);
	world.pass(60 * MINUTE - 1);
	t.is(world.closed, 0);
	world.pass(60 * MINUTE);
	await world.end();
	t.pass();
});

/** The timer of a connection as the system shows it: its kind, and milliseconds until it fires. */
function timerOf({localPort = 0, remotePort = 0}: Socket): {kind: number; millis: number} {
	const hex = (port: number) => port.toString(16).toUpperCase().padStart(4, '0');
	const place = new RegExp(`:${hex(localPort)} \\w+:${hex(remotePort)} \\w+ \\S+ (\\w+):(\\w+)`);
	const [, kind = '', jiffies = ''] = place.exec(readFileSync('/proc/net/tcp', 'utf8')) ?? [];
	return {kind: Number.parseInt(kind, 16), millis: Number.parseInt(jiffies, 16) * 10};
}

needing({procNet: true})(
	'the system asks a silent host for a sign of life soon enough to miss it within a minute',
	async (t) => {
		const world = await World.open(t);
		for (const socket of [world.client, world.server]) {
			const {kind, millis} = timerOf(socket);
			t.is(kind, 2, 'a keep-alive timer');
			// It fires up to an eighth late, and ten more questions follow, a second apart.
			t.true(millis > 0 && millis <= 42_000, `${millis} ms`);
		}
		const {kind} = timerOf(world.application.socket);
		t.is(kind, 0, 'sockets have none unless they are asked for one');
	},
);
