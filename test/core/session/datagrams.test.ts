import test from 'ava';
import fc from 'fast-check';
import type {EndpointContext} from '../../../src/core/context.ts';
import {Outgoing} from '../../../src/core/lane/outgoing.ts';
import {KeySchedule} from '../../../src/core/packets/key-schedule.ts';
import {ReceivedPacket} from '../../../src/core/packets/received-packet.ts';
import {Role} from '../../../src/core/role.ts';
import {Session, type SessionFlows} from '../../../src/core/session/session.ts';
import {type Policy, REDUNDANT} from '../../../src/policy/policy.ts';
import {MAX_DATAGRAMS} from '../../../src/wire/constants.ts';
import {DATAGRAM_FRAMES, FrameType, STREAM_FRAMES} from '../../../src/wire/frames/frame-type.ts';
import {fromHex, readVectors} from '../../crypto/fixtures.ts';
import {SlotCount} from '../../support/world/slot-count.ts';
import {framesOf, readableContext, remoteOf, settingsOf} from './core-fixtures.ts';

interface Datagram {
	readonly flow: number;
	readonly reference: number;
	/** Hex. */
	readonly payload: string;
}

const vectors = readVectors<{
	valid: {name: string; datagrams: Datagram[]; frames: string}[];
	malformed: {name: string; frames: string}[];
}>('wire-datagrams');

const toHex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

const KNOWS = [...STREAM_FRAMES, ...DATAGRAM_FRAMES];

/** Takes what a session hands its flows; `unknown` is a flow that it does not know. */
function flowsInto(taken: Datagram[], unknown = -1): SessionFlows {
	return {
		size: 0,
		datagram: ({flow, reference, bytes, start, end}) => {
			if (flow === unknown) return 'unknown-flow';
			taken.push({flow, reference, payload: toHex(bytes.slice(start, end))});
			return undefined;
		},
		datagramTo: () => undefined,
		register: () => {},
	};
}

/** A session over one path of 1,200 bytes; packets can be read, every tag is right. */
function newSession(peerFrames: readonly number[] = KNOWS, taken: Datagram[] = [], unknown = -1) {
	const context = readableContext('datagrams');
	const slots = new SlotCount(context.outbox.pool);
	const aead = context.environment.aead(new Uint8Array(32));
	const keys = new KeySchedule(aead, aead, 0);
	const session = new Session({
		...{context, role: Role.SERVER, number: 1, localId: 1, peerId: 1, keys, peerFrames, now: 0},
		closed: () => {},
	});
	session.carryFlows(flowsInto(taken, unknown));
	const path = session.paths.configure(settingsOf(0), 0);
	session.paths.learn(path, remoteOf(1), 0)!.validated = true;
	return {context, session, path, slots};
}

/** The frames of all packets that wait, probes aside. */
function sentFrames(context: EndpointContext): Uint8Array[] {
	const frames: Uint8Array[] = [];
	for (;;) {
		const transmit = context.outbox.poll();
		if (transmit === undefined) return frames;
		const packet = framesOf(transmit.slot);
		if (packet[0] !== FrameType.PROBE) frames.push(packet);
		context.outbox.pool.release(transmit.slot);
	}
}

/** Puts a datagram into a lane of a session. */
const BEST: Policy = {name: 'best', kind: 'best'};

function write(session: Session, what: Partial<Outgoing>, policy: Policy = REDUNDANT) {
	return session.lane(policy, 0).write(Object.assign(new Outgoing(), what), 0);
}

function send(session: Session, {flow, reference, payload}: Datagram) {
	const bytes = fromHex(payload);
	return write(session, {flow, reference, bytes, end: bytes.length});
}

/** Hands frames to a session, in packet `number`. */
function receive(session: Session, frames: Uint8Array, number = 0) {
	const packet = new Uint8Array(11 + frames.length + 16);
	packet.set([0x40, 0, 0, 0, 1, 0, 0, 0, 0, number >> 8, number & 0xff]);
	packet.set(frames, 11);
	const received = new ReceivedPacket();
	received.begin(packet, 0, packet.length);
	return session.receive(received, 0);
}

const ofSize = (length: number, flow = 5): Datagram => ({
	...{flow, reference: 0, payload: 'ab'.repeat(length)},
});

