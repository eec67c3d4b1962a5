import test from 'ava';
import fc from 'fast-check';
import {shrink} from '../support/operations/operation-property.ts';
import {OperationWorld, runWorld} from '../support/operations/operation-world.ts';
import {
	formatWorld,
	operationsArbitrary,
	parseWorld,
	planArbitrary,
	type Theme,
} from '../support/operations/operations.ts';

const theme = fc.constantFrom<Theme>(
	'clean',
	'lossy',
	'restart',
	'hostile',
	'streams',
	'cut streams',
);
const world = theme.chain((name) => fc.tuple(planArbitrary(name), operationsArbitrary(name, 20)));

test('a world printed as text is read back as the same world', (t) => {
	fc.assert(
		fc.property(world, ([plan, operations]) => {
			t.deepEqual(parseWorld(formatWorld(plan, operations)), {plan, operations});
		}),
		{seed: 1},
	);
});

test('a world goes the same way every time', (t) => {
	for (const [plan, operations] of fc.sample(world, {numRuns: 10, seed: 2})) {
		const runs = [0, 1].map(() => {
			const run = new OperationWorld(plan);
			for (const operation of operations) run.perform(operation);
			run.finish();
			return {copies: run.world.copies, arrivals: run.world.atServer, now: run.world.now};
		});
		t.deepEqual(runs[0], runs[1]);
	}
});

test('misspelt worlds are refused', (t) => {
	t.throws(() => parseWorld('seed 1\nsend 0'), {message: 'not an operation: send 0'});
	t.throws(() => parseWorld('seed 1\nfly 0 1'), {message: 'not an operation: fly 0 1'});
	t.throws(() => parseWorld('sead 1'), {message: 'unknown word in a plan: sead'});
});

test('a failing list is shrunk to the operations that matter', (t) => {
	// Both paths of a world that claims to have a clean one are cut, so a datagram is lost.
	const {plan, operations} = parseWorld(
		`paths 2 clean 1
		send 0 100; advance 50; down 0 2; down 1 2; status; send 1 500; wait 3000; send 2 40;
		advance 250; nat 1; tiny 0 3; reply 0 9; early 1; advance 9`,
	);
	const [fault] = runWorld(plan, operations);
	t.regex(fault!, /datagrams did not reach the server/);
	const kind = fault!.replaceAll(/\d+(\.\d+)?/g, 'n');
	const shrunk = shrink(plan, operations, kind);
	t.true(shrunk.length <= 5, formatWorld(plan, shrunk));
	t.true(runWorld(plan, shrunk).length > 0);
});
