import test from 'ava';
import fc from 'fast-check';
import {writeUint48} from '../../../src/bytes/cursor.ts';
import {writeVarint} from '../../../src/bytes/varint.ts';
import {PathAddress} from '../../../src/core/path/address.ts';
import {ReplayWindow, Seen} from '../../../src/core/replay-window.ts';
import {ReceiveBuffer} from '../../../src/core/stream/receive-buffer.ts';
import {encodeFixedTarget} from '../../../src/wire/address.ts';
import {MAX_DATAGRAM} from '../../../src/wire/constants.ts';
import {encodeFrame} from '../../../src/wire/frames/codec.ts';
import {FrameType} from '../../../src/wire/frames/frame-type.ts';
import {pathsFrame} from '../../../src/wire/frames/paths.ts';
import {streamFrame, streamOpenFrame} from '../../../src/wire/frames/stream.ts';
import {acceptRaw, type RawSession} from '../../support/world/raw-session.ts';
import {ServerBench} from '../../support/world/server-bench.ts';
import {AEAD, TunnelWorld} from '../../support/world/tunnel-world.ts';
import {environmentOf, pathOf, remoteOf} from '../session/core-fixtures.ts';

const TARGET = Uint8Array.of(1, 192, 0, 2, 1, 0, 80);
const FIXED = encodeFixedTarget('a', 'b');

function probe(path = 0, type: number = FrameType.PROBE): number[] {
	return [type, path, 0, ...new Array<number>(12).fill(0), 0];
}

const PATHS = [...encodeFrame(pathsFrame, {sequence: 1, copies: 0, paths: []})];

function streamOpen(id: number): number[] {
	return [...encodeFrame(streamOpenFrame, {id, window: 1000, address: TARGET})];
}

function streamBytes(id: number, offset: number, length: number): number[] {
	const bytes = new Uint8Array(length).fill(7);
	return [...encodeFrame(streamFrame, {id, offset, bytes, start: 0, end: length})];
}

/** A piece of a frame, in packets with consecutive numbers. */
function pieces(session: RawSession, frame: Uint8Array, size: number): Uint8Array[] {
	const count = Math.ceil(frame.length / size);
	return Array.from({length: count}, (_, index) =>
		session.packet([
			...[FrameType.FRAGMENT, index, count],
			...frame.subarray(index * size, (index + 1) * size),
		]),
	);
}

const CLIENT = [FrameType.CLIENT, ...new Array<number>(16).fill(3)];

const ONCE: Readonly<Record<string, readonly number[]>> = {
	PROBE: [...probe(), ...probe(1)],
	'PROBE and PONG': [...probe(), ...probe(0, FrameType.PONG)],
	PATHS: [...PATHS, ...PATHS],
	PATHS_KNOWN: [FrameType.PATHS_KNOWN, 1, FrameType.PATHS_KNOWN, 1],
	CLIENT: [...CLIENT, ...CLIENT],
};

for (const [name, frames] of Object.entries(ONCE)) {
	test(`breaks the session when it is in a packet twice: ${name}`, (t) => {
		const bench = new ServerBench(`once ${name}`);
		const session = bench.connect(0);
		bench.receive(session.packet(probe()));
		t.is(bench.receive(session.packet(frames)), 'malformed-frame');
		t.deepEqual(bench.server.status(bench.now).sessions, []);
	});
}

test("one PROBE is answered by one PONG, however often an address is said to be another path's", (t) => {
	const bench = new ServerBench('pongs');
	const session = bench.connect(0);
	let received = 0;
	bench.sent.length = 0;
	for (let path = 0; path < 16; path++) {
		const packet = session.packet(probe(path));
		received += packet.length;
		bench.receive(packet);
		bench.now += 10;
	}
	t.true(bench.sent.length > 0);
	const many = session.packet(Array.from({length: 60}, (_, i) => probe(i & 1)).flat());
	received += many.length;
	bench.receive(many, remoteOf(3));
	const bytes = bench.sent.reduce((sum, sent) => sum + sent.bytes.length, 0);
	t.true(bytes <= 3 * received, `${bytes} bytes for ${received}`);
});

test('a whole that is longer than any datagram breaks the session, at the server', (t) => {
	for (const extra of [0, 1, 293]) {
		const bench = new ServerBench('too long');
		const session = bench.connect(0);
		bench.receive(session.packet(probe()));
		const frame = new Uint8Array(3 + FIXED.length + MAX_DATAGRAM + extra);
		frame.set([FrameType.DATAGRAM_TO, 0, 0, ...FIXED]);
		const reasons = pieces(session, frame, 1100).map((packet) => bench.receive(packet));
		t.is(reasons.at(-1), extra === 0 ? undefined : 'malformed-frame');
		t.is(bench.delivered.length, extra === 0 ? 1 : 0);
		t.is(bench.server.status(bench.now).sessions.length, extra === 0 ? 1 : 0);
	}
});

