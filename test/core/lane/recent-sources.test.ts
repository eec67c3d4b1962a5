import test from 'ava';
import {RecentSources} from '../../../src/core/lane/coded/recent-sources.ts';

test('a copy counts once for each path, and not for the one that brought the first', (t) => {
	const recent = new RecentSources();
	recent.add(2 ** 40 + 5, 77, 0);
	t.is(recent.copy(2 ** 40 + 5, 0), -1);
	t.is(recent.copy(2 ** 40 + 5, 15), 77);
	t.is(recent.copy(2 ** 40 + 5, 15), -1);
	t.is(recent.copy(2 ** 40 + 5, 1), 77);
});

test('packets that are no sources, and those that are too old, count for nothing', (t) => {
	const recent = new RecentSources();
	t.is(recent.copy(0, 1), -1);
	recent.add(5, 1, 0);
	recent.add(5 + 1024, 2, 0);
	t.is(recent.copy(5, 1), -1);
	t.is(recent.copy(6, 1), -1);
	t.is(recent.copy(5 + 1024, 1), 2);
});
