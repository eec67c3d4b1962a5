import test from 'ava';
import {NEVER} from '../../src/bytes/time.ts';
import {Link} from '../../src/sim/link.ts';
import type {LinkConfig} from '../../src/sim/link-config.ts';
import {Prng} from '../../src/sim/prng.ts';
import {drain, sendEvenly, underWay} from './link-run.ts';

function create(config: Partial<LinkConfig> = {}, seed: number | string = 1): Link<number> {
	return new Link<number>(config, new Prng(seed));
}

function items(deliveries: readonly {item: number}[]): number[] {
	return deliveries.map((delivery) => delivery.item);
}

function numbers(count: number): number[] {
	return Array.from({length: count}, (_, index) => index);
}

function isSorted(values: readonly number[]): boolean {
	return values.every((value, index) => index === 0 || value >= (values[index - 1] ?? 0));
}

/** Whether `hits` of `count` lies in the 99.9 % interval of probability `share`. */
function isBinomial(hits: number, count: number, share: number): boolean {
	return Math.abs(hits - count * share) <= 3.29 * Math.sqrt(count * share * (1 - share));
}

test('a perfect link delivers at once, in order and intact', (t) => {
	const link = create();
	t.is(link.nextTimeout(), NEVER);
	t.is(link.poll(0), undefined);
	t.is(link.send(1, 0, 5), 1);
	t.is(link.send(2, 65_507, 5), 1);
	t.is(link.nextTimeout(), 5);
	const deliveries = drain(link, 5);
	t.deepEqual(items(deliveries), [1, 2]);
	t.true(deliveries.every(({at, flipBit}) => at === 5 && flipBit === -1));
	t.is(link.nextTimeout(), NEVER);
	t.is(underWay(link), 0);
});

test('the delay is exact', (t) => {
	const link = create({delay: 40.25});
	link.send(1, 100, 10);
	t.is(link.nextTimeout(), 50.25);
	t.is(link.poll(50.2), undefined);
	t.is(underWay(link), 1);
	t.is(link.poll(50.25)?.item, 1);
});

test('a late poll delivers everything due, in order, each with its own time', (t) => {
	const link = create({delay: 10});
	for (const index of numbers(5)) link.send(index, 100, index);
	const times = numbers(5).map(() => link.poll(13)?.at);
	t.deepEqual(times, [10, 11, 12, 13, undefined]);
});

test('jitter spreads the delay evenly and keeps the order', (t) => {
	const link = create({delay: 40, jitter: 5});
	const deliveries = sendEvenly(link, {count: 20_000, length: 100, interval: 20});
	t.deepEqual(items(deliveries), numbers(20_000));
	const delays = deliveries.map(({item, at}) => at - item * 20);
	t.true(Math.min(...delays) >= 35 && Math.min(...delays) < 35.1);
	t.true(Math.max(...delays) <= 45 && Math.max(...delays) > 44.9);
	const mean = delays.reduce((sum, delay) => sum + delay, 0) / delays.length;
	t.true(Math.abs(mean - 40) < (4 * 10) / Math.sqrt(12 * 20_000), `${mean}`);
});

test('jitter keeps the order when datagrams follow each other closely', (t) => {
	const deliveries = sendEvenly(create({delay: 40, jitter: 30}), {
		count: 5000,
		length: 100,
		interval: 0.5,
	});
	t.deepEqual(items(deliveries), numbers(5000));
	t.true(isSorted(deliveries.map(({at}) => at)));
});

test('jitter reorders when told so, and then every datagram has its own delay', (t) => {
	const link = create({delay: 40, jitter: 30, jitterReorders: true});
	const deliveries = sendEvenly(link, {count: 5000, length: 100, interval: 0.5});
	t.true(isSorted(deliveries.map(({at}) => at)));
	t.false(isSorted(items(deliveries)));
	const delays = deliveries.map(({item, at}) => at - item / 2);
	t.true(delays.every((delay) => delay >= 10 && delay <= 70));
	const mean = delays.reduce((sum, delay) => sum + delay, 0) / delays.length;
	t.true(Math.abs(mean - 40) < (4 * 60) / Math.sqrt(12 * 5000), `${mean}`);
});

test('jitter above the delay never goes below zero', (t) => {
	const link = create({jitter: 10, jitterReorders: true});
	const deliveries = sendEvenly(link, {count: 1000, length: 100, interval: 1});
	t.is(deliveries.length, 1000);
	t.true(deliveries.every(({item, at}) => at >= item));
});

