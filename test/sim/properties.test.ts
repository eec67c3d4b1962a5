import test from 'ava';
import fc from 'fast-check';
import {Fifo} from '../../src/bytes/fifo.ts';
import {DeliveryQueue} from '../../src/sim/delivery-queue.ts';
import {Link} from '../../src/sim/link.ts';
import type {LinkConfig} from '../../src/sim/link-config.ts';
import type {LossConfig} from '../../src/sim/loss.ts';
import {Prng} from '../../src/sim/prng.ts';
import {drain, underWay} from './link-run.ts';

const share = fc.oneof(fc.constant(0), fc.constant(1), fc.double({min: 0, max: 1, noNaN: true}));
const millis = fc.oneof(fc.constant(0), fc.double({min: 0, max: 100, noNaN: true}));

const loss: fc.Arbitrary<LossConfig> = fc.oneof(
	fc.constant<LossConfig>({kind: 'none'}),
	share.map((value): LossConfig => ({kind: 'random', loss: value})),
	fc
		.record({mean: fc.double({min: 0, max: 0.6, noNaN: true}), more: fc.nat(20)})
		.map(({mean, more}): LossConfig => ({kind: 'burst', loss: mean, meanBurst: 1.5 + more})),
	fc
		.array(fc.boolean(), {minLength: 1, maxLength: 9})
		.map((lost): LossConfig => ({kind: 'trace', lost})),
);

const config: fc.Arbitrary<LinkConfig> = fc.record({
	loss,
	delay: millis,
	jitter: millis,
	jitterReorders: fc.boolean(),
	rate: fc.oneof(fc.constant(Number.POSITIVE_INFINITY), fc.integer({min: 1e4, max: 1e9})),
	queue: fc.oneof(
		millis.map((value) => ({millis: value})),
		fc.nat(20_000).map((bytes) => ({bytes})),
	),
	policer: fc.option(
		fc.record({rate: fc.integer({min: 1e3, max: 1e7}), burst: fc.integer({min: 1, max: 9000})}),
		{nil: undefined},
	),
	reorder: share,
	reorderBy: millis,
	duplicate: share,
	corrupt: share,
	outages: fc
		.tuple(millis, millis)
		.map(([from, length]) => (length > 50 ? [{from, until: from + length}] : [])),
});

type Operation =
	| {readonly kind: 'send'; readonly length: number}
	| {readonly kind: 'advance'; readonly by: number}
	| {readonly kind: 'configure'; readonly config: LinkConfig};

const operation: fc.Arbitrary<Operation> = fc.oneof(
	{weight: 10, arbitrary: fc.record({kind: fc.constant('send'), length: fc.nat(1500)})},
	{weight: 5, arbitrary: fc.record({kind: fc.constant('advance'), by: millis})},
	{weight: 1, arbitrary: fc.record({kind: fc.constant('configure'), config})},
);

/** Runs the operations; the promised deliveries of item n are entry n. */
function interpret(link: Link<number>, operations: readonly Operation[]) {
	const promised: number[] = [];
	const deliveries: {item: number; at: number; flipBit: number}[] = [];
	let now = 0;
	let open = 0;
	for (const step of operations) {
		if (step.kind === 'send') {
			const count = link.send(promised.length, step.length, now);
			promised.push(count);
			open += count;
		} else if (step.kind === 'configure') link.configure(step.config, now);
		else {
			now += step.by;
			const due = drain(link, now);
			deliveries.push(...due);
			open -= due.length;
		}
		if (underWay(link) !== open) throw new Error('counts do not add up');
	}
	deliveries.push(...drain(link, Number.MAX_VALUE));
	return {promised, deliveries};
}

