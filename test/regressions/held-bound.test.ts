import test from 'ava';
import {TunnelWorld} from '../support/world/tunnel-world.ts';

const waiting = (world: TunnelWorld) => world.client!.status(world.now).waiting;
const drops = (world: TunnelWorld) => world.client!.status(world.now).drops['queue-full'] ?? 0;

test('without a server the newest 256 datagrams wait, and at most 512 KiB of them', (t) => {
	const world = new TunnelWorld({seed: 9, links: [{delay: 10}]});
	world.startClient();
	for (let i = 0; i < 1000; i++) world.send(0, 100);
	t.is(waiting(world), 256);
	t.is(drops(world), 744);
	for (let i = 0; i < 20; i++) world.send(0, 65_507);
	t.is(waiting(world), 8);
	world.startServer();
	world.run(1500);
	t.deepEqual(world.lostAtServer(1012), []);
	t.is(world.lostAtServer(0, 1012).length, 1012);
});

test('the server lets the newest datagrams of targets wait for a path, no more', (t) => {
	const world = new TunnelWorld({seed: 10, links: [{delay: 10}]}).start();
	world.run(1000);
	world.send();
	world.run(1100);
	const {flow} = world.atServer[0]!;
	world.poke('server', ({server, now}) => server!.socketClosed(0, now));
	for (let i = 0; i < 1000; i++) world.reply(flow);
	t.is(world.server!.status(world.now).waiting, 256);
});