test('reorders its share by its time, and only that', (t) => {
	const link = create({delay: 20, reorder: 0.1, reorderBy: 5});
	const deliveries = sendEvenly(link, {count: 20_000, length: 100, interval: 1});
	const late = deliveries.filter(({item, at}) => at === item + 25);
	t.is(late.length, link.counts.reordered);
	t.true(isBinomial(late.length, 20_000, 0.1), `${late.length}`);
	const others = deliveries.filter(({item, at}) => at === item + 20);
	t.is(late.length + others.length, 20_000);
	t.true(isSorted(deliveries.map(({at}) => at)));
});

test('large datagrams are late, in order, and smaller ones overtake them', (t) => {
	const config = {delay: 20, slowLarge: {above: 200, by: 50}};
	const small = sendEvenly(create(config), {count: 100, length: 200, interval: 1});
	t.true(small.every(({item, at}) => at === item + 20));
	const large = sendEvenly(create(config), {count: 100, length: 201, interval: 1});
	t.true(large.every(({item, at}) => at === item + 70));
	t.is(large.length, 100);
});

test('duplicates its share, the copy directly behind', (t) => {
	const link = create({delay: 20, duplicate: 0.05});
	const seen = items(sendEvenly(link, {count: 20_000, length: 100, interval: 1}));
	t.true(isBinomial(seen.length - 20_000, 20_000, 0.05), `${seen.length}`);
	t.is(seen.length - 20_000, link.counts.duplicated);
	t.true(isSorted(seen));
	t.is(new Set(seen).size, 20_000);
});

test('corrupts its share, one uniform bit inside the datagram', (t) => {
	const link = create({corrupt: 0.2});
	const deliveries = sendEvenly(link, {count: 40_000, length: 3, interval: 1});
	const bits = numbers(24).map((bit) => deliveries.filter((d) => d.flipBit === bit).length);
	const corrupted = bits.reduce((sum, count) => sum + count, 0);
	t.is(corrupted, deliveries.filter(({flipBit}) => flipBit !== -1).length);
	t.is(corrupted, link.counts.corrupted);
	t.true(isBinomial(corrupted, 40_000, 0.2), `${corrupted}`);
	for (const count of bits) t.true(isBinomial(count, corrupted, 1 / 24), `${count}`);
});

test('leaves empty datagrams intact', (t) => {
	const link = create({corrupt: 1});
	const deliveries = sendEvenly(link, {count: 10, length: 0, interval: 1});
	t.true(deliveries.every(({flipBit}) => flipBit === -1));
	t.is(link.counts.corrupted, 0);
});

test('a copy of a corrupted datagram is corrupted alike', (t) => {
	const [first, second] = sendEvenly(create({corrupt: 1, duplicate: 1}), {
		count: 1,
		length: 1000,
		interval: 1,
	});
	t.true(first !== undefined && first.flipBit >= 0 && first.flipBit < 8000);
	t.is(first?.flipBit, second?.flipBit);
});

test('says at once how many deliveries will come', (t) => {
	const link = create({delay: 5, duplicate: 0.3, loss: {kind: 'random', loss: 0.3}});
	const announced = numbers(1000).map((index) => link.send(index, 100, 0));
	const seen = items(drain(link, 5));
	for (const index of numbers(1000)) {
		t.is(seen.filter((item) => item === index).length, announced[index] ?? -1);
	}
});

test('loses everything sent in an outage, and nothing that is under way', (t) => {
	const outages = [
		{from: 100, until: 200},
		{from: 900, until: Number.POSITIVE_INFINITY},
	];
	const link = create({delay: 20, outages});
	const seen = items(sendEvenly(link, {count: 1000, length: 100, interval: 1}));
	t.deepEqual(
		seen,
		numbers(900).filter((index) => index < 100 || index >= 200),
	);
	t.is(link.counts.outage, 200);
});

test('repeats itself for the same seed and differs for another', (t) => {
	const config: Partial<LinkConfig> = {
		loss: {kind: 'burst', loss: 0.2, meanBurst: 3},
		delay: 10,
		jitter: 8,
		jitterReorders: true,
		rate: 1e6,
		reorder: 0.1,
		duplicate: 0.1,
		corrupt: 0.1,
	};
	const load = {count: 2000, length: 100, interval: 1};
	const first = sendEvenly(create(config, 5), load);
	t.deepEqual(sendEvenly(create(config, 5), load), first);
	t.notDeepEqual(sendEvenly(create(config, 6), load), first);
});

