import test from 'ava';
import {StreamWorld, serve, type Talker} from '../support/stream-world.ts';
import {randomLoss} from '../support/tunnel-world.ts';

test('a stream carries bytes both ways and ends', (t) => {
	const peers: Talker[] = [];
	const world = new StreamWorld(
		{seed: 1, links: [{delay: 10}]},
		serve(() => 100_000, peers),
	);
	world.start();
	world.run(100);
	const talker = world.open(80, 50_000);
	world.run(5000);
	t.is(talker.received, 100_000);
	t.is(peers[0]?.received, 50_000);
	t.is(talker.stream.state, 'closed');
	t.is(peers[0]?.stream.state, 'closed');
	t.deepEqual(world.faults, []);
});

test('streams survive 30 % loss', (t) => {
	const links = [
		{delay: 10, loss: randomLoss(0.3)},
		{delay: 25, loss: randomLoss(0.3)},
	];
	const peers: Talker[] = [];
	const world = new StreamWorld(
		{seed: 2, links},
		serve(() => 300_000, peers),
	);
	world.start();
	world.run(500);
	const talkers = [1, 2, 3, 4, 5].map((port) => world.open(port, 20_000));
	world.run(30_000);
	for (const talker of talkers) {
		t.is(talker.received, 300_000);
		t.is(talker.stream.state, 'closed');
	}
	for (const peer of peers) t.is(peer.received, 20_000);
	t.deepEqual(world.faults, []);
});
