import test from 'ava';
import type {ListenerConfig} from '../../src/core/endpoint.ts';
import {TunnelWorld} from '../support/tunnel-world.ts';
import type {WorldOptions} from '../support/world-options.ts';

const HOUR = 3_600_000;
const listeners: readonly ListenerConfig[] = [
	{name: 'classic'},
	{name: 'socks', open: true},
	{name: 'udp 127.0.0.1:5353', target: Uint8Array.of(1, 9, 9, 9, 9, 0, 53)},
];

function start(options: Partial<WorldOptions> = {}): TunnelWorld {
	const links = [{delay: 10}, {delay: 25}];
	const world = new TunnelWorld({seed: 95, links, client: {listeners}, ...options}).start();
	world.run(500);
	return world;
}

function flowsOf(world: TunnelWorld): number {
	return world.server!.status(world.now).sessions[0]!.flows;
}

test('after two hours of silence the target reaches the application', (t) => {
	const world = start();
	world.send(0);
	world.sendForward(2, 1);
	world.run(1000);
	const [classic, forward] = world.atServer.map(({flow}) => flow);
	world.run(2 * HOUR);
	const sent = [world.reply(classic!, 0), world.reply(forward!, 1)];
	world.run(world.now + 1000);
	t.deepEqual(world.faults, []);
	t.deepEqual(
		sent.map((sequence) => world.arrived('client', sequence)),
		[true, true],
	);
	const events = [...world.clientEvents, ...world.serverEvents].map(({event}) => event.type);
	t.false(events.includes('session-down'), 'the session lived on its probes');
});

test('beyond 256 idle flows the oldest end after their time, as those of SOCKS do', (t) => {
	const world = start();
	for (let application = 0; application < 300; application++) {
		if (application < 250) world.send(application);
		else world.sendForward(2, application - 250);
		world.run(world.now + 10);
	}
	world.sendTo(1, 255);
	world.run(world.now + 290_000);
	t.is(flowsOf(world), 301);
	const classic = world.atServer.map(({flow}) => flow).slice(0, 300);
	world.run(world.now + HOUR);
	t.is(flowsOf(world), 256);
	t.is(world.client!.status(world.now).sessions[0]!.flows, 256);
	const closed = world.serverEvents.flatMap(({event}) =>
		event.type === 'flow-closed' ? [event.flow] : [],
	);
	t.deepEqual(
		classic.filter((flow) => closed.includes(flow)),
		classic.slice(0, 44),
	);
});

test('at the limit the flow that was idle longest makes room, and none that is in use', (t) => {
	const world = start({server: {flowLimit: 3}});
	for (let application = 0; application < 3; application++) {
		world.send(application);
		world.run(world.now + 1000);
	}
	world.send(3);
	world.run(world.now + 2000);
	t.is(new Set(world.atServer.map(({flow}) => flow)).size, 3, 'none is idle yet');
	world.run(HOUR);
	world.send(1);
	world.send(4);
	world.run(world.now + 2000);
	t.is(flowsOf(world), 3);
	const [first, second, third] = world.atServer.map(({flow}) => flow);
	t.is(world.atServer.at(-2)?.flow, second);
	t.not(world.atServer.at(-1)?.flow, third);
	t.is(world.reply(first!, 0), -1);
	world.reply(third!, 2);
	world.run(world.now + 1000);
	t.is(world.atClient.at(-1)?.application, 2);
	// Sockets run out: whatever is idle goes, oldest first, and the two in use stay.
	world.poke('server', ({server, now}) => server!.releaseFlows(64, now));
	world.run(world.now + 1000);
	t.is(flowsOf(world), 3);
	world.run(world.now + 301_000);
	world.reply(second!, 1);
	world.poke('server', ({server, now}) => server!.releaseFlows(64, now));
	t.is(flowsOf(world), 1);
	t.deepEqual(world.faults, []);
});
