import test from 'ava';
import fc from 'fast-check';
import type {PathState} from '../../../../src/core/events.ts';
import {BestDispatch} from '../../../../src/core/lane/dispatch/best.ts';
import {Route} from '../../../../src/core/packets/route.ts';
import {WORST_GRADE} from '../../../../src/core/path/data-loss.ts';
import type {Path} from '../../../../src/core/path/path.ts';
import {type Description, pathsOf} from './described-paths.ts';

/** A dispatch over these paths, at time 0. */
function dispatchOver(list: readonly Description[]) {
	const dispatch = new BestDispatch();
	const paths = pathsOf(list);
	dispatch.pathsChanged(paths, 0);
	const out = new Route();
	const ids = () => out.paths.slice(0, out.count).map(({id}) => id);
	return {
		dispatch,
		paths,
		/** Sets a state and has the dispatch choose again. */
		becomes(id: number, state: PathState): void {
			paths[id]!.judge.state = state;
			dispatch.pathsChanged(paths, 0);
		},
		route(bytes = 1000, now = 0): number[] {
			dispatch.route(bytes, now, out);
			return ids();
		},
		sampled(now: number): number[] {
			dispatch.route(1000, now, out);
			const {count} = out;
			dispatch.sample(1000, now, out);
			return ids().slice(count);
		},
	};
}

function setRtt(path: Path, rtt: number): void {
	for (let i = 0; i < 200; i++) path.rtt.sample(rtt);
}

test('every packet goes out on the quickest of the paths that are up', (t) => {
	t.deepEqual(dispatchOver([{rtt: 60}, {rtt: 30}, {rtt: 90}]).route(), [1]);
	t.deepEqual(dispatchOver([{rtt: 60}, {rtt: 30, state: 'down'}, {rtt: 90}]).route(), [0]);
	t.deepEqual(dispatchOver([{rtt: 60}, {rtt: 30, closed: true}]).route(), [0]);
});

test('what loses less goes before what is quicker', (t) => {
	t.deepEqual(dispatchOver([{rtt: 10, grade: 1}, {rtt: 90}]).route(), [1]);
	t.deepEqual(
		dispatchOver([
			{rtt: 10, grade: 2},
			{rtt: 90, grade: 1},
		]).route(),
		[1],
	);
});

test('nothing goes out where no path is usable', (t) => {
	const {route, dispatch} = dispatchOver([{state: 'down'}, {closed: true}]);
	t.deepEqual(route(), []);
	t.is(dispatch.packetSize, 1200);
});

test('a backup carries packets only while no other path is up', (t) => {
	const {route, becomes} = dispatchOver([{backup: true, rtt: 1}, {rtt: 90}]);
	t.deepEqual(route(), [1]);
	becomes(1, 'down');
	t.deepEqual(route(), [0]);
	becomes(1, 'up');
	t.deepEqual(route(), [1]);
});

test('while the leader is in doubt the next path gets copies, until it is up again or down', (t) => {
	const {route, becomes} = dispatchOver([{rtt: 20}, {rtt: 40}, {rtt: 60}]);
	becomes(0, 'suspect');
	t.deepEqual(route(), [0, 1]);
	becomes(0, 'up');
	t.deepEqual(route(), [0]);
	becomes(0, 'suspect');
	becomes(0, 'down');
	t.deepEqual(route(), [1]);
	becomes(0, 'new');
	t.deepEqual(route(), [1], 'a new path does not lead before it is up');
});

test('before any path is up all of them get copies', (t) => {
	const {route, becomes} = dispatchOver([{state: 'new'}, {state: 'new'}, {state: 'suspect'}]);
	t.deepEqual(route(), [0, 1, 2]);
	becomes(1, 'up');
	t.deepEqual(route(), [1]);
});

test('another path leads only when it is clearly quicker, and is found without any news', (t) => {
	const {route, paths} = dispatchOver([{rtt: 40}, {rtt: 50}]);
	setRtt(paths[0]!, 55);
	t.deepEqual(route(1000, 600), [0]);
	setRtt(paths[0]!, 100);
	t.deepEqual(route(1000, 700), [0], 'not looked at yet');
	t.deepEqual(route(1000, 1200), [1]);
	setRtt(paths[0]!, 45);
	t.deepEqual(route(1000, 1800), [1]);
	setRtt(paths[0]!, 20);
	t.deepEqual(route(1000, 2400), [0]);
});

