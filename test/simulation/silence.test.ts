import test from 'ava';
import type {ListenerConfig} from '../../src/core/endpoint.ts';
import {TunnelWorld} from '../support/world/tunnel-world.ts';
import type {WorldOptions} from '../support/world/world-options.ts';

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
	world.poke('server', ({server, now}) => server!.releaseFlows('user', 64, now));
	world.run(world.now + 1000);
	t.is(flowsOf(world), 3);
	world.run(world.now + 301_000);
	world.reply(second!, 1);
	world.poke('server', ({server, now}) => server!.releaseFlows('user', 64, now));
	t.is(flowsOf(world), 1);
	t.deepEqual(world.faults, []);
});

/** A NAT in front of the client: 30 s after the client's last packet nothing comes in any more. */
function natOf(life: number, up: number[] = []) {
	let lastUp = 0;
	return {
		bytes: {up: 0, down: 0},
		intercept({bytes}: {readonly bytes: Uint8Array}, path: number, isUp: boolean, now: number) {
			const open = path !== 0 || now - lastUp <= life;
			if (path === 0 && isUp) lastUp = now;
			if (path === 0 && isUp) up.push(now);
			if (path === 0) this.bytes[isUp ? 'up' : 'down'] += bytes.length + 28;
			return isUp || open;
		},
	};
}

function longestGap(times: readonly number[], from: number): number {
	const later = times.filter((at) => at > from);
	return Math.max(...later.slice(1).map((at, i) => at - later[i]!));
}

test('a metered path that is the only one keeps its NAT open while there are flows', (t) => {
	const nat = natOf(30_000);
	const intercept: WorldOptions['intercept'] = (...packet) => nat.intercept(...packet);
	const metered = {paths: [{metered: true}], links: [{delay: 30}]};
	const world = start({seed: 96, ...metered, intercept});
	world.send(0);
	world.run(1000);
	const {flow} = world.atServer[0]!;
	let arrived = 0;
	for (let i = 0; i < 20; i++) {
		world.run(world.now + 100_000);
		const sequence = world.reply(flow, 0);
		world.run(world.now + 1000);
		if (world.arrived('client', sequence)) arrived++;
	}
	t.is(arrived, 20);
});

for (const [what, opens, most] of [
	['without flows', false, 26_000],
	['to keep a flow reachable', true, 45_000],
] as const) {
	test(`a metered path costs at most ${most} bytes an hour ${what}`, (t) => {
		const nat = natOf(30_000);
		const intercept: WorldOptions['intercept'] = (...packet) => nat.intercept(...packet);
		const world = start({seed: 99, paths: [{metered: true}], links: [{delay: 30}], intercept});
		if (opens) world.send(0);
		world.run(100_000);
		nat.bytes.up = nat.bytes.down = 0;
		world.run(world.now + HOUR);
		const {up, down} = nat.bytes;
		t.true(up + down <= most, `${up} + ${down}`);
		t.true(up + down >= most - 4000, `${up} + ${down}: the README says more`);
	});
}

test('beside another path a metered one stays silent, alone it takes over', (t) => {
	const up: number[] = [];
	const nat = natOf(30_000, up);
	const intercept: WorldOptions['intercept'] = (...packet) => nat.intercept(...packet);
	const world = start({seed: 97, paths: [{metered: true}, {}], intercept});
	world.send(0);
	world.run(60_000);
	const from = world.now;
	world.run(from + HOUR);
	t.true(longestGap(up, from) > 50_000);
	world.configure(1, {loss: {kind: 'random', loss: 1}});
	world.run(world.now + 120_000);
	const alone = world.now;
	world.run(alone + HOUR);
	t.true(longestGap(up, alone) <= 30_000, `${longestGap(up, alone)}`);
});

test('keepalive= keeps a path open whatever else there is', (t) => {
	const up: number[] = [];
	const nat = natOf(12_000, up);
	const intercept: WorldOptions['intercept'] = (...packet) => nat.intercept(...packet);
	const paths = [{keepAlive: 10_000, metered: true}, {}];
	const world = start({seed: 98, paths, intercept});
	world.run(60_000);
	const from = world.now;
	world.run(from + HOUR);
	t.true(longestGap(up, from) <= 10_000, `${longestGap(up, from)}`);
});
