/*
 * Sources go first: repairs take what a path that is nearly full has left.
 */
import test from 'ava';
import {codedPolicy, laneWorld, links} from '../support/lanes/lane-world.ts';
import {randomLoss} from '../support/world/tunnel-world.ts';

test('repairs push no source out of paths whose rates hold the sources alone', (t) => {
	for (const loss of [0, 0.05]) {
		const paths = [{rateUp: 450}, {rateUp: 450}, {rateUp: 450}];
		const link = {delay: 10, loss: randomLoss(loss)};
		const world = laneWorld(codedPolicy({traffic: 2}), links(3, link), {paths, echo: false});
		const counts = () => {
			const {sessions, drops} = world.client!.status(world.now);
			const {sources, repairs} = sessions[0]!.lanes[0]!.sending!;
			return {sources, repairs, refused: drops['saturated'] ?? 0};
		};
		world.run(1000);
		// Some 1,000 kbit/s of 1,350, of which repairs would take as much again. The first packets
		// make the paths find their sizes, and that takes of the rates what it takes.
		world.stream(500, 1000, 0, 150);
		const before = counts();
		const from = world.sent;
		world.stream(500, 3000, 0, 150);
		const {sources, repairs, refused} = counts();
		world.run(world.now + 500);
		t.is(refused - before.refused, 0, `loss ${loss}`);
		t.is(sources - before.sources, 1500);
		t.true(repairs - before.repairs > 400, `${repairs - before.repairs} repairs`);
		const lost = world.lostAtServer(from).length;
		t.true(lost <= 15, `loss ${loss}: ${lost} lost`);
		t.deepEqual(world.faults, []);
	}
});