for (const {name, datagrams, frames} of vectors.valid) {
	test(`vector, ${name}: written and read`, (t) => {
		const {context, session, slots} = newSession();
		for (const datagram of datagrams) t.is(send(session, datagram), undefined);
		t.deepEqual(sentFrames(context), [], 'nothing goes out before the batch ends');
		context.open.flush(0);
		t.deepEqual(
			sentFrames(context).map((one) => toHex(one)),
			[frames],
		);
		t.is(slots.out, 0);
		const taken: Datagram[] = [];
		t.is(receive(newSession(KNOWS, taken).session, fromHex(frames)), undefined);
		t.deepEqual(taken, datagrams);
	});
}

for (const {name, frames} of vectors.malformed) {
	test(`malformed, ${name}: the session ends`, (t) => {
		const {session} = newSession();
		t.is(receive(session, fromHex(frames)), 'malformed-frame');
		t.is(session.broken, 'frame 0x50 is unknown or malformed');
	});
}

test('whatever comes in one batch comes out in its order, in packets that fit', (t) => {
	const datagram = fc.record({
		flow: fc.integer({min: 0, max: 70}),
		reference: fc.integer({min: 0, max: 70}),
		size: fc.oneof(fc.integer({min: 0, max: 40}), fc.integer({min: 0, max: 1168})),
	});
	const check = fc.property(fc.array(datagram, {maxLength: 100}), (batch) => {
		const datagrams = batch.map(({size, flow, reference}, index) => ({
			...{flow, reference, payload: toHex(new Uint8Array(size).fill(index))},
		}));
		const {context, session, slots} = newSession();
		for (const one of datagrams) send(session, one);
		context.open.flush(0);
		const packets = sentFrames(context);
		const taken: Datagram[] = [];
		const reader = newSession(KNOWS, taken).session;
		for (const [number, frames] of packets.entries()) {
			if (frames.length > 1200 - 27 || receive(reader, frames, number) !== undefined) return false;
		}
		t.deepEqual(taken, datagrams);
		return reader.received === session.sent && slots.out === 0;
	});
	fc.assert(check, {numRuns: 300, seed: 1});
	t.pass();
});

test('a packet is as full as it can be, and its next datagram begins another', (t) => {
	const room = 1200 - 27;
	const {context, session} = newSession();
	// Each frame has 4 bytes in front of 60 of payload, the last one 5 in front of more than 63.
	for (let i = 0; i < 16; i++) send(session, ofSize(60));
	send(session, ofSize(room - 16 * 64 - 5));
	send(session, ofSize(1));
	context.open.flush(0);
	t.deepEqual(
		sentFrames(context).map(({length}) => length),
		[room, 4],
	);
	for (let i = 0; i < 16; i++) send(session, ofSize(60));
	send(session, ofSize(room - 16 * 64 - 4));
	context.open.flush(0);
	t.deepEqual(
		sentFrames(context).map(({length}) => length),
		[16 * 64, room - 16 * 64 - 4 + 3],
		'one byte too many',
	);
});

test('64 datagrams to a packet, not one more, sent or received', (t) => {
	const {context, session} = newSession();
	for (let i = 0; i < MAX_DATAGRAMS + 1; i++) send(session, ofSize(2));
	context.open.flush(0);
	const packets = sentFrames(context);
	t.deepEqual(
		packets.map(({length}) => length),
		[MAX_DATAGRAMS * 6, 5],
	);
	const taken: Datagram[] = [];
	const reader = newSession(KNOWS, taken).session;
	t.is(receive(reader, packets[0]!), undefined);
	t.is(taken.length, MAX_DATAGRAMS);
	const more = new Uint8Array(packets[0]!.length + 6);
	more.set(packets[0]!.subarray(0, 6));
	more.set(packets[0]!, 6);
	t.is(receive(reader, more, 1), 'malformed-frame');
	t.is(taken.length, 2 * MAX_DATAGRAMS, 'those before it have taken effect');
});

test('the last datagram of a packet may take the rest, and counts', (t) => {
	const joined = '5005000161';
	const last = '10050062';
	for (const [count, outcome] of [
		[MAX_DATAGRAMS - 1, undefined],
		[MAX_DATAGRAMS, 'malformed-frame'],
	] as const) {
		const taken: Datagram[] = [];
		const {session} = newSession(KNOWS, taken);
		t.is(receive(session, fromHex(joined.repeat(count) + last)), outcome);
		t.is(taken.length, MAX_DATAGRAMS);
		t.is(taken.at(-1)?.payload, outcome === undefined ? '62' : '61');
	}
});

