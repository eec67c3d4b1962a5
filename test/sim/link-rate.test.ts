import test from 'ava';
import {Link} from '../../src/sim/link.ts';
import type {LinkConfig} from '../../src/sim/link-config.ts';
import {Prng} from '../../src/sim/prng.ts';
import {drain, sendEvenly} from './link-run.ts';

function create(config: Partial<LinkConfig>): Link<number> {
	return new Link<number>(config, new Prng(1));
}

/** Payload whose packet is 1,000 bytes with its headers: 1 ms at 8 Mbit/s. */
const LENGTH = 972;

test('serialises one after the other, then delays', (t) => {
	const link = create({rate: 8e6, delay: 40});
	for (let index = 0; index < 5; index++) link.send(index, LENGTH, 10);
	t.deepEqual(
		drain(link, 1000).map(({item, at}) => [item, at]),
		[
			[0, 51],
			[1, 52],
			[2, 53],
			[3, 54],
			[4, 55],
		],
	);
});

test('is idle in the gaps', (t) => {
	const link = create({rate: 8e6});
	link.send(0, LENGTH, 0);
	link.send(1, LENGTH, 0.5);
	link.send(2, LENGTH, 7);
	t.deepEqual(
		drain(link, 100).map(({at}) => at),
		[1, 2, 8],
	);
});

test('carries exactly its rate when offered more', (t) => {
	const link = create({rate: 8e6, queue: {millis: 50}});
	// Two datagrams per millisecond into a link of one per millisecond, for 10 s.
	const deliveries = sendEvenly(link, {count: 20_000, length: LENGTH, interval: 0.5});
	const times = deliveries.map(({at}) => at);
	t.true(times.every((at, index) => Math.abs(at - (index + 1)) < 1e-6));
	t.is(deliveries.length, link.counts.delivered);
	// What the bottleneck served in 10 s, and what waited then.
	t.is(deliveries.length, 10_000 + 50);
	t.is(link.counts.dropped, 20_000 - 10_050);
});

test('the queue holds only what waits, to the byte', (t) => {
	const link = create({rate: 8e6, queue: {bytes: 3000}});
	// One is being served, three wait, the rest is too much.
	t.deepEqual(
		[0, 1, 2, 3, 4, 5].map((index) => link.send(index, LENGTH, 0)),
		[1, 1, 1, 1, 0, 0],
	);
	t.is(link.waitingBytes, 3000);
	t.is(link.poll(1)?.item, 0);
	t.is(link.waitingBytes, 2000);
	t.is(link.send(6, LENGTH + 1, 1), 0);
	t.is(link.send(7, LENGTH, 1), 1);
	t.is(link.counts.dropped, 3);
});

test('a queue in milliseconds follows the rate', (t) => {
	const link = create({rate: 8e6, queue: {millis: 5}});
	const admitted = (now: number) => {
		let count = 0;
		while (link.send(0, LENGTH, now) === 1) count++;
		return count;
	};
	t.is(admitted(0), 1 + 5);
	drain(link, 100);
	link.configure({rate: 80e6}, 100);
	t.is(admitted(100), 1 + 50);
});

test('the queueing delay is the waiting bytes over the rate', (t) => {
	const link = create({rate: 8e6, delay: 20, queue: {millis: 100}});
	link.send(0, LENGTH, 0);
	for (let index = 1; index <= 80; index++) {
		const waiting = link.waitingBytes;
		link.send(index, LENGTH, 0);
		t.is(waiting, (index - 1) * 1000);
	}
	for (const {item, at} of drain(link, 1000)) {
		// One being served, item - 1 waiting, then its own millisecond and the delay.
		t.is(at, item + 1 + 20);
	}
});

test('with no queue at all a datagram passes only an idle bottleneck', (t) => {
	const link = create({rate: 8e6, queue: {bytes: 0}});
	t.is(link.send(0, LENGTH, 0), 1);
	t.is(link.send(1, LENGTH, 0.9), 0);
	t.is(link.send(2, LENGTH, 1), 1);
});

for (const share of [0.1, 0.01]) {
	test(`a satellite link with a queue of ${share} of its BDP still carries its 15 Mbit/s`, (t) => {
		const rate = 15e6;
		const link = create({rate, delay: 600, queue: {millis: 600 * share}});
		const interval = (1228 * 8000) / rate;
		const count = Math.floor(20_000 / interval);
		const deliveries = sendEvenly(link, {count, length: 1200, interval});
		t.is(deliveries.length, count);
		t.is(link.counts.dropped, 0);
		const last = deliveries.at(-1)?.at ?? 0;
		const first = deliveries[0]?.at ?? 0;
		const carried = ((count - 1) * 1228 * 8000) / (last - first);
		t.true(Math.abs(carried / rate - 1) < 1e-6, `${carried}`);
	});
}

test('a lost datagram has used its share of the bottleneck', (t) => {
	const link = create({rate: 8e6, loss: {kind: 'trace', lost: [false, true, false]}});
	for (let index = 0; index < 3; index++) link.send(index, LENGTH, 0);
	t.deepEqual(
		drain(link, 100).map(({at}) => at),
		[1, 3],
	);
});

test('what waits is served at the new rate and gets the new delay', (t) => {
	const link = create({rate: 8e6, delay: 0});
	for (let index = 0; index < 4; index++) link.send(index, LENGTH, 0);
	link.configure({rate: 4e6, delay: 100}, 1.5);
	t.deepEqual(
		drain(link, 1000).map(({at}) => at),
		// The second one was half served: it ends as it began, with the new delay.
		[1, 102, 104, 106],
	);
});

test('taking the bottleneck away lets everything go', (t) => {
	const link = create({rate: 8e3, queue: {bytes: 10_000}});
	for (let index = 0; index < 4; index++) link.send(index, LENGTH, 0);
	link.configure({rate: Number.POSITIVE_INFINITY}, 1);
	t.is(link.send(4, LENGTH, 1), 1);
	t.deepEqual(
		drain(link, 5000).map(({item, at}) => [item, at]),
		[0, 1, 2, 3, 4].map((item) => [item, 1000]),
	);
});

test('a policer passes a burst, then its rate, and delays nothing', (t) => {
	const link = create({policer: {rate: 8e6, burst: 10_000}});
	const deliveries = sendEvenly(link, {count: 20_000, length: LENGTH, interval: 0.5});
	t.true(deliveries.every(({item, at}) => at === item / 2));
	t.deepEqual(
		deliveries.slice(0, 19).map(({item}) => item),
		[...Array(19).keys()],
	);
	// 10 full seconds of tokens and the bucket, less what had not refilled at the last datagram.
	t.is(deliveries.length, 10_000 + 9);
	t.is(link.counts.dropped, 20_000 - 10_009);
});

test('a policer drops what is larger than its bucket', (t) => {
	const link = create({policer: {rate: 8e6, burst: 999}});
	t.is(link.send(0, LENGTH, 0), 0);
	t.is(link.send(0, LENGTH - 1, 0), 1);
});

test('a policer starts with a full bucket, each time it is put in', (t) => {
	const link = create({});
	link.configure({policer: {rate: 8e6, burst: 1000}}, 5);
	t.deepEqual([link.send(0, LENGTH, 5), link.send(0, LENGTH, 5)], [1, 0]);
	link.configure({policer: undefined}, 5);
	t.is(link.send(0, LENGTH, 5), 1);
	link.configure({policer: {rate: 8e6, burst: 1000}}, 5);
	t.deepEqual([link.send(0, LENGTH, 5), link.send(0, LENGTH, 5)], [1, 0]);
});
