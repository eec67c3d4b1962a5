import test from 'ava';
import fc from 'fast-check';
import {SentTimes} from '../../../src/core/packets/sent-times.ts';

test('knows no number before the first packet', (t) => {
	t.is(new SentTimes().numberAt(1000), 0);
});

test('everything sent since a time has the number it names, or a later one', (t) => {
	const packets = fc.array(fc.tuple(fc.nat(300), fc.nat(50)), {maxLength: 200});
	fc.assert(
		fc.property(packets, fc.nat(7000), (steps, back) => {
			const times = new SentTimes();
			const sent: {number: number; at: number}[] = [];
			let now = 0;
			for (const [pause, count] of steps) {
				now += pause;
				for (let i = 0; i < count; i++) sent.push({number: sent.length, at: now});
				times.note(sent.length, now);
			}
			const since = now - back;
			const first = sent.find(({at}) => at > since)?.number ?? sent.length;
			t.true(times.numberAt(since) <= first);
		}),
		{seed: 25, numRuns: 300},
	);
});

test('is at most a tenth of a second behind for the last 6 s', (t) => {
	const times = new SentTimes();
	for (let now = 0; now < 20_000; now += 10) times.note(now / 10 + 1, now);
	for (let back = 0; back <= 6000; back += 500) {
		const behind = (19_990 - back) / 10 + 1 - times.numberAt(19_990 - back);
		t.true(behind >= 0 && behind <= 10, `${back}: ${behind}`);
	}
});
