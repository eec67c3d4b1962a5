import test from 'ava';
import type {AeadFactory} from '../../../src/crypto/aead.ts';
import {encodeFixedTarget} from '../../../src/wire/address.ts';
import {CloseCode, StreamCode} from '../../../src/wire/constants.ts';
import {FrameType} from '../../../src/wire/frames/frame-type.ts';
import {streamOpenFrame} from '../../../src/wire/frames/stream.ts';
import {acceptRaw} from '../../support/world/raw-session.ts';
import {ServerBench} from '../../support/world/server-bench.ts';
import {AEAD, TunnelWorld} from '../../support/world/tunnel-world.ts';
import {environmentOf, REAL_AEAD, remoteOf} from './core-fixtures.ts';

const CLOSE = [FrameType.CLOSE, CloseCode.STOPPING, 0];
const HELLO = [...new TextEncoder().encode('hello')];
const TARGET = Uint8Array.of(1, 192, 0, 2, 1, 0, 80);

/** A datagram to the server's fixed target. */
function datagramTo(flow: number): number[] {
	return [FrameType.DATAGRAM_TO, flow, 0, ...encodeFixedTarget('a', 'b'), ...HELLO];
}

/** So many streams. */
function streamOpens(count: number): number[] {
	const bytes = new Uint8Array(count * 16);
	let end = 0;
	for (let id = 0; id < count; id++) {
		end = streamOpenFrame.encode(bytes, end, {id, window: 1000, address: TARGET});
	}
	return [...bytes.subarray(0, end)];
}

const PROBE = [FrameType.PROBE, 0, 0, ...new Array<number>(12).fill(0), 0];

test('what follows CLOSE in its packet has no effect: no flow, whose target then answers nobody', (t) => {
	const bench = new ServerBench('behind close');
	const session = bench.connect(0);
	bench.receive(session.packet(PROBE));
	bench.receive(session.packet([...CLOSE, ...datagramTo(0)]));
	t.deepEqual(bench.delivered, []);
	t.deepEqual(bench.server.status(bench.now).sessions, []);
	t.is(bench.server.status(bench.now).users![0]!.flows, 0);
	// Handles count from 1: whatever was opened, its target's answer is dropped.
	for (const flow of [0, 1, 2]) t.is(bench.answer(flow), 'unknown-flow');
	t.is(bench.receive(session.packet(datagramTo(1))), 'unknown-session');
	t.deepEqual(bench.delivered, []);
});

test('the target of a flow whose session has ended answers nobody', (t) => {
	const bench = new ServerBench('answer after close');
	const session = bench.connect(0);
	bench.receive(session.packet([...PROBE, ...datagramTo(0)]));
	const {flow} = bench.delivered[0]!;
	bench.receive(session.packet(CLOSE));
	const sent = bench.sent.length;
	t.is(bench.answer(flow), 'no-session');
	bench.run(5000);
	t.is(bench.sent.length, sent);
});

test('streams that follow CLOSE in its packet are not opened, and take no memory from others', (t) => {
	const bench = new ServerBench('streams behind close', {streamMemory: 4 * 1024 * 1024});
	for (let client = 0; client < 12; client++) {
		const session = bench.connect(0, client);
		bench.receive(session.packet([...CLOSE, ...streamOpens(90)]));
	}
	t.deepEqual(bench.streams, []);
	const other = bench.connect(1, 50);
	bench.receive(other.packet([...PROBE, ...streamOpens(1)]));
	t.deepEqual(
		bench.streams.map(({state, user}) => ({state, user})),
		[{state: 'opening', user: 'bob'}],
	);
});

test('streams in front of CLOSE in its packet have ended when their owner meets them', (t) => {
	const bench = new ServerBench('streams before close');
	bench.receive(bench.connect(0).packet([...streamOpens(3), ...CLOSE]));
	t.deepEqual(
		bench.streams.map(({state, resetCode}) => ({state, resetCode})),
		new Array(3).fill({state: 'closed', resetCode: StreamCode.SESSION_LOST}),
	);
});

test('CLOSE as the first packet ends the half-open session and no other', (t) => {
	const bench = new ServerBench('close first');
	const live = bench.connect(0);
	bench.receive(live.packet([...PROBE, ...datagramTo(0)]));
	for (let i = 0; i < 20; i++) bench.receive(bench.connect(0).packet(CLOSE));
	const status = bench.server.status(bench.now);
	t.is(status.halfOpen, 0);
	t.deepEqual(
		status.sessions.map(({session}) => session),
		[1],
	);
	t.deepEqual(bench.eventsOf('session-down'), []);
	t.is(bench.receive(live.packet([FrameType.DATAGRAM, 0, 0, 1])), undefined);
	t.is(bench.delivered.length, 2);
});

