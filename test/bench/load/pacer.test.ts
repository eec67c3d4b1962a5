import test from 'ava';
import {Pacer} from './pacer.ts';

test('sends at the rate', (t) => {
	const pacer = new Pacer(50_000, 1000);
	let sent = 0;
	for (let now = 1000; now <= 2000; now += 0.25) sent += pacer.due(now);
	t.is(sent, 50_000);
	t.is(pacer.skipped, 0);
});

test('makes up for a short delay, and leaves out what a long one missed', (t) => {
	const pacer = new Pacer(10_000, 0);
	t.is(pacer.due(1.5), 15);
	t.is(pacer.due(101.5), 20);
	t.is(pacer.skipped, 980);
	t.is(pacer.due(102), 5);
	t.is(pacer.sent, 40);
});

test('says when the next one is due', (t) => {
	const pacer = new Pacer(100, 0);
	t.is(pacer.nextAt, 10);
	t.is(pacer.due(9.9), 0);
	t.is(pacer.due(10), 1);
	t.is(pacer.nextAt, 20);
});