test('a whole that is longer than any datagram breaks the session, at the client', (t) => {
	for (const extra of [0, 1, 293]) {
		const psk = new Uint8Array(32).fill(7);
		const up: Uint8Array[] = [];
		const world = new TunnelWorld({
			...{seed: 92, links: [{delay: 10}], client: {psk}},
			intercept: ({bytes}, _path, isUp) => {
				if (isUp) up.push(bytes);
				return false;
			},
		});
		world.startClient();
		const environment = environmentOf('raw server', {aead: AEAD});
		const {session, answer} = acceptRaw({environment, psk}, up[0]!, world.now);
		world.inject('client', 0, answer);
		world.sendTo(1);
		const frame = new Uint8Array(3 + TARGET.length + MAX_DATAGRAM + extra);
		frame.set([FrameType.DATAGRAM_TO, 0, 0, ...TARGET]);
		let largest = 0;
		world.poke('client', ({client}) => {
			for (const packet of pieces(session, frame, 1100)) {
				client!.receive(0, packet, 0, packet.length, world.now);
				for (let out = client!.pollDelivery(); out; out = client!.pollDelivery()) {
					largest = Math.max(largest, out.end - out.start);
				}
			}
		});
		t.is(largest, extra === 0 ? MAX_DATAGRAM : 0);
		t.is(world.client!.status(world.now).sessions[0]!.state, extra === 0 ? 'up' : 'quiet');
	}
});

test('holes of single bytes are bounded, and what fills the first one is always taken', (t) => {
	const buffer = new ReceiveBuffer();
	const byte = Uint8Array.of(1);
	let taken = 0;
	for (let offset = 1; offset < 40_000; offset += 2) {
		if (!buffer.hasRoom(offset, offset + 1)) continue;
		buffer.insert(offset, byte, 0, 1, false);
		taken++;
	}
	t.true(taken >= 4096 && taken <= 8192, `${taken}`);
	t.true(buffer.hasRoom(0, 1));
	t.false(buffer.hasRoom(39_000, 39_001));
	// What touches a range makes no other.
	t.true(buffer.hasRoom(2, 3));
});

test('a packet with many holes is not reported as received, and its stream goes on', (t) => {
	const bench = new ServerBench('holes');
	const session = bench.connect(0);
	bench.receive(session.packet([...probe(), ...streamOpen(0)]));
	const stream = bench.streams[0]!;
	// Of 140 frames in each packet 8 are taken once there are many holes.
	const offsets = Array.from({length: 4000}, (_, i) => 2 * i + 1);
	for (let at = 0; at < offsets.length; at += 100) {
		const frames = offsets.slice(at, at + 100).flatMap((offset) => streamBytes(0, offset, 1));
		t.is(bench.receive(session.packet(frames)), undefined);
	}
	// Only what is in order comes out; all of it comes in the end, because it is sent again.
	for (let offset = 0; offset < 8000; offset += 1000) {
		t.is(bench.receive(session.packet(streamBytes(0, offset, 1000))), undefined);
	}
	let read = 0;
	for (let bytes = stream.read(); bytes; bytes = stream.read()) read += bytes.length;
	t.is(read, 8000);
});

test('a second report of a path in one FEEDBACK breaks the session', (t) => {
	const bench = new ServerBench('feedback twice');
	const session = bench.connect(0);
	bench.receive(session.packet([...probe(), ...streamOpen(0)]));
	const report = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0];
	t.is(bench.receive(session.packet([FrameType.FEEDBACK, 1, ...report])), undefined);
	t.is(
		bench.receive(session.packet([FrameType.FEEDBACK, 2, ...report, ...report])),
		'malformed-frame',
	);
});

test('numbers far apart empty a window at once', (t) => {
	const window = new ReplayWindow(65_536);
	for (let i = 0; i < 50; i++) {
		const number = i * 65_536 + (i % 7) * 33;
		t.true(window.accept(number));
		t.is(window.peek(number), Seen.DUPLICATE);
		t.is(window.peek(number - 100), number < 100 ? Seen.FRESH : Seen.FRESH);
	}
});

test('packets go to two addresses of a path at most: validated ones, the ones heard latest', (t) => {
	const list = pathOf(0).addresses;
	const add = (port: number, validated: boolean, heard: number) => {
		const address = new PathAddress(remoteOf(port), new Uint8Array(8), heard);
		address.validated = validated;
		list.add(address);
		return address;
	};
	const current = () =>
		list.list.filter((address) => list.isCurrent(address)).map(({remote}) => remote!.port);
	const old = add(1, true, 100);
	add(2, false, 200);
	t.deepEqual(current(), [1, 2]);
	const newest = add(3, false, 200);
	t.deepEqual(current(), [1, 3]);
	newest.validated = true;
	t.deepEqual(current(), [1, 3]);
	add(4, true, 200);
	t.deepEqual(current(), [3, 4]);
	old.received(100, 300);
	t.deepEqual(current(), [1, 4]);
});

