import test from 'ava';
import {Saturation} from '../../../src/core/load/saturation.ts';
import {Prng} from '../../../src/sim/prng.ts';

const BYTES = 1028;
const RTT = 40;

interface Link {
	/** Packets a second that the application sends. */
	readonly offered: number;
	/** Bytes a millisecond that the path carries; Infinity = all. */
	rate: number;
	readonly loss: number;
	readonly until: number;
	readonly seed?: string;
}

interface Outcome {
	readonly sent: number;
	readonly dropped: number;
	readonly delivered: number;
	/** The longest queue in ms in each started second. */
	readonly queues: number[];
}

/** Drives a path with a probe every 100 ms, and reports over another path every 25 ms. */
function run(saturation: Saturation, link: Link, from = 0): Outcome {
	const random = new Prng(link.seed ?? 'link');
	const probes: {readonly at: number; readonly sentAt: number; readonly queue: number}[] = [];
	const arrivals: number[] = [];
	const sentBy: {readonly at: number; readonly sent: number}[] = [];
	const queues: number[] = [];
	let [busyUntil, sent, dropped, delivered] = [from, 0, 0, 0];
	let [lastArrived, lastProbe] = [0, from];
	const pause = 1000 / link.offered;
	let nextSend = from;
	for (let now = from; now < link.until; now++) {
		for (; nextSend <= now; nextSend += pause) {
			if (!saturation.allow(BYTES, now)) {
				dropped++;
				continue;
			}
			sent++;
			busyUntil = Math.max(busyUntil, now) + BYTES / link.rate;
			if (random.uniform() >= link.loss) arrivals.push(busyUntil + RTT / 2);
		}
		sentBy.push({at: now, sent});
		const queue = Math.max(0, busyUntil - now);
		const second = Math.floor((now - from) / 1000);
		queues[second] = Math.max(queues[second] ?? 0, queue);
		while (arrivals.length > 0 && arrivals[0]! <= now - RTT / 2) {
			arrivals.shift();
			delivered++;
		}
		if (now % 25 === 0) {
			const then = sentBy.find(({at}) => at >= now - RTT)?.sent ?? 0;
			while (sentBy.length > 0 && sentBy[0]!.at < now - 2 * RTT) sentBy.shift();
			const report = {sent: then, arrived: delivered, bytes: BYTES, loss: link.loss, blur: 10};
			saturation.reported(report, now);
		}
		if (now % 100 === 0 && random.uniform() >= link.loss) {
			probes.push({at: now + RTT + queue, sentAt: now, queue});
		}
		if (probes.length > 0 && probes[0]!.at <= now) {
			const {sentAt, queue: measured} = probes.shift()!;
			saturation.delivered(delivered - lastArrived, now - lastProbe, BYTES, now);
			[lastArrived, lastProbe] = [delivered, now];
			saturation.queueing({queue: measured, others: 0, sentAt, patience: 80}, now);
		}
	}
	return {sent, dropped, delivered, queues};
}

test('limits nothing at first', (t) => {
	const saturation = new Saturation();
	for (let i = 0; i < 10_000; i++) t.true(saturation.allow(1500, 0));
	t.false(saturation.saturated);
});

for (const loss of [0, 0.1, 0.2, 0.3, 0.4]) {
	for (const offered of [50, 500, 5000]) {
		test(`${loss * 100} % random loss at ${offered} packets/s never limits`, (t) => {
			const saturation = new Saturation();
			const until = offered === 5000 ? 60_000 : 300_000;
			const {dropped} = run(saturation, {offered, rate: 1e9, loss, until});
			t.is(dropped, 0);
			t.false(saturation.saturated);
		});
	}
}

for (const loss of [0, 0.1, 0.3]) {
	test(`a path too slow for its traffic keeps no standing queue, at ${loss * 100} % loss`, (t) => {
		const saturation = new Saturation();
		// 2 Mbit/s of path under 8 Mbit/s of traffic.
		const link = {offered: 1000, rate: 250, loss, until: 60_000};
		const {dropped, queues, delivered} = run(saturation, link);
		t.true(dropped > 0.5 * 60_000);
		t.true(saturation.saturated);
		for (const queue of queues.slice(5)) t.true(queue < 200, `${queues.map(Math.round)}`);
		// And the path is not left idle for that.
		const carried = ((delivered / (1 - loss)) * BYTES) / (250 * 60_000);
		t.true(carried > 0.5, `${carried}`);
	});
}

test('a path that has room again is no longer limited', (t) => {
	const saturation = new Saturation();
	run(saturation, {offered: 1000, rate: 250, loss: 0, until: 20_000});
	t.true(saturation.saturated);
	const {dropped} = run(saturation, {offered: 1000, rate: 1e9, loss: 0, until: 60_000}, 20_000);
	t.true(dropped < 0.5 * 40_000, `${dropped}`);
	t.false(saturation.saturated);
});

test('a queue that all paths share, as a busy machine makes it, is no reason below 400 ms', (t) => {
	const saturation = new Saturation();
	for (let now = 0; now < 10_000; now += 100) {
		saturation.delivered(100, 100, BYTES, now);
		saturation.queueing({queue: 350, others: 300, sentAt: now, patience: 80}, now);
	}
	t.false(saturation.saturated);
	saturation.queueing({queue: 450, others: 400, sentAt: 10_000, patience: 80}, 10_100);
	t.true(saturation.saturated);
});

for (const kilobits of [500, 2000, 20_000]) {
	test(`a rate of ${kilobits} kbit/s is kept over any second`, (t) => {
		const saturation = new Saturation();
		saturation.configure(kilobits);
		const bytesPerMs = kilobits / 8;
		const perSecond: number[] = [];
		for (let now = 0; now < 10_000; now++) {
			for (let i = 0; i < 5; i++) {
				const second = Math.floor(now / 1000);
				if (saturation.allow(BYTES, now)) perSecond[second] = (perSecond[second] ?? 0) + BYTES;
			}
		}
		const offered = 5 * BYTES * 1000;
		for (const bytes of perSecond.slice(1)) {
			const limit = Math.min(offered, 1000 * bytesPerMs);
			t.true(bytes <= limit + Math.max(6000, 20 * bytesPerMs), `${bytes}`);
			t.true(bytes >= 0.98 * limit - BYTES, `${bytes}`);
		}
	});
}

test('a configured rate is no sign of saturation, and 0 takes it away', (t) => {
	const saturation = new Saturation();
	saturation.configure(8);
	while (saturation.allow(1000, 0));
	t.false(saturation.saturated);
	t.is(saturation.dropped, 1);
	saturation.configure(0);
	t.true(saturation.allow(1_000_000, 0));
});

test('probes take their part of the rate', (t) => {
	const saturation = new Saturation();
	saturation.configure(8);
	saturation.charge(6000);
	t.false(saturation.allow(100, 0));
	t.true(saturation.allow(100, 100));
});
