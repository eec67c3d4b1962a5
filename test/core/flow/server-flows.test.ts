import test from 'ava';
import type {EndpointContext} from '../../../src/core/context.ts';
import type {UserConfig} from '../../../src/core/endpoint.ts';
import {ServerFlowTable} from '../../../src/core/flow/server-flow-table.ts';
import {ServerFlows} from '../../../src/core/flow/server-flows.ts';
import {KeySchedule} from '../../../src/core/packets/key-schedule.ts';
import {Role} from '../../../src/core/role.ts';
import {UserTotals} from '../../../src/core/server/user-totals.ts';
import {Session} from '../../../src/core/session/session.ts';
import {TargetKind} from '../../../src/wire/address.ts';
import {RefusalCode} from '../../../src/wire/constants.ts';
import {clientFrame} from '../../../src/wire/frames/control.ts';
import {flowCloseFrame} from '../../../src/wire/frames/flow.ts';
import {FrameType} from '../../../src/wire/frames/frame-type.ts';
import {
	framesOf,
	readableContext,
	readFrame,
	remoteOf,
	settingsOf,
	userWith,
} from '../session/core-fixtures.ts';

function newSession(context: EndpointContext): Session {
	const aead = context.environment.aead(new Uint8Array(32));
	const keys = new KeySchedule(aead, aead, 0);
	const session = new Session({
		...{context, role: Role.SERVER, number: 1, localId: 1, peerId: 2, keys, peerFrames: [], now: 0},
		closed: () => {},
	});
	const path = session.paths.configure(settingsOf(0), 0);
	session.paths.learn(path, remoteOf(1), 0)!.validated = true;
	return session;
}

/** A server with one client id; `flowsOf` makes the flows of its next session. */
function newServer(settings: Partial<UserConfig> = {}) {
	const context = readableContext('server flows');
	const table = new ServerFlowTable(300_000);
	const user = userWith(settings);
	const owner = {user, flows: new Map()};
	const identified = {user, flows: new Map()};
	const flowsOf = () =>
		new ServerFlows({
			...{context, session: newSession(context), table, owner},
			identify: () => identified,
		});
	return {context, table, owner, identified, flowsOf, flows: flowsOf()};
}

const bytes = Uint8Array.of(1, 2, 3);

const datagram = (flow: number, reference = 0, start = 0, end = 3) => ({
	...{flow, reference, bytes, start, end},
});

function announce(flows: ServerFlows, id: number, application: string, now = 0, reference = 0) {
	const target = {kind: TargetKind.FIXED, listener: 'classic', application} as const;
	return flows.datagramTo(datagram(id, reference), target, now);
}

/** The frames sent since the last call, as arrays of bytes. */
function sentFrames(context: EndpointContext): number[][] {
	const frames: number[][] = [];
	for (;;) {
		const transmit = context.outbox.poll();
		if (transmit === undefined) return frames;
		frames.push([...framesOf(transmit.slot)]);
		context.outbox.pool.release(transmit.slot);
	}
}

test('a first DATAGRAM_TO opens the flow, delivers, and confirms the target', (t) => {
	const {context, flows, table} = newServer();
	t.is(announce(flows, 70, 'app'), undefined);
	const delivery = context.pollDelivery();
	t.is(table.get(delivery!.flow)?.key, 'classic|app');
	t.deepEqual([delivery?.start, delivery?.end], [0, 3]);
	flows.handleTimeout(flows.nextTimeout());
	t.deepEqual(sentFrames(context), [[FrameType.TARGET_KNOWN, 0x40, 70, 0]]);
	t.is(flows.size, 1);
});

test('the same target is confirmed once in 10 ms, and delivered each time', (t) => {
	const {context, flows} = newServer();
	const confirmed = () => {
		flows.handleTimeout(flows.nextTimeout());
		return sentFrames(context).length;
	};
	announce(flows, 0, 'app', 0);
	t.is(announce(flows, 0, 'app', 9), undefined);
	t.is(confirmed(), 1);
	t.is(flows.nextTimeout(), Number.POSITIVE_INFINITY);
	announce(flows, 0, 'app', 10);
	t.is(confirmed(), 1);
});

test('DATAGRAM goes to the target that was announced', (t) => {
	const {context, flows, table} = newServer();
	announce(flows, 4, 'app');
	context.pollDelivery();
	t.is(flows.datagram(datagram(4, 0, 1, 2), 50), undefined);
	const flow = table.get(context.pollDelivery()!.flow)!;
	t.is(flow.key, 'classic|app');
	t.is(flow.active, 50);
});

test('DATAGRAM of an unknown flow asks for the target', (t) => {
	const {context, flows} = newServer();
	t.is(flows.datagram(datagram(3), 0), 'unknown-flow');
	t.deepEqual(sentFrames(context), [[FrameType.TARGET_UNKNOWN, 3, 0]]);
	t.is(context.pollDelivery(), undefined);
});

test('an unknown reference of a flow is delivered to nobody, and the flow stays', (t) => {
	const {context, flows} = newServer();
	announce(flows, 3, 'app');
	context.pollDelivery();
	sentFrames(context);
	t.is(flows.datagram(datagram(3, 1), 0), 'unknown-target');
	t.deepEqual(sentFrames(context), [[FrameType.TARGET_UNKNOWN, 3, 1]]);
	t.is(announce(flows, 3, 'app', 0, 1), 'unknown-target');
	t.is(context.pollDelivery(), undefined);
});

test('a flow never gets another target', (t) => {
	const {context, flows} = newServer();
	announce(flows, 3, 'app');
	context.pollDelivery();
	t.is(announce(flows, 3, 'other'), 'unknown-target');
	t.is(context.pollDelivery(), undefined);
});

