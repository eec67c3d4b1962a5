/*
 * Somebody with a key of its own who means ill to the coded lanes of a server.
 */
import {crc32} from 'node:zlib';
import test from 'ava';
import {type Coding, createCoding} from '../../src/core/coding.ts';
import type {RemoteAddress} from '../../src/core/remote-address.ts';
import {Encoder} from '../../src/fec/encoder.ts';
import {SYMBOL_SLOT} from '../../src/fec/symbol-memory.ts';
import {CloseCode} from '../../src/wire/constants.ts';
import {encodeFrame} from '../../src/wire/frames/codec.ts';
import {FrameType, LANE_FRAMES} from '../../src/wire/frames/frame-type.ts';
import {repairFrame} from '../../src/wire/frames/lane.ts';
import {streamOpenFrame} from '../../src/wire/frames/stream.ts';
import {environmentOf} from '../core/session/core-fixtures.ts';
import {codedPolicy, laneWorld, links} from '../support/lanes/lane-world.ts';
import {
	describeLanes,
	falseRepair,
	HOSTILE_LANE_KINDS,
	hostileLaneFrames,
	sourceHead,
} from '../support/operations/lane-insider.ts';
import {connectRaw, type RawSession} from '../support/world/raw-session.ts';
import {AEAD, randomLoss, type TunnelWorld} from '../support/world/tunnel-world.ts';

const REMOTE: RemoteAddress = {key: '0|10.77.0.1|7777', socket: 0, host: '10.77.0.1', port: 7777};
const psk = new Uint8Array(32).fill(8);
const users = [
	{name: 'user', psk: new Uint8Array(32).fill(7)},
	{name: 'insider', psk},
];

/** A world with an honest client, and what gives the insider sessions of its own. */
function worldWithInsider(coding: Coding) {
	let answer: Uint8Array | undefined;
	const world: TunnelWorld = laneWorld(
		codedPolicy({traffic: 2}),
		links(3, {delay: 20, loss: randomLoss(0.05)}),
		{
			server: {users},
			coding: () => coding,
			observe: (_from, bytes, to) => {
				if (to?.key === REMOTE.key) answer = bytes;
			},
		},
	);
	let clients = 0;
	const connect = (frames: readonly number[] = LANE_FRAMES): RawSession => {
		const wallTime = (now: number) => 1_000_000 + now + clients;
		const environment = environmentOf(`insider ${++clients}`, {aead: AEAD, wallTime});
		const clientId = new Uint8Array(16).fill(clients & 0xff);
		return connectRaw({environment, psk, clientId, frames}, world.now, (init) => {
			world.inject('server', 0, init, REMOTE);
			return answer;
		});
	};
	const say = (session: RawSession, frames: Uint8Array | readonly number[]) =>
		world.inject('server', 0, session.packet(frames), REMOTE);
	const faults = () => world.serverEvents.filter(({event}) => event.type === 'fault');
	return {world, connect, say, faults};
}

function newCoding(slots: number): Coding {
	return createCoding(crc32, slots * SYMBOL_SLOT);
}

test('frames of lanes from somebody who did not announce them are no fault', (t) => {
	const {world, connect, say, faults} = worldWithInsider(newCoding(10_000));
	for (let kind = 0; kind < HOSTILE_LANE_KINDS; kind++) {
		const session = connect([]);
		say(session, describeLanes(1, 1, 1));
		say(session, hostileLaneFrames(kind));
		world.run(world.now + 300);
	}
	t.deepEqual(faults(), []);
	t.deepEqual(world.faults, []);
});

test('no order of hostile frames of lanes is a fault', (t) => {
	const {world, connect, say, faults} = worldWithInsider(newCoding(10_000));
	for (let first = 0; first < HOSTILE_LANE_KINDS; first++) {
		for (let second = 0; second < HOSTILE_LANE_KINDS; second++) {
			const session = connect();
			say(session, describeLanes(1, 1, 2));
			say(session, [...sourceHead(1, 0), FrameType.PADDING]);
			say(session, hostileLaneFrames(first));
			say(session, hostileLaneFrames(second));
			say(session, [...sourceHead(1, 1), FrameType.PADDING]);
			world.run(world.now + 100);
		}
	}
	t.deepEqual(faults(), []);
	t.deepEqual(world.faults, []);
});

/** What no client puts into a symbol; nothing of it is a datagram. */
const CONTENTS: Readonly<Record<string, readonly number[]>> = {
	CLOSE: [FrameType.CLOSE, CloseCode.STOPPING, 0],
	PROBE: [FrameType.PROBE, 0, 0, ...new Array<number>(12).fill(0), 0],
	LANES: [...describeLanes(9, 5, 3)],
	LANE: [...sourceHead(1, 77), FrameType.PADDING],
	REPAIR: [...falseRepair(1, 4, 3, 40)],
	STREAM_OPEN: [...streamOpen()],
	'a type that there is not': [0xff, 1, 2, 3],
	'a datagram of no flow': [FrameType.DATAGRAM, 0xbf, 0xff, 1, 2, 3],
	'half a frame': [FrameType.DATAGRAM_LEN, 0, 0, 0x7f],
	nothing: [],
};

