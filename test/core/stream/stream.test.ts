import test from 'ava';
import {Budget} from '../../../src/core/budget.ts';
import {
	FIRST_WINDOW,
	SEND_RESERVE,
	Stream,
	type StreamHost,
} from '../../../src/core/stream/stream.ts';

const MIB = 2 ** 20;
const ROUND_TRIP = 50;
const CHUNK = new Uint8Array(16_384);

/** A stream of a client with a clock of its own. */
class World implements StreamHost {
	readonly memory = new Budget(64 * MIB, 1).account();
	readonly traffic = {opened: 0, sent: 0, received: 0};
	now = 1000;
	readonly roundTrip = ROUND_TRIP;
	readonly stream: Stream;
	/** Bytes that the peer sent. */
	sent = 0;

	constructor() {
		this.stream = new Stream(this, {
			id: 0,
			target: new Uint8Array(7),
			user: '',
			opener: true,
			sendLimit: 16_384,
		});
		this.stream.accepted(FIRST_WINDOW, new Uint8Array(7));
	}

	queue(): void {}
	changed(): void {}
	remove(): void {}
	rejected(): void {}

	/** The bytes that the peer may still send. */
	get room(): number {
		return this.stream.receiveLimit - this.sent;
	}

	/** The peer sends so many bytes, in order. */
	send(bytes: number): void {
		for (let left = bytes; left > 0; ) {
			const count = Math.min(left, CHUNK.length);
			if (!this.stream.arrived(this.sent, CHUNK, 0, count, false)) throw new Error('broken');
			this.sent += count;
			left -= count;
		}
	}

	/** The reader takes everything. */
	drain(): void {
		for (let bytes = this.stream.read(); bytes !== undefined; bytes = this.stream.read()) {
			this.stream.consumed(bytes.length);
		}
	}

	/** The peer sends what it may in each of so many round trips; the reader takes it `after` ms. */
	rounds(count: number, after: number): void {
		for (let i = 0; i < count; i++) {
			this.send(this.room);
			this.now += after;
			this.drain();
			this.now += Math.max(0, ROUND_TRIP - after);
		}
	}
}

test('a peer that sends beyond its window breaks the rules, up to it it does not', (t) => {
	const {stream} = new World();
	const last = stream.receiveLimit - 1;
	t.false(stream.arrived(last, CHUNK, 0, 2, false));
	t.true(stream.arrived(last, CHUNK, 0, 1, false));
	t.false(stream.arrived(2 ** 47, CHUNK, 0, 1, false));
});

test('a window doubles while the reader keeps pace, up to 8 MiB', (t) => {
	const world = new World();
	t.is(world.room, FIRST_WINDOW);
	world.rounds(1, 1);
	t.true(world.room > FIRST_WINDOW, `${world.room}`);
	world.rounds(20, 1);
	t.is(world.room, 8 * MIB);
});

test('a window stays as it is where the reader is slow, and falls back where it stalls', (t) => {
	const slow = new World();
	slow.rounds(20, 3 * ROUND_TRIP);
	t.is(slow.room, FIRST_WINDOW);
	const stalling = new World();
	stalling.rounds(20, 1);
	stalling.rounds(1, 5000);
	t.true(stalling.room <= FIRST_WINDOW, `${stalling.room}`);
});

test('little use of a window does not make it grow', (t) => {
	const world = new World();
	for (let i = 0; i < 1000; i++) {
		world.send(1000);
		world.drain();
		world.now += ROUND_TRIP;
	}
	t.true(world.room <= FIRST_WINDOW, `${world.room}`);
});

for (const [how, rest, end] of [
	['a reset', 0, (stream: Stream) => stream.reset(1)],
	['a reset by the peer', 0, (stream: Stream) => stream.ended(0, 1)],
	// What it may still write is another matter.
	['its reader wants no more', SEND_RESERVE, (stream: Stream) => stream.stop()],
] as const) {
	test(`all credit is given back after ${how}`, (t) => {
		const world = new World();
		world.rounds(10, 1);
		world.send(100_000);
		const bytes = world.stream.read();
		t.true(world.memory.used > 0);
		end(world.stream);
		t.is(world.memory.used, rest);
		// What the reader had not used yet when the end came does not count twice.
		world.stream.consumed(bytes!.length);
		t.is(world.memory.used, rest);
	});
}

test('what waits to be acknowledged counts, small chunks with what they take themselves', (t) => {
	const world = new World();
	const idle = world.memory.used;
	world.stream.write(new Uint8Array(200_000));
	t.true(world.memory.used >= idle + 200_000 - SEND_RESERVE);
	world.stream.acknowledged(0, 200_000, false);
	t.is(world.memory.used, idle);
	for (let i = 0; i < 1000; i++) world.stream.write(Uint8Array.of(1));
	t.true(world.memory.used >= idle + 1000 * 200 - SEND_RESERVE);
});

test('a writer whose user has no memory left goes on with one chunk at a time', (t) => {
	const world = new World();
	const {memory, stream} = world;
	memory.add(memory.room);
	t.true(stream.writable);
	t.false(stream.write(CHUNK));
	t.false(stream.writable);
	stream.acknowledged(0, CHUNK.length, false);
	t.true(stream.writable);
	memory.give(50 * MIB);
	t.true(stream.write(CHUNK));
});
