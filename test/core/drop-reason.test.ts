import test from 'ava';
import {DROP_REASONS, DropCounters} from '../../src/core/drop-reason.ts';

test('counts each reason apart and hands it back', (t) => {
	const drops = new DropCounters();
	for (const [index, reason] of DROP_REASONS.entries()) {
		for (let i = 0; i <= index; i++) t.is(drops.count(reason), reason);
	}
	for (const [index, reason] of DROP_REASONS.entries()) t.is(drops.get(reason), index + 1);
	t.is(Object.keys(drops.entries()).length, DROP_REASONS.length);
});

test('tells only of reasons that occurred', (t) => {
	const drops = new DropCounters();
	t.is(drops.get('short'), 0);
	drops.count('short');
	t.deepEqual(drops.entries(), {short: 1});
});
