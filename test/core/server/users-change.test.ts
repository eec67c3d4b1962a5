import test from 'ava';
import type {ServerSettings, UserConfig} from '../../../src/core/endpoint.ts';
import {encodeFixedTarget} from '../../../src/wire/address.ts';
import {CloseCode} from '../../../src/wire/constants.ts';
import {FrameType} from '../../../src/wire/frames/frame-type.ts';
import type {RawSession} from '../../support/world/raw-session.ts';
import {ServerBench} from '../../support/world/server-bench.ts';
import {remoteOf} from '../session/core-fixtures.ts';

const ANN: UserConfig = {name: 'ann', psk: new Uint8Array(32).fill(1)};
const BOB: UserConfig = {name: 'bob', psk: new Uint8Array(32).fill(2)};
const PROBE = [FrameType.PROBE, 0, 0, ...new Array<number>(12).fill(0), 0];
const OPEN = [FrameType.DATAGRAM_TO, 0, 0, ...encodeFixedTarget('a', 'b'), 7];

interface Two {
	readonly bench: ServerBench;
	readonly ann: RawSession;
	readonly bob: RawSession;
	/** Gives the server other settings; returns what it sends to ann then. */
	readonly change: (settings: Partial<ServerSettings>) => readonly Uint8Array[];
}

/** A server with a session and a flow of each of its two users. */
function two(): Two {
	const bench = new ServerBench('users change');
	const [ann, bob] = [bench.connect(0), bench.connect(1, 1, remoteOf(2))];
	for (const frames of [PROBE, OPEN]) {
		bench.receive(ann.packet(frames));
		bench.receive(bob.packet(frames), remoteOf(2));
	}
	const change = (settings: Partial<ServerSettings>) => {
		const before = bench.sent.length;
		bench.server.reconfigure({users: [ANN, BOB], fixedTarget: true, ...settings}, bench.now);
		bench.drain();
		return bench.sent.slice(before).flatMap(({bytes}) => ann.open(bytes) ?? []);
	};
	return {bench, ann, bob, change};
}

function usersOf({server, now}: ServerBench): readonly string[] {
	return server.status(now).users!.map(({name, flows, sessions}) => `${name} ${flows} ${sessions}`);
}

test('a user who is removed is cut off at once, with a CLOSE that says so; others go on', (t) => {
	const {bench, ann, bob, change} = two();
	const [close, ...more] = change({users: [BOB]});
	t.deepEqual([...close!.subarray(0, 2)], [FrameType.CLOSE, CloseCode.REMOVED]);
	t.deepEqual(more, []);
	t.deepEqual(usersOf(bench), ['bob 1 1']);
	t.is(bench.eventsOf('flow-closed').length, 1);
	t.deepEqual(
		bench.eventsOf('session-down').map(({reason}) => reason),
		['the user was removed'],
	);
	t.is(bench.receive(ann.packet(PROBE)), 'unknown-session');
	t.is(bench.receive(bob.packet(PROBE), remoteOf(2)), undefined);
	t.throws(() => bench.connect(0), {message: 'no session'});
	// The key is good again, and a third user has one, too.
	change({users: [ANN, BOB, {name: 'cid', psk: new Uint8Array(32).fill(3)}]});
	for (const [user, port] of [
		[0, 1],
		[2, 3],
	] as const) {
		const again = bench.connect(user, user, remoteOf(port));
		bench.receive(again.packet(PROBE), remoteOf(port));
	}
	t.deepEqual(usersOf(bench), ['bob 1 1', 'ann 0 1', 'cid 0 1']);
});

test('with another key the sessions of the old one end, and flows wait for the new one', (t) => {
	const {bench, change} = two();
	const [close] = change({users: [{...ANN, psk: new Uint8Array(32).fill(5)}, BOB]});
	t.is(close![1], CloseCode.REMOVED);
	t.throws(() => bench.connect(0), {message: 'no session'});
	const again = bench.connect(4, 0);
	bench.receive(again.packet(PROBE));
	bench.receive(again.packet(OPEN));
	t.deepEqual(usersOf(bench), ['ann 1 1', 'bob 1 1']);
	t.is(bench.eventsOf('flow-closed').length, 0);
});

test('who may choose targets, or may no more, begins a session that has it', (t) => {
	const {bench, change} = two();
	t.is(change({users: [{...ANN, exit: false}, BOB]})[0]![1], CloseCode.CHANGED);
	bench.receive(bench.connect(0).packet(PROBE));
	t.deepEqual(usersOf(bench), ['ann 1 1', 'bob 1 1']);
});

test('limits hold for what comes after them, and end nothing', (t) => {
	const {bench, ann, change} = two();
	t.deepEqual(change({users: [{...ANN, flowLimit: 1, sessionLimit: 1}, BOB]}), []);
	const second = [FrameType.DATAGRAM_TO, 1, 0, ...encodeFixedTarget('a', 'c'), 7];
	t.is(bench.receive(ann.packet(second)), 'flow-limit');
	const more = bench.connect(0, 7, remoteOf(9));
	t.is(bench.receive(more.packet(PROBE), remoteOf(9)), 'unknown-session');
	change({});
	t.is(bench.receive(ann.packet(second)), undefined);
	t.deepEqual(usersOf(bench), ['ann 2 1', 'bob 1 1']);
	t.deepEqual(bench.eventsOf('session-down'), []);
});

test('without a fixed target its flows end, and none is opened', (t) => {
	const {bench, ann, change} = two();
	t.true(change({fixedTarget: false}).some(([type]) => type === FrameType.FLOW_CLOSE));
	t.is(bench.eventsOf('flow-closed').length, 2);
	const again = [FrameType.DATAGRAM_TO, 1, 0, ...encodeFixedTarget('a', 'b'), 7];
	t.is(bench.receive(ann.packet(again)), 'no-exit');
});

test('the same settings change nothing', (t) => {
	const {bench, change} = two();
	const events = bench.events.length;
	t.deepEqual(change({}), []);
	t.is(bench.events.length, events);
});
