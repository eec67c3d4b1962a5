import test from 'ava';
import {StreamCode} from '../../src/wire/constants.ts';
import {StreamWorld, serve, type Talker} from '../support/world/stream-world.ts';

// A reset that overtook its open was ignored, and the open that came behind it made a connection
// that nobody wanted and nobody ended.
test('a stream that is reset before its open arrives is not opened', (t) => {
	const peers: Talker[] = [];
	let isSlow = false;
	const world = new StreamWorld(
		{
			seed: 22,
			links: [{delay: 100}, {delay: 10}],
			// The fast path loses the open, the slow one carries it.
			intercept: (_, path, up) => !(isSlow && up && path === 1),
		},
		serve(() => 1000, peers),
	);
	world.start();
	world.run(1000);
	isSlow = true;
	const talker = world.open(80, 100, false);
	isSlow = false;
	world.run(world.now + 5);
	world.act('client', () => talker.stream.reset(StreamCode.CONNECTION_RESET));
	world.run(world.now + 2000);
	t.is(peers.length, 0);
	t.deepEqual(world.faults, []);
});
