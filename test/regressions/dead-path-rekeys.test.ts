import test from 'ava';
import {randomLoss, TunnelWorld} from '../support/world/tunnel-world.ts';

// Every probe of the dead path counted as a packet that nobody answered, so an idle session was
// taken for silent after 2 s and resumed, over and over.
test('a path that is dead from the start does not make an idle session rekey', (t) => {
	const links = [{delay: 10}, {delay: 10, loss: randomLoss(1)}];
	const world = new TunnelWorld({seed: 21, links}).start();
	world.run(100_000);
	const [session] = world.client!.status(world.now).sessions;
	t.is(session?.rekeys, 0);
	t.is(session?.paths[0]?.state, 'up');
	t.true(world.copies[1]! > 20);
});
