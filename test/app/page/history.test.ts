import test from 'ava';
import {COLUMNS, History, type PastRing} from '../../../src/app/page/history.ts';
import type {PathStatus} from '../../../src/core/events.ts';
import {plainPath, snapshotOf} from './page-snapshot.ts';

function timesOf({times}: PastRing): readonly number[] {
	return [...new Float64Array(Uint8Array.from(Buffer.from(times, 'base64')).buffer)];
}

/** A column of a series, from the oldest row to the newest. */
function columnOf(
	{series}: PastRing,
	number: number,
	name: (typeof COLUMNS)[number],
): readonly number[] {
	const one = series.find((each) => each.series === number);
	const bytes = Uint8Array.from(Buffer.from(one?.values ?? '', 'base64'));
	const column = COLUMNS.indexOf(name);
	return [...new Float32Array(bytes.buffer)].filter((_, at) => at % COLUMNS.length === column);
}

function client(path: Partial<PathStatus>, session = 1) {
	return snapshotOf('mpclient', [{session, paths: [plainPath(path)]}]);
}

test('10 minutes are kept each second and an hour each 5 seconds, and no more', (t) => {
	const history = new History();
	for (let second = 1; second <= 4000; second++) {
		history.sample(client({rtt: second}), second * 1000);
	}
	const {fine, coarse} = history.past();
	t.is(timesOf(fine).length, 600);
	t.deepEqual(timesOf(fine).slice(0, 2), [3_401_000, 3_402_000]);
	t.is(timesOf(fine).at(-1), 4_000_000);
	t.deepEqual(columnOf(fine, 0, 'rtt').slice(-2), [3999, 4000]);
	t.is(columnOf(fine, 0, 'rtt')[0], 3401);
	t.is(timesOf(coarse).length, 720);
	t.is(timesOf(coarse)[0], 405_000);
	t.is(columnOf(coarse, 0, 'rtt').at(-1), 3998);
});

test('a coarse row has the mean of what was measured, and the worst state', (t) => {
	const history = new History();
	const paths: readonly Partial<PathStatus>[] = [
		{rtt: 10, state: 'up'},
		{rtt: undefined, state: 'down'},
		{rtt: 20, state: 'suspect'},
		{rtt: undefined, state: 'up'},
	];
	const samples = [...paths, {state: 'up'} as const].map((path, at) =>
		history.sample(client(path), 1000 * (at + 1)),
	);
	t.deepEqual(
		samples.map(({coarse}) => coarse === undefined),
		[true, true, true, true, false],
	);
	const {coarse, fine} = samples[4]!;
	t.deepEqual(coarse?.values[0]?.slice(0, 4), [0, 3, 15, null]);
	t.deepEqual(fine.values[0]?.slice(0, 4), [0, 0, null, null]);
});

test('rates are differences over the real time, and none where counts begin anew', (t) => {
	const history = new History();
	const sent = (packets: number): Partial<PathStatus> => {
		const {sending} = plainPath();
		return {sending: {...sending, packets, bytes: packets * 100}};
	};
	const rates = [
		history.sample(client(sent(100)), 0),
		history.sample(client(sent(500)), 2000),
		history.sample(client(sent(7), 2), 3000),
		history.sample(client(sent(8), 2), 4000),
	].map(({fine}) => fine.values[0]?.[1 + COLUMNS.indexOf('rateOut')]);
	t.deepEqual(rates, [null, 160_000, null, 800]);
});

test('a path of a client goes on in its next session, one of a server is another', (t) => {
	const history = new History();
	const server = (session: number) => snapshotOf('mpserver', [{session, paths: [plainPath()]}]);
	t.is(history.sample(client({}, 1), 0).series[0]?.series, 0);
	t.deepEqual(history.sample(client({}, 2), 1000).series, [{series: 0, session: 2, id: 0}]);
	const other = new History();
	t.is(other.sample(server(1), 0).series[0]?.series, 0);
	t.is(other.sample(server(2), 1000).series[0]?.series, 1);
	t.deepEqual(columnOf(other.past().fine, 0, 'mtu'), [1472, Number.NaN]);
	t.deepEqual(columnOf(other.past().fine, 1, 'mtu'), [Number.NaN, 1472]);
});

test('however many paths come and go, 32 are kept: those of now before those of once', (t) => {
	const history = new History();
	const crowd = (first: number, count: number) =>
		snapshotOf(
			'mpserver',
			Array.from({length: count}, (_, at) => ({session: first + at, paths: [plainPath()]})),
		);
	t.is(history.sample(crowd(0, 100), 0).series.length, 32);
	t.is(history.past().fine.series.length, 32);
	const next = history.sample(crowd(100, 20), 1000);
	t.is(next.series.length, 20);
	t.is(history.past().fine.series.length, 32);
	for (let second = 2; second < 50; second++) {
		t.is(history.sample(crowd(1000 * second, 100), second * 1000).series.length, 32);
	}
	t.is(history.past().fine.series.length, 32);
});
