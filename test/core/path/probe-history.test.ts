import test from 'ava';
import fc from 'fast-check';
import {ProbeHistory, type SentProbe} from '../../../src/core/path/probe-history.ts';

function probeOf(time: number, packets = time, bytes = 100 * packets): SentProbe {
	const sent = {packets, bytes, data: 0, padded: 0, larger: new Float64Array(0)};
	return {...sent, time, at: time / 1000, size: 100, echoed: false};
}

test('a time stamp is the time, unless it was used before', (t) => {
	const history = new ProbeHistory();
	t.is(history.stamp(500), 500);
	t.is(history.stamp(500), 501);
	t.is(history.stamp(501), 502);
	t.is(history.stamp(900), 900);
});

test('time stamps wrap with the clock', (t) => {
	const history = new ProbeHistory();
	t.is(history.stamp(0xffff_ffff), 0xffff_ffff);
	t.is(history.stamp(0xffff_ffff), 0);
	t.is(history.stamp(0), 1);
	t.is(history.stamp(70), 70);
});

test('no two of the newest 64 time stamps are equal', (t) => {
	fc.assert(
		fc.property(fc.array(fc.nat(3)), fc.nat(0xffff_ffff), (pauses, start) => {
			const history = new ProbeHistory();
			const stamps: number[] = [];
			let time = start;
			for (const pause of pauses) {
				time += pause;
				stamps.push(history.stamp(time >>> 0));
			}
			t.is(new Set(stamps).size, stamps.length);
		}),
		{seed: 50},
	);
});

for (const minutes of [1, 35, 36, 60, 71, 72, 120]) {
	test(`a time stamp after ${minutes} minutes of silence is the time`, (t) => {
		const history = new ProbeHistory();
		history.stamp(5_000_000);
		const later = (5_000_000 + minutes * 60_000_000) >>> 0;
		t.is(history.stamp(later), later);
	});
}

test('an echo finds its probe once', (t) => {
	const history = new ProbeHistory();
	const entry = probeOf(7);
	history.add(entry);
	t.is(history.echo(8), undefined);
	t.is(history.echo(7), entry);
	t.is(history.echo(7), undefined);
});

test('remembers the newest 64 probes', (t) => {
	const history = new ProbeHistory();
	for (let time = 0; time < 65; time++) history.add(probeOf(time));
	t.is(history.echo(0), undefined);
	for (let time = 1; time < 65; time++) t.not(history.echo(time), undefined);
});

test('measures from the echoed probe before, never backwards', (t) => {
	const history = new ProbeHistory();
	t.is(history.previous(probeOf(10), 9, 100), undefined);
	const previous = history.previous(probeOf(20), 18, 200);
	t.deepEqual(previous, {sent: probeOf(10), arrived: 9, arrival: 100});
	t.is(history.previous(probeOf(15), 14, 150), undefined);
	t.is(history.previous(probeOf(30), 27, 300)?.sent.packets, 20);
});