test('a broken frame in the first packet ends the half-open session and no other', (t) => {
	const bench = new ServerBench('broken first');
	bench.receive(bench.connect(0).packet(PROBE));
	for (let i = 0; i < 20; i++) bench.receive(bench.connect(0).packet([0xff]));
	t.is(bench.server.status(bench.now).halfOpen, 0);
	t.is(bench.server.status(bench.now).sessions.length, 1);
});

/** An AEAD that does not seal whenever `fails` says so. */
function failing(factory: AeadFactory, fails: () => boolean): AeadFactory {
	return (key) => {
		const aead = factory(key);
		return {
			seal: (...args) => {
				if (fails()) throw new TypeError('sealing failed');
				aead.seal(...args);
			},
			open: (...args) => aead.open(...args),
		};
	};
}

test('an exception in a session ends it, with CLOSE and one event; the others go on', (t) => {
	let failures = 0;
	const aead = failing(REAL_AEAD, () => failures-- > 0);
	const bench = new ServerBench('exceptions', {}, {aead});
	const other = bench.connect(1, 1, remoteOf(2));
	bench.receive(other.packet(PROBE), remoteOf(2));
	const session = bench.connect(0);
	bench.receive(session.packet(PROBE));
	const before = bench.sent.length;
	const probe = session.packet(PROBE);
	failures = 1;
	t.is(bench.receive(probe), 'fault');
	t.is(session.open(bench.sent[before]!.bytes)![1], CloseCode.INTERNAL);
	const [fault, ...more] = bench.eventsOf('fault');
	t.deepEqual(more, []);
	t.regex(fault!.text, /^sealing failed at .*/);
	t.is(bench.eventsOf('session-down').length, 1);
	t.is(bench.receive(session.packet(PROBE)), 'unknown-session');
	t.is(bench.receive(other.packet(PROBE), remoteOf(2)), undefined);
	t.is(bench.server.status(bench.now).sessions.length, 1);
});

test('an exception while a session says goodbye for one does not outlive it', (t) => {
	let failsNow = false;
	const aead = failing(REAL_AEAD, () => failsNow);
	const bench = new ServerBench('exceptions twice', {}, {aead});
	const session = bench.connect(0);
	bench.receive(session.packet(PROBE));
	const probe = session.packet(PROBE);
	failsNow = true;
	t.is(bench.receive(probe), 'fault');
	t.deepEqual(bench.server.status(bench.now).sessions, []);
	t.is(bench.eventsOf('fault').length, 1);
});

test('after an exception at any moment, at either end, a new session follows', (t) => {
	for (let moment = 0; moment < 120; moment++) {
		let seals = 0;
		const aead = failing(AEAD, () => seals++ === 8 + moment);
		const links = [{delay: 10}, {delay: 20}];
		const world = new TunnelWorld({seed: 90 + moment, links, echo: true, aead}).start();
		world.run(300);
		world.stream(100, 600);
		world.batch(() => {
			for (let i = 0; i < 20; i++) world.send(i & 1, 100);
		});
		world.send(0, 5000);
		world.run(9000);
		const from = world.sent;
		world.stream(100, 500);
		world.run(world.now + 500);
		t.deepEqual(world.faults, [], `${moment}`);
		t.deepEqual(world.lostAtClient(from), [], `${moment}`);
		const events = [...world.clientEvents, ...world.serverEvents];
		t.is(events.filter(({event}) => event.type === 'fault').length, 1, `${moment}`);
	}
});

test('a client takes nothing that follows the CLOSE of its server, and answers nothing', (t) => {
	const psk = new Uint8Array(32).fill(7);
	const up: Uint8Array[] = [];
	const links = [{delay: 10}];
	const intercept = ({bytes}: {bytes: Uint8Array}, _path: number, isUp: boolean) => {
		if (isUp) up.push(bytes);
		return false;
	};
	const world = new TunnelWorld({seed: 91, links, client: {psk}, intercept});
	world.startClient();
	const environment = environmentOf('raw server', {aead: AEAD});
	const {session, answer} = acceptRaw({environment, psk}, up[0]!, world.now);
	world.inject('client', 0, answer);
	world.inject('client', 0, session.packet(PROBE));
	world.send(0, 100);
	up.length = 0;
	const answerOfTarget = [FrameType.DATAGRAM, 0, 0, ...HELLO];
	world.inject('client', 0, session.packet([...CLOSE, ...PROBE, ...answerOfTarget]));
	world.inject('client', 0, session.packet(answerOfTarget));
	t.deepEqual(world.atClient, []);
	t.deepEqual(up, []);
	t.is(world.clientEvents.at(-1)!.event.type, 'session-down');
	t.is(world.client!.status(world.now).drops['unknown-session'], 1);
});
