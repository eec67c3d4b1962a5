import test from 'ava';
import fc from 'fast-check';
import type {PathState} from '../../../../src/core/events.ts';
import {chooseSamples} from '../../../../src/core/lane/dispatch/ranking.ts';
import {chooseRedundant, RedundantDispatch} from '../../../../src/core/lane/dispatch/redundant.ts';
import {Route} from '../../../../src/core/packets/route.ts';
import {WORST_GRADE} from '../../../../src/core/path/data-loss.ts';
import type {Path} from '../../../../src/core/path/path.ts';
import {type Description, pathsOf} from './described-paths.ts';

function choose(list: readonly Description[], copies = 0): number[] {
	const chosen: Path[] = [];
	chooseRedundant(pathsOf(list), copies, chosen);
	return chosen.map(({id}) => id).sort((a, b) => a - b);
}

test('takes all paths by default', (t) => {
	t.deepEqual(choose([{}, {}, {}]), [0, 1, 2]);
});

test('leaves out what is down or has no address', (t) => {
	t.deepEqual(choose([{state: 'down'}, {}, {closed: true}]), [1]);
});

test('takes nothing when nothing can be used', (t) => {
	t.deepEqual(choose([{state: 'down'}, {closed: true}]), []);
});

test('takes the fastest when fewer copies are wanted', (t) => {
	t.deepEqual(choose([{rtt: 90}, {rtt: 20}, {rtt: 50}], 2), [1, 2]);
});

test('suspect and new paths come on top of too few that are up', (t) => {
	t.deepEqual(choose([{state: 'suspect'}, {}, {state: 'new'}], 2), [0, 1, 2]);
});

test('a suspect path is not needed beside enough that are up', (t) => {
	t.deepEqual(choose([{state: 'suspect', rtt: 1}, {}, {}], 2), [1, 2]);
});

test('a suspect path keeps its copies when all paths are wanted', (t) => {
	t.deepEqual(choose([{state: 'suspect'}, {}, {}]), [0, 1, 2]);
});

test('a backup rests while enough others are up', (t) => {
	t.deepEqual(choose([{}, {}, {backup: true}]), [0, 1]);
	t.deepEqual(choose([{}, {}, {backup: true}], 2), [0, 1]);
});

test('a backup fills up for one that is down, suspect or closed', (t) => {
	for (const bad of [{state: 'down'}, {closed: true}] as const) {
		t.deepEqual(choose([bad, {}, {backup: true}]), [1, 2]);
	}
	t.deepEqual(choose([{state: 'suspect'}, {}, {backup: true}]), [0, 1, 2]);
});

test('only as many backups as are missing, the fastest first', (t) => {
	const backup = true;
	t.deepEqual(choose([{}, {backup, rtt: 90}, {backup, rtt: 20}, {backup, rtt: 50}], 2), [0, 2]);
});

test('backups alone carry one copy by default', (t) => {
	t.deepEqual(
		choose([
			{backup: true, rtt: 9},
			{backup: true, rtt: 5},
		]),
		[1],
	);
});

test('takes what delivers more, the fastest of these', (t) => {
	t.deepEqual(choose([{rtt: 5, grade: 2}, {rtt: 90}, {rtt: 50}], 1), [2]);
	t.deepEqual(choose([{rtt: 5, grade: 2}, {rtt: 90}, {rtt: 50, grade: 1}], 2), [1, 2]);
});

test('a path that loses most of the data is not counted, and used when there is no other', (t) => {
	const grey = {rtt: 5, grade: WORST_GRADE};
	t.deepEqual(choose([grey, {}], 1), [1]);
	t.deepEqual(choose([grey, {}], 2), [0, 1]);
	t.deepEqual(choose([grey, {state: 'down'}], 1), [0]);
	t.deepEqual(choose([grey, {state: 'suspect'}], 1), [0, 1]);
	t.deepEqual(choose([grey, {backup: true}], 1), [0, 1]);
	t.deepEqual(choose([grey, {}, {backup: true}]), [0, 1, 2]);
});

test('samples go to what was left out because data was lost there', (t) => {
	const samples = (list: readonly Description[], copies: number) => {
		const [chosen, sampled]: Path[][] = [[], []];
		const paths = pathsOf(list);
		chooseRedundant(paths, copies, chosen!);
		chooseSamples(paths, chosen!, sampled!);
		return sampled!.map(({id}) => id);
	};
	t.deepEqual(samples([{grade: 1}, {}, {grade: 4}, {rtt: 90}], 1), [0, 2]);
	t.deepEqual(samples([{grade: 1}, {grade: 2}], 0), []);
	t.deepEqual(samples([{}, {grade: 4, state: 'down'}, {grade: 4, closed: true}], 1), []);
	t.deepEqual(samples([{}, {grade: 4, backup: true}], 1), []);
});

const description: fc.Arbitrary<Description> = fc.record({
	state: fc.constantFrom<PathState>('new', 'up', 'suspect', 'down'),
	backup: fc.boolean(),
	closed: fc.boolean(),
	rtt: fc.integer({min: 1, max: 500}),
	grade: fc.nat(WORST_GRADE),
});