test('a closed flow id never opens again, and its datagrams are answered FLOW_CLOSE', (t) => {
	const {context, flows} = newServer();
	announce(flows, 3, 'app');
	readFrame(flows, flowCloseFrame, {flow: 3});
	t.like(context.pollEvent(), {type: 'flow-closed'});
	sentFrames(context);
	t.is(announce(flows, 3, 'app'), 'unknown-flow');
	t.is(flows.datagram(datagram(3), 0), 'unknown-flow');
	t.deepEqual(sentFrames(context), [
		[FrameType.FLOW_CLOSE, 3],
		[FrameType.FLOW_CLOSE, 3],
	]);
});

test('an id more than 65,536 behind the newest counts as closed', (t) => {
	const {flows} = newServer();
	announce(flows, 100_000, 'new');
	t.is(announce(flows, 3, 'app'), 'unknown-flow');
	t.is(announce(flows, 99_999, 'near'), undefined);
});

test('the same application in a new session gets its flow back', (t) => {
	const server = newServer();
	announce(server.flows, 3, 'app');
	const {flow} = server.context.pollDelivery()!;
	const next = server.flowsOf();
	announce(next, 9, 'app');
	t.is(server.context.pollDelivery()?.flow, flow);
	t.deepEqual([server.flows.size, next.size], [0, 1]);
	t.is(server.table.get(flow)?.session, next);
});

test('flows outlive their session', (t) => {
	const {context, flows, table} = newServer();
	announce(flows, 3, 'app');
	const {flow} = context.pollDelivery()!;
	flows.unbindAll();
	t.is(table.get(flow)?.session, undefined);
	t.is(flows.size, 0);
});

test('a flow beyond the limit is refused with its code, and its id stays free', (t) => {
	const {context, flows} = newServer({flowLimit: 1});
	announce(flows, 0, 'first');
	sentFrames(context);
	t.is(announce(flows, 1, 'second'), 'flow-limit');
	t.deepEqual(sentFrames(context), [[FrameType.FLOW_REFUSED, 1, RefusalCode.LIMIT]]);
	readFrame(flows, flowCloseFrame, {flow: 0});
	t.is(announce(flows, 1, 'second'), undefined);
});

test('answers to unknown flows are limited to 100 a second', (t) => {
	const {context, flows} = newServer();
	for (let i = 0; i < 150; i++) flows.datagram(datagram(i), i);
	t.is(sentFrames(context).length, 100);
	flows.datagram(datagram(1), 1000);
	t.is(sentFrames(context).length, 1);
});

test('the server tells of flows that it closes or refuses', (t) => {
	const {context, flows, owner} = newServer();
	announce(flows, 5, 'app');
	sentFrames(context);
	const flow = owner.flows.get('classic|app')!;
	flows.close(flow, 0);
	flows.refuse(flow, RefusalCode.SOCKET, 0);
	t.deepEqual(sentFrames(context), [
		[FrameType.FLOW_CLOSE, 5],
		[FrameType.FLOW_REFUSED, 5, RefusalCode.SOCKET],
	]);
});

test('flows opened after CLIENT belong to whom it named', (t) => {
	const {flows, owner, identified} = newServer();
	readFrame(flows, clientFrame, {clientId: new Uint8Array(16)});
	announce(flows, 0, 'app');
	t.is(owner.flows.size, 0);
	t.is(identified.flows.size, 1);
});

test('a user opens no more flows in a second than it may, and more in the next one', (t) => {
	const {context, flows, owner} = newServer({flowRate: 2});
	for (let id = 0; id < 4; id++) announce(flows, id, `app ${id}`, 1000);
	t.is(flows.size, 2);
	t.is(owner.user.flows, 2);
	const frames = sentFrames(context);
	t.deepEqual(
		frames.filter(([type]) => type === FrameType.FLOW_REFUSED),
		[2, 3].map((id) => [FrameType.FLOW_REFUSED, id, RefusalCode.RATE]),
	);
	const event = context.pollEvent();
	t.deepEqual(event, {type: 'refused', user: 'u', kind: 'flow', code: RefusalCode.RATE});
	t.is(context.pollEvent(), undefined, 'told once a second');
	t.is(announce(flows, 4, 'app 4', 2000), undefined);
	t.is(owner.user.flows, 3);
});

test('flows of all clients of a user count together', (t) => {
	const server = newServer({flowLimit: 2});
	const {flows, table, owner} = server;
	announce(flows, 0, 'a');
	table.open({user: owner.user, flows: new Map()}, 'of another client', {}, 0);
	t.is(announce(flows, 1, 'b'), 'flow-limit');
	const live = new UserTotals();
	live.sessions = 1;
	live.sent = 5;
	live.received = 6;
	owner.user.past.sent = 100;
	t.like(owner.user.status(live), {
		name: 'u',
		sessions: 1,
		flows: 2,
		datagramsSent: 105,
		datagramsReceived: 6,
		streams: {now: 0, opened: 0, sent: 0, received: 0},
		memory: 0,
		refused: [{kind: 'flow', code: RefusalCode.LIMIT, count: 1}],
	});
});

test('a user may have a fixed target and no exit, or the other way round', (t) => {
	const chosen = {kind: TargetKind.IPV4, host: Uint8Array.of(9, 9, 9, 9), port: 53} as const;
	const target = {...chosen, encoded: Uint8Array.of(1, 9, 9, 9, 9, 0, 53)};
	const fixed = newServer({exit: false}).flows;
	t.is(announce(fixed, 0, 'a'), undefined);
	t.is(fixed.datagramTo(datagram(1), target, 0), 'no-exit');
	const exit = newServer({fixedTarget: false}).flows;
	t.is(announce(exit, 0, 'a'), 'no-exit');
	t.is(exit.datagramTo(datagram(1), target, 0), undefined);
});