/** Those that are dropped; the others are malformed, and end the session of who wrote them. */
const HARMLESS: readonly string[] = ['a datagram of no flow', 'nothing'];

function streamOpen(): Uint8Array {
	const address = Uint8Array.of(1, 192, 0, 2, 1, 0, 80);
	return encodeFrame(streamOpenFrame, {id: 0, window: 1000, address});
}

/** The symbol of a genuine repair of one source with that content, and maybe a fault in it. */
function symbolOf(
	{next}: RawSession,
	sequence: number,
	content: readonly number[],
	fault: 'none' | 'check' | 'length' | 'padding',
): Uint8Array {
	const coding = newCoding(200);
	const encoder = new Encoder(coding.memory, coding.format, sequence);
	encoder.add(Uint8Array.from(content), 0, content.length);
	const symbol = new Uint8Array(1500);
	const length = encoder.repair(next, 1, symbol, 0);
	encoder.close();
	if (fault === 'check') symbol[0]! ^= 1;
	if (fault === 'length') symbol[4]! ^= 0x80;
	if (fault === 'padding') symbol[length] = 1;
	return symbol.slice(0, fault === 'padding' ? length + 1 : length);
}

for (const fault of ['none', 'check', 'length', 'padding'] as const) {
	test(`control frames in a symbol harm nobody but who wrote them; fault: ${fault}`, (t) => {
		const {world, connect, say, faults} = worldWithInsider(newCoding(10_000));
		const ended: string[] = [];
		for (const [name, content] of Object.entries(CONTENTS)) {
			const session = connect();
			say(session, describeLanes(1, 1, 1));
			say(session, [...sourceHead(1, 0), FrameType.PADDING]);
			world.run(world.now + 20);
			const newest = 1;
			const bytes = symbolOf(session, newest, content, fault);
			const repair = {lane: 1, newest, count: 1, bytes, start: 0, end: bytes.length};
			say(session, encodeFrame(repairFrame, repair));
			world.run(world.now + 100);
			const {sessions} = world.server!.status(world.now);
			const own = sessions.find(({user}) => user === 'insider');
			if (own === undefined) ended.push(name);
			const recovered = own?.lanes[0]?.receiving?.recovered;
			t.is(recovered ?? 1, fault === 'none' ? 1 : 0, name);
			t.is(own?.flows ?? 0, 0, name);
			t.true(sessions.some(({user}) => user === 'user'));
			say(session, [FrameType.CLOSE, CloseCode.STOPPING, 0]);
		}
		const ending = Object.keys(CONTENTS).filter((name) => !HARMLESS.includes(name));
		t.deepEqual(ended, fault === 'none' ? ending : []);
		t.deepEqual(faults(), []);
		t.deepEqual(world.faults, []);
	});
}

test('many sessions with many lanes take no more than their share of the memory', (t) => {
	const slots = 3000;
	const coding = newCoding(slots);
	const {world, connect, say, faults} = worldWithInsider(coding);
	world.stream(1000, 500);
	const honest = coding.memory.used;
	for (let round = 0; round < 60; round++) {
		const session = connect();
		for (const first of [1, 32]) say(session, describeLanes(first, first, 31));
		for (let lane = 1; lane < 63; lane++) {
			for (let sequence = 0; sequence < 20; sequence++) {
				say(session, [...sourceHead(lane, sequence), FrameType.PADDING]);
			}
			for (let i = 0; i < 5; i++) say(session, falseRepair(lane, 19, 20 - i));
		}
		world.run(world.now + 100);
	}
	t.true(coding.memory.used <= honest + (slots - honest) / 2 + 1, `${coding.memory.used}`);
	// The honest user goes on, and its losses are recovered.
	const from = world.sent;
	world.stream(1000, 4000);
	world.run(world.now + 1000);
	t.true(world.lostAtServer(from).length <= 4, `${world.lostAtServer(from).length} lost`);
	t.deepEqual(faults(), []);
	t.deepEqual(world.faults, []);
});

test('a flood of repairs costs no more than its sources pay for', (t) => {
	const {world, connect, say, faults} = worldWithInsider(newCoding(10_000));
	const session = connect();
	say(session, describeLanes(1, 1, 1));
	const packets: Uint8Array[] = [];
	for (let i = 0; i < 20_000; i++) {
		const isSource = i % 100 === 0;
		const source = [...sourceHead(1, i), FrameType.PADDING];
		packets.push(session.packet(isSource ? source : falseRepair(1, i, 1 + (i % 64), 1300)));
	}
	for (const [index, packet] of packets.entries()) {
		world.inject('server', 0, packet, REMOTE);
		if (index % 100 === 0) world.run(world.now + 1);
	}
	const lanes = world.server!.status(world.now).sessions.flatMap((one) => one.lanes);
	const hostile = lanes.filter(({policy}) => policy === 'x');
	t.is(hostile.length, 1);
	t.is(hostile[0]!.receiving!.recovered, 0);
	t.deepEqual(faults(), []);
	t.deepEqual(world.faults, []);
});