test('a peer that does not know the frame gets every datagram in a packet of its own, at once', (t) => {
	const {context, session} = newSession(STREAM_FRAMES);
	for (const size of [1, 2, 3]) send(session, ofSize(size));
	t.deepEqual(
		sentFrames(context).map(({length}) => length),
		[4, 5, 6],
	);
});

test('what cannot share a packet goes out behind what came before it', (t) => {
	const target = Uint8Array.of(1, 1, 2, 3, 4, 0, 5);
	const six = {flow: 6, reference: 1, bytes: new Uint8Array(2000)};
	const {context, session} = newSession();
	const types = () => sentFrames(context).map(([type]) => type);
	send(session, ofSize(1));
	write(session, {...six, target, end: 10});
	t.deepEqual(types(), [FrameType.DATAGRAM, FrameType.DATAGRAM_TO]);
	send(session, ofSize(1));
	const known = Uint8Array.of(FrameType.TARGET_KNOWN, 6, 1);
	write(session, {...six, prefix: known, end: 10});
	t.deepEqual(types(), [FrameType.DATAGRAM, FrameType.TARGET_KNOWN]);
	send(session, ofSize(1));
	write(session, {...six, end: 2000});
	t.deepEqual(types(), [FrameType.DATAGRAM, FrameType.FRAGMENT, FrameType.FRAGMENT]);
	send(session, ofSize(1));
	session.sendClose(0, 0, 0);
	t.deepEqual(types(), [FrameType.DATAGRAM, FrameType.CLOSE]);
});

test('datagrams of another session end the packet of the first', (t) => {
	const {context, session} = newSession();
	const aead = context.environment.aead(new Uint8Array(32));
	const other = new Session({
		...{context, role: Role.SERVER, number: 2, localId: 2, peerId: 2, now: 0},
		keys: new KeySchedule(aead, aead, 0),
		peerFrames: KNOWS,
		closed: () => {},
	});
	other.carryFlows(flowsInto([]));
	other.paths.learn(other.paths.configure(settingsOf(0), 0), remoteOf(2), 0)!.validated = true;
	send(session, ofSize(1));
	send(other, ofSize(2));
	send(session, ofSize(3));
	send(session, ofSize(3));
	context.open.flush(0);
	t.deepEqual(
		sentFrames(context).map(({length}) => length),
		[4, 5, 14],
	);
});

test('the lanes of a session leave the open packet of each other alone', (t) => {
	const {context, session, slots} = newSession();
	const other = {flow: 6, bytes: new Uint8Array(10)};
	send(session, ofSize(1));
	write(session, {...other, end: 2}, BEST);
	send(session, ofSize(3));
	write(session, {...other, end: 4}, BEST);
	t.deepEqual(sentFrames(context), []);
	context.open.flush(0);
	t.deepEqual(
		sentFrames(context).map(({length}) => length),
		[4 + 1 + 4 + 3, 4 + 2 + 4 + 4],
	);
	t.is(session.sent, 4);
	t.is(slots.out, 0);
});

test('a session that ends drops the open packet, counts its datagrams, and keeps no slot', (t) => {
	const {context, session, slots} = newSession();
	for (const size of [1, 2, 3]) send(session, ofSize(size));
	session.end();
	context.open.flush(0);
	t.deepEqual(sentFrames(context), []);
	t.is(slots.out, 0);
	t.is(context.drops.get('no-session'), 3);
});

test('a packet that no path takes counts for every datagram in it', (t) => {
	const {context, session, path, slots} = newSession();
	for (const size of [1, 2, 3]) send(session, ofSize(size));
	path.addresses.remove(path.addresses.list[0]!);
	context.open.flush(0);
	t.deepEqual(sentFrames(context), []);
	t.is(slots.out, 0);
	t.is(context.drops.get('saturated'), 3);
});

test('one datagram of an unknown flow does not keep out the others of its packet', (t) => {
	const {context, session} = newSession();
	for (const flow of [1, 2, 3]) send(session, ofSize(2, flow));
	context.open.flush(0);
	const [frames] = sentFrames(context);
	const taken: Datagram[] = [];
	const reader = newSession(KNOWS, taken, 2);
	t.is(receive(reader.session, frames!), undefined);
	t.deepEqual(
		taken.map(({flow}) => flow),
		[1, 3],
	);
	t.is(reader.context.drops.get('unknown-flow'), 1);
});