for (const [name, added] of [
	['jitter', {jitter: 5}],
	['reordering', {reorder: 0.5}],
	['duplication', {duplicate: 0.5}],
	['corruption', {corrupt: 0.5}],
	['a bottleneck', {rate: 1e6}],
	['a full queue', {rate: 1e5, queue: {bytes: 1000}}],
	['an outage', {outages: [{from: 300, until: 400}]}],
] as const) {
	test(`${name} does not shift the losses`, (t) => {
		const config: Partial<LinkConfig> = {delay: 20, loss: {kind: 'random', loss: 0.3}};
		const load = {count: 2000, length: 100, interval: 1};
		const plain = new Set(items(sendEvenly(create(config), load)));
		const link = create({...config, ...added});
		const seen = new Set(items(sendEvenly(link, load)));
		t.true([...seen].every((item) => plain.has(item)));
		if (link.counts.dropped + link.counts.outage === 0) t.is(seen.size, plain.size);
	});
}

test('loss does not shift the other impairments', (t) => {
	const config: Partial<LinkConfig> = {
		delay: 20,
		jitter: 9,
		jitterReorders: true,
		reorder: 0.2,
		duplicate: 0.2,
		corrupt: 0.2,
	};
	const load = {count: 2000, length: 100, interval: 1};
	const describe = (deliveries: ReturnType<typeof sendEvenly>) =>
		deliveries.map(({item, at, flipBit}) => `${item} ${at} ${flipBit}`);
	const all = describe(sendEvenly(create(config), load));
	const lossy = create({...config, loss: {kind: 'random', loss: 0.3}});
	const some = describe(sendEvenly(lossy, load));
	t.true(some.length < all.length * 0.8);
	const known = new Set(all);
	t.true(some.every((line) => known.has(line)));
});

test('changing parameters does not replay the same losses', (t) => {
	const config: Partial<LinkConfig> = {loss: {kind: 'random', loss: 0.5}};
	const whole = create(config);
	const changed = create(config);
	const expected = numbers(400).map((index) => whole.send(index, 100, index));
	const seen = numbers(400).map((index) => {
		if (index % 100 === 50) changed.configure({delay: index}, index);
		return changed.send(index, 100, index);
	});
	t.deepEqual(seen, expected);
});

test('changing parameters keeps what is under way', (t) => {
	const link = create({delay: 50});
	link.send(1, 100, 0);
	link.configure({delay: 10, loss: {kind: 'random', loss: 1}}, 5);
	link.send(2, 100, 5);
	link.configure({loss: {kind: 'none'}}, 6);
	link.send(3, 100, 6);
	t.deepEqual(
		drain(link, 1000).map(({item, at}) => [item, at]),
		[
			[1, 50],
			// A shorter delay lets nothing overtake, unless jitterReorders.
			[3, 50],
		],
	);
	link.configure({jitterReorders: true, delay: 30}, 1000);
	link.send(4, 100, 1000);
	link.configure({delay: 10}, 1001);
	link.send(5, 100, 1001);
	t.deepEqual(items(drain(link, 2000)), [5, 4]);
});

test('refuses parameters out of bounds, and then changes nothing', (t) => {
	const wrong: Partial<LinkConfig>[] = [
		{delay: -1},
		{delay: Number.POSITIVE_INFINITY},
		{jitter: Number.NaN},
		{rate: 0},
		{queue: {millis: -1}},
		{queue: {bytes: Number.NaN}},
		{policer: {rate: 0, burst: 1}},
		{policer: {rate: 1, burst: 0}},
		{reorder: 1.01},
		{reorderBy: -1},
		{duplicate: -0.01},
		{corrupt: 2},
		{outages: [{from: 2, until: 1}]},
		{loss: {kind: 'random', loss: 3}},
	];
	const link = create({delay: 7});
	for (const config of wrong) {
		t.throws(() => create(config), {instanceOf: RangeError});
		t.throws(() => link.configure(config, 0), {instanceOf: RangeError});
	}
	t.is(link.send(1, 1, 0), 1);
	t.is(link.nextTimeout(), 7);
	t.deepEqual(link.counts, {...create().counts, sent: 1, bytes: 1 + 28});
});
