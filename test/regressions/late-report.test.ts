import test from 'ava';
import {StreamWorld, serve} from '../support/world/stream-world.ts';

// A copy that came when nothing else did had the streams owe a report, but the server's deadline
// stayed what the last new packet had made of it: the report waited for the next probe.
test('a copy over the slower path is reported as soon as one over the faster', (t) => {
	let waits: number[] = [];
	const world: StreamWorld = new StreamWorld(
		{
			seed: 3,
			links: [{delay: 10}, {delay: 90}],
			received: (end, reason) => {
				if (end !== 'server' || reason !== 'duplicate') return;
				waits.push(world.server!.nextTimeout() - world.now);
			},
		},
		serve(() => 0),
	);
	world.start();
	world.run(1000);
	const talker = world.open(80, 0, false);
	world.run(2000);
	waits = [];
	for (let i = 0; i < 20; i++) {
		world.act('client', () => talker.send(1000));
		world.run(world.now + 200);
	}
	t.is(waits.length, 20);
	t.true(
		waits.every((wait) => wait <= 25),
		`${waits}`,
	);
	t.deepEqual(world.faults, []);
});
