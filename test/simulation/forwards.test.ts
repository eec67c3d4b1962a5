import test from 'ava';
import type {ListenerConfig} from '../../src/core/endpoint.ts';
import {randomLoss, TunnelWorld} from '../support/world/tunnel-world.ts';

const links = [10, 30, 70].map((delay) => ({
	delay,
	jitter: 8,
	jitterReorders: true,
	loss: randomLoss(0.2),
	duplicate: 0.1,
}));

/** Numbers of the listeners below. */
const [DNS, VPN] = [2, 3];
const listeners: readonly ListenerConfig[] = [
	{name: 'classic'},
	{name: 'socks', open: true},
	{name: 'udp 127.0.0.1:5353', target: Uint8Array.of(1, 9, 9, 9, 9, 0, 53)},
	{name: 'udp 127.0.0.1:1194', target: Uint8Array.of(3, 3, 118, 112, 110, 4, 170)},
];

test('each application of a forward is a flow of its own, to its one target', (t) => {
	const world = new TunnelWorld({seed: 91, links, echo: true, client: {listeners}}).start();
	world.run(500);
	for (let i = 0; i < 2000; i++) {
		world.run(world.now + 2);
		world.sendForward(i % 2 ? DNS : VPN, i % 6);
	}
	world.run(world.now + 1000);
	t.deepEqual(world.faults, []);
	t.is(new Set(world.atServer.map(({flow}) => flow)).size, 6);
	t.true(world.lostAtServer().length <= 40);
	t.true(world.lostAtClient().length <= 80);
});

test('a restart of the client keeps the sockets of its forwards, one of the server loses them', (t) => {
	const clean = [{delay: 10}];
	const world = new TunnelWorld({seed: 92, links: clean, client: {listeners}}).start();
	world.run(500);
	world.sendForward(DNS);
	world.run(600);
	const {flow} = world.atServer[0]!;
	world.killClient();
	world.startClient();
	world.run(700);
	world.sendForward(DNS);
	world.run(800);
	t.is(world.atServer.at(-1)?.flow, flow);
	world.killServer();
	world.startServer();
	world.run(world.now + 5000);
	const from = world.sent;
	world.sendForward(DNS);
	world.run(world.now + 200);
	t.deepEqual(world.faults, []);
	t.deepEqual(world.lostAtServer(from), []);
});

test('a forward whose target changed with its configuration gets another socket', (t) => {
	const world = new TunnelWorld({seed: 93, links: [{delay: 10}], client: {listeners}}).start();
	world.run(500);
	world.sendForward(DNS);
	world.run(600);
	const {flow} = world.atServer[0]!;
	world.killClient();
	const other = {...listeners[DNS]!, target: Uint8Array.of(1, 9, 9, 9, 10, 0, 53)};
	Object.assign(world.clientConfig, {listeners: listeners.with(DNS, other)});
	world.startClient();
	world.run(700);
	world.sendForward(DNS);
	world.run(800);
	t.deepEqual(world.faults, []);
	t.not(world.atServer.at(-1)?.flow, flow);
});

test('a server that is no exit refuses a forward and says so', (t) => {
	const world = new TunnelWorld({
		seed: 94,
		links: [{delay: 10}],
		client: {listeners},
		server: {exit: false},
	}).start();
	world.run(500);
	world.sendForward(DNS);
	world.send(1);
	world.run(600);
	t.is(world.atServer.length, 1);
	const refused = world.clientEvents.find(({event}) => event.type === 'target-refused');
	t.like(refused?.event, {code: 2});
});
