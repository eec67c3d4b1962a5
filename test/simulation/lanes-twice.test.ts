/*
 * Nothing that a coded lane carries comes out twice, whatever comes late.
 */
import test from 'ava';
import {HEADER_LENGTH} from '../../src/wire/constants.ts';
import {FrameType} from '../../src/wire/frames/frame-type.ts';
import {codedPolicy, laneWorld} from '../support/lanes/lane-world.ts';
import {randomLoss} from '../support/world/tunnel-world.ts';

const loss = randomLoss(0.1);

test('what is recovered does not come out again when its original comes after all', (t) => {
	// At first nobody knows how much later the other paths are: more than the receiver can keep.
	const links = [10, 210, 210].map((delay) => ({delay, loss}));
	const world = laneWorld(codedPolicy({traffic: 1.5}), links);
	world.stream(5000, 4000);
	world.run(world.now + 1500);
	t.deepEqual(world.faults, []);
	const [lane] = world.server!.status(world.now).sessions[0]!.lanes;
	t.true(lane!.receiving!.recovered > 100);
});

for (const lost of [1, 3, 20]) {
	test(`what came before LANES does not come out again: ${lost} of them are lost`, (t) => {
		let left = 3 * lost;
		const world = laneWorld(
			codedPolicy({within: 300, traffic: 3}),
			[10, 20, 60].map((delay) => ({delay, loss})),
			{
				client: {encrypt: false},
				server: {encrypt: false},
				intercept: ({bytes}, _path, up) => {
					if (!up || bytes[HEADER_LENGTH] !== FrameType.LANES || left === 0) return true;
					left--;
					return false;
				},
			},
		);
		world.stream(30, 8000);
		world.run(world.now + 1500);
		t.deepEqual(world.faults, []);
		t.is(left, 0);
		const [lane] = world.server!.status(world.now).sessions[0]!.lanes;
		t.true(lane!.receiving!.recovered > 0);
	});
}
