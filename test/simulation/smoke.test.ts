import test from 'ava';
import {randomLoss, TunnelWorld} from '../support/tunnel-world.ts';

test('datagrams cross three clean paths in both directions, once each', (t) => {
	const world = new TunnelWorld({
		seed: 1,
		links: [{delay: 10}, {delay: 20}, {delay: 30}],
		echo: true,
	}).start();
	world.run(100);
	world.stream(1000, 5000);
	world.run(world.now + 1000);
	t.deepEqual(world.faults, []);
	t.deepEqual(world.lostAtServer(), []);
	t.deepEqual(world.lostAtClient(), []);
	t.true(world.atServer.every(({at, sentAt}) => at - sentAt < 10.001));
	t.log(world.client!.status(world.now), world.server!.status(world.now));
	t.log(world.clientEvents);
});

test('loss multiplies', (t) => {
	const world = new TunnelWorld({
		seed: 1,
		links: [10, 20, 30].map((delay) => ({delay, loss: randomLoss(0.2)})),
		echo: true,
	}).start();
	world.run(1000);
	world.stream(1000, 60_000);
	world.run(world.now + 1000);
	t.deepEqual(world.faults, []);
	t.log(world.lostAtServer().length / world.sent, world.lostAtClient().length / world.sent);
	t.log(JSON.stringify(world.client!.status(world.now), null, 1));
	t.log(world.clientEvents.filter((e) => e.event.type !== 'path-state').slice(0, 10));
	t.log(world.clientEvents.length);
});