test('a leader that begins to lose more than another gives up the lead', (t) => {
	const {route, dispatch, paths} = dispatchOver([{rtt: 10}, {rtt: 90}]);
	t.deepEqual(route(), [0]);
	paths[0]!.dataLoss.grade = 1;
	dispatch.pathsChanged(paths, 0);
	t.deepEqual(route(), [1]);
});

test('one that loses most of the data does not lead beside a sound one, doubted or not', (t) => {
	const {route, paths, becomes} = dispatchOver([{rtt: 10}, {rtt: 90}]);
	paths[0]!.dataLoss.grade = WORST_GRADE;
	becomes(0, 'suspect');
	t.deepEqual(route(), [1]);
});

test('what the leader refuses goes to the next path, best first', (t) => {
	const {route, paths} = dispatchOver([{rtt: 10, rate: 8}, {rtt: 90}, {rtt: 50}]);
	while (route()[0] === 0);
	t.deepEqual(route(), [2]);
	t.is(paths[0]!.load.saturation.dropped, 2);
	paths[2]!.addresses.remove(paths[2]!.addresses.list[0]!);
	t.deepEqual(route(), [1]);
});

test('where all refuse it, the leader takes the packet unless its user set the limit', (t) => {
	const {route, paths} = dispatchOver([{rtt: 10}, {rtt: 90}]);
	for (const {load} of paths) load.saturation.allow = () => false;
	t.deepEqual(route(), [0]);
	const limited = dispatchOver([{rate: 8}]);
	while (limited.route().length > 0);
	t.deepEqual(limited.route(), []);
});

test('packets fit the path that carries them, of two the smaller', (t) => {
	const {dispatch, becomes} = dispatchOver([{rtt: 10, size: 1472}, {size: 1392}]);
	t.is(dispatch.packetSize, 1472);
	becomes(0, 'suspect');
	t.is(dispatch.packetSize, 1392);
});

test('a path left out for its losses gets a copy now and then, never a second one of a packet', (t) => {
	const {sampled, paths} = dispatchOver([{}, {grade: 1}]);
	t.deepEqual(sampled(0), [1]);
	t.deepEqual(sampled(10), []);
	t.deepEqual(sampled(300), [1]);
	paths[0]!.load.saturation.allow = () => false;
	t.deepEqual(sampled(400), [], 'it has the packet already');
});

const description: fc.Arbitrary<Description> = fc.record({
	state: fc.constantFrom<PathState>('new', 'up', 'suspect', 'down'),
	backup: fc.boolean(),
	closed: fc.boolean(),
	rtt: fc.integer({min: 1, max: 500}),
	grade: fc.nat(WORST_GRADE),
});

test('obeys its rules for any two situations in turn', (t) => {
	const lists = fc.array(fc.tuple(description, description), {maxLength: 8});
	const check = fc.property(lists, (list) => {
		const {dispatch, paths} = dispatchOver(list.map(([before]) => before));
		for (const [id, {state, rtt, grade, closed}] of list.map(([, after]) => after).entries()) {
			const path = paths[id]!;
			path.judge.state = state!;
			path.dataLoss.grade = grade!;
			setRtt(path, rtt!);
			if (closed) path.addresses.list.length = 0;
		}
		dispatch.pathsChanged(paths, 1);
		const chosen = dispatch.paths;
		const usable = paths.filter(({open, state}) => open && state !== 'down');
		t.is(new Set(chosen).size, chosen.length);
		t.is(chosen.length === 0, usable.length === 0);
		t.true(chosen.every((path) => usable.includes(path)));
		const sound = usable.filter(({state, grade}) => state === 'up' && grade < WORST_GRADE);
		if (sound.length > 0) t.true(chosen.some((path) => sound.includes(path)));
		const [leader] = chosen;
		if (leader !== undefined && sound.includes(leader)) t.is(chosen.length, 1);
	});
	fc.assert(check, {seed: 8, numRuns: 500});
});