test('a bridge that sends from four ports in turn gets no more than two copies of a packet', (t) => {
	const copies = new Map<Uint8Array, number>();
	let turn = 0;
	let counting = false;
	const world: TunnelWorld = new TunnelWorld({
		...{seed: 93, links: [{delay: 10}], echo: true},
		observe: (from, bytes, to) => {
			if (from === 'client' || to === undefined) return;
			if (counting) copies.set(bytes, (copies.get(bytes) ?? 0) + 1);
			world.at(world.now + 5, () => world.inject('client', 0, bytes));
		},
		intercept: ({bytes}, _path, isUp) => {
			if (!isUp) return false;
			const port = 7000 + (turn++ % 4);
			const remote = {key: `0|10.0.0.1|${port}`, socket: 0, host: '10.0.0.1', port};
			world.at(world.now + 5, () => world.inject('server', 0, bytes, remote));
			return false;
		},
	});
	world.start();
	world.run(500);
	world.stream(200, 3000);
	counting = true;
	const from = world.sent;
	world.stream(200, 3000);
	world.run(world.now + 100);
	t.deepEqual(world.lostAtClient(from), []);
	t.is(world.server!.status(world.now).sessions[0]!.paths[0]!.remote.split(', ').length, 4);
	t.is(Math.max(...copies.values()), 2);
});

/** Frames that cost most for their bytes, and arbitrary ones. */
const costly: fc.Arbitrary<number[]> = fc.oneof(
	fc.integer({min: 0, max: 15}).map((path) => probe(path)),
	fc.constant(PATHS),
	fc.integer({min: 0, max: 2 ** 20}).map((flow) => {
		const bytes = new Uint8Array(5);
		bytes[0] = FrameType.FLOW_CLOSE;
		return [...bytes.subarray(0, writeVarint(bytes, 1, flow))];
	}),
	fc.integer({min: 0, max: 2 ** 16}).map(streamOpen),
	fc
		.tuple(
			fc.integer({min: 0, max: 3}),
			fc.integer({min: 0, max: 16_000}),
			fc.integer({min: 0, max: 3}),
		)
		.map(([id, offset, length]) => streamBytes(id, offset, length)),
	fc.integer({min: 0, max: 2 ** 30 - 1}).map((id) => {
		const bytes = new Uint8Array(8);
		bytes[0] = FrameType.STREAM_RESET;
		const end = writeVarint(bytes, 1, id);
		return [...bytes.subarray(0, end + 1)];
	}),
	fc.tuple(fc.integer({min: 0, max: 15}), fc.integer({min: 0, max: 40})).map(([path, largest]) => {
		const bytes = new Uint8Array(18);
		bytes.set([FrameType.FEEDBACK, 1, path]);
		writeUint48(bytes, 3, largest);
		return [...bytes];
	}),
	fc.array(fc.integer({min: 0, max: 255}), {maxLength: 20}),
);

test('random genuine packets are never amplified, and nothing throws', (t) => {
	const packets = fc.array(
		fc.tuple(
			fc.array(costly, {minLength: 1, maxLength: 12}),
			fc.constantFrom(1, 1, 1, 33, 65_504, 65_536),
		),
		{minLength: 1, maxLength: 60},
	);
	fc.assert(
		fc.property(packets, (list) => {
			const bench = new ServerBench('random packets');
			const honest = bench.connect(1, 1, remoteOf(2));
			bench.receive(honest.packet(probe()), remoteOf(2));
			let session = bench.connect(0, 0, remoteOf(1));
			const from = bench.sent.length;
			let received = 0;
			let connects = 1;
			for (const [frames, skip] of list) {
				session.next += skip - 1;
				const packet = session.packet(frames.flat().slice(0, 1400));
				received += packet.length;
				bench.receive(packet, remoteOf(1));
				bench.now += 3;
				if (bench.server.status(bench.now).sessions.length === 1) {
					received += 256;
					connects++;
					session = bench.connect(0, 0, remoteOf(1));
				}
			}
			t.deepEqual(bench.eventsOf('fault'), []);
			const sent = bench.sent.slice(from).filter(({to}) => to.key === remoteOf(1).key);
			t.true(sent.length <= 3 * list.length + 3);
			t.true(sent.reduce((sum, {bytes}) => sum + bytes.length, 0) <= 3 * received);
			const {halfOpen, sessions} = bench.server.status(bench.now);
			t.true(halfOpen !== undefined && halfOpen >= 0 && halfOpen <= connects);
			t.true(sessions.length <= 2);
			t.is(bench.receive(honest.packet(probe()), remoteOf(2)), undefined);
		}),
		{numRuns: 300},
	);
});