test('obeys its rules for any set of paths', (t) => {
	fc.assert(
		fc.property(fc.array(description, {maxLength: 16}), fc.nat(16), (list, copies) => {
			const paths = pathsOf(list);
			const chosen: Path[] = [];
			chooseRedundant(paths, copies, chosen);
			t.is(new Set(chosen).size, chosen.length);
			t.true(chosen.every(({open, state}) => open && state !== 'down'));
			const usable = paths.filter(({open, state}) => open && state !== 'down');
			t.is(chosen.length === 0, usable.length === 0);
			const regular = paths.filter(({settings}) => !settings.backup);
			const wanted = copies > 0 ? copies : Math.max(1, regular.length);
			const up = (path: Path) => path.state === 'up' && path.grade < WORST_GRADE;
			const regularUp = usable.filter((path) => up(path) && !path.settings.backup).length;
			const chosenUp = chosen.filter(up).length;
			t.true(chosenUp <= wanted);
			t.is(Math.min(regularUp, wanted), chosen.filter((p) => up(p) && !p.settings.backup).length);
			if (regularUp >= wanted) t.false(chosen.some(({settings}) => settings.backup));
			else t.true(usable.every((path) => path.settings.backup || chosen.includes(path)));
		}),
		{seed: 34, numRuns: 500},
	);
});

function dispatchOver(list: readonly Description[], copies = 0) {
	const dispatch = new RedundantDispatch();
	dispatch.copies = copies;
	const paths = pathsOf(list);
	dispatch.pathsChanged(paths);
	const out = new Route();
	const ids = () => out.paths.slice(0, out.count).map(({id}) => id);
	return {
		dispatch,
		paths,
		route(bytes = 1000, now = 0): number[] {
			dispatch.route(bytes, now, out);
			return ids();
		},
		sampled(now: number): number[] {
			out.clear();
			dispatch.sample(1000, now, out);
			return ids();
		},
	};
}

test('a packet goes out on all paths that take one of its size, the best first', (t) => {
	const {route, dispatch, paths} = dispatchOver([{size: 1400}, {rtt: 20, size: 1300}, {rtt: 70}]);
	t.deepEqual(route(1200), [1, 0, 2]);
	t.deepEqual(route(1201), [1, 0]);
	t.deepEqual(route(1301), [0]);
	t.deepEqual(route(1401), []);
	t.deepEqual(
		dispatch.paths.map(({id}) => id),
		[1, 0, 2],
	);
	paths[0]!.addresses.remove(paths[0]!.addresses.list[0]!);
	t.deepEqual(route(1201), [1], 'a path without address takes none, before any new choice');
});

test('packets fit the smallest of the paths whose size counts, and one path at least', (t) => {
	const {dispatch, paths} = dispatchOver([{size: 1472}, {size: 1392}]);
	t.is(dispatch.packetSize, 1392);
	paths[1]!.sizeWorth.counts = false;
	dispatch.pathsChanged(paths);
	t.is(dispatch.packetSize, 1472);
	paths[0]!.sizeWorth.counts = false;
	dispatch.pathsChanged(paths);
	t.is(dispatch.packetSize, 1472);
	for (const path of paths) path.judge.state = 'down';
	dispatch.pathsChanged(paths);
	t.is(dispatch.packetSize, 1200);
});

test('a path whose allowance is used up gets no copy while another path takes one', (t) => {
	const {route, paths} = dispatchOver([{rate: 8, rtt: 10}, {}]);
	let both = 0;
	while (route().length === 2) both++;
	t.true(both > 0 && both < 100);
	t.deepEqual(route(), [1]);
	t.is(paths[0]!.load.saturation.dropped, 2);
});

test('where every path refuses its copy the best one takes it, unless its user set the limit', (t) => {
	const {route, paths} = dispatchOver([{rate: 8, rtt: 10}, {rtt: 20}, {}]);
	const refusing = [1, 2].map((id) => paths[id]!.load.saturation);
	for (const saturation of refusing) saturation.allow = () => false;
	while (route()[0] === 0);
	t.deepEqual(route(), [1]);
	refusing[0]!.allow = () => true;
	t.deepEqual(route(), [1]);
	paths[1]!.judge.state = 'down';
	paths[2]!.judge.state = 'down';
	const alone = dispatchOver([{rate: 8}]);
	while (alone.route().length > 0);
	t.deepEqual(alone.route(), []);
});

test('a path left out for its losses gets a copy now and then', (t) => {
	const {sampled} = dispatchOver([{}, {grade: 1}], 1);
	t.deepEqual(sampled(0), [1]);
	t.deepEqual(sampled(10), []);
	t.deepEqual(sampled(500), [1]);
});

test('of sizes that are judged anew the dispatch says whether one changed', (t) => {
	const {dispatch, paths} = dispatchOver([
		{size: 1472, rtt: 10},
		{size: 1392, rtt: 600},
	]);
	t.true(dispatch.weighSizes(0));
	t.false(paths[1]!.sizeWorth.counts);
	t.false(dispatch.weighSizes(1));
});