test('invents nothing, loses nothing uncounted, delivers in time order', (t) => {
	fc.assert(
		fc.property(
			config,
			fc.array(operation, {maxLength: 120, size: 'max'}),
			fc.string(),
			(start, steps, seed) => {
				const link = new Link<number>(start, new Prng(seed));
				const {promised, deliveries} = interpret(link, steps);
				const seen = promised.map(() => 0);
				for (const {item} of deliveries) seen[item] = (seen[item] ?? Number.NaN) + 1;
				t.deepEqual(seen, promised);
				t.is(underWay(link), 0);
				t.is(link.counts.delivered, deliveries.length);
				t.true(deliveries.every(({at}, index) => at >= (deliveries[index - 1]?.at ?? 0)));
			},
		),
		{numRuns: 500},
	);
});

test('keeps the order unless something is told to reorder', (t) => {
	const inOrder = config.map((value) => ({...value, jitterReorders: false, reorder: 0}));
	const steps = fc.array(
		operation.map((step) =>
			step.kind === 'configure'
				? {...step, config: {...step.config, jitterReorders: false, reorder: 0}}
				: step,
		),
		{maxLength: 120, size: 'max'},
	);
	fc.assert(
		fc.property(inOrder, steps, (start, operations) => {
			const link = new Link<number>(start, new Prng(1));
			const {deliveries} = interpret(link, operations);
			return deliveries.every(({item}, index) => item >= (deliveries[index - 1]?.item ?? 0));
		}),
		{numRuns: 300},
	);
	t.pass();
});

test('how often it is polled changes nothing', (t) => {
	const sends = fc.array(
		fc.record({length: fc.nat(1500), gap: millis, polls: fc.array(share, {maxLength: 3})}),
		{maxLength: 60},
	);
	fc.assert(
		fc.property(config, sends, (start, steps) => {
			const eager = new Link<number>(start, new Prng(1));
			const lazy = new Link<number>(start, new Prng(1));
			const early: [item: number, at: number, flipBit: number][] = [];
			let now = 0;
			for (const [index, {length, gap, polls}] of steps.entries()) {
				eager.send(index, length, now);
				lazy.send(index, length, now);
				for (const part of [...polls].sort((a, b) => a - b)) {
					const due = eager.poll(now + gap * part);
					if (due !== undefined) early.push([due.item, due.at, due.flipBit]);
				}
				now += gap;
			}
			for (const {item, at, flipBit} of drain(eager, Number.MAX_VALUE)) {
				early.push([item, at, flipBit]);
			}
			const late = drain(lazy, Number.MAX_VALUE);
			t.deepEqual(
				early,
				late.map(({item, at, flipBit}) => [item, at, flipBit]),
			);
		}),
		{numRuns: 200},
	);
});

test('the delivery queue sorts as a plain sort does', (t) => {
	const times = fc.array(fc.oneof(fc.nat(20), fc.constant(-1)), {maxLength: 200, size: 'max'});
	fc.assert(
		fc.property(times, (values) => {
			const queue = new DeliveryQueue<{at: number; order: number}>();
			let twin: {at: number; order: number}[] = [];
			for (const [order, at] of values.entries()) {
				if (at >= 0) {
					queue.push({at, order});
					twin.push({at, order});
				} else {
					twin.sort((a, b) => a.at - b.at || a.order - b.order);
					const isDue = (twin[0]?.at ?? 99) <= 10;
					t.is(queue.nextAt, twin[0]?.at ?? Number.POSITIVE_INFINITY);
					t.deepEqual(queue.pop(10), isDue ? twin[0] : undefined);
					if (isDue) twin = twin.slice(1);
				}
			}
		}),
		{numRuns: 300},
	);
});

test('the ring is first in, first out', (t) => {
	fc.assert(
		fc.property(fc.array(fc.boolean(), {maxLength: 300, size: 'max'}), (pushes) => {
			const ring = new Fifo<number>();
			const twin: number[] = [];
			for (const [index, isPush] of pushes.entries()) {
				if (isPush) {
					ring.push(index);
					twin.push(index);
				} else {
					t.is(ring.shift(), twin.shift());
				}
				t.is(ring.length, twin.length);
				t.is(ring.first, twin[0]);
			}
		}),
	);
});
