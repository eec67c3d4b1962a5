import test from 'ava';
import fc from 'fast-check';
import {DropCounters} from '../../../src/core/drop-reason.ts';
import {HoldQueue} from '../../../src/core/flow/hold-queue.ts';

const KIB = 1024;

function push(queue: HoldQueue<number>, flow: number, length: number, now: number): void {
	queue.push(flow, new Uint8Array(length), 0, length, now);
}

test('keeps the newest 256, 512 KiB, 500 ms, oldest first, as an array would', (t) => {
	const step = fc.tuple(fc.constantFrom(1, 1, 700, 20_000, 65_507), fc.nat(120));
	fc.assert(
		fc.property(fc.array(step, {maxLength: 400, size: 'max'}), (steps) => {
			const drops = new DropCounters();
			const queue = new HoldQueue<number>(drops);
			let twin: {flow: number; length: number; at: number}[] = [];
			let now = 0;
			for (const [flow, [length, pause]] of steps.entries()) {
				now += pause / 10;
				push(queue, flow, length, now);
				twin.push({flow, length, at: now});
				const bytes = () => twin.reduce((sum, held) => sum + held.length, 0);
				while (twin.length > 256 || bytes() > 512 * KIB) twin.shift();
				t.is(queue.length, twin.length);
			}
			now += 495;
			twin = twin.filter(({at}) => now - at <= 500);
			const taken = queue.takeAll(now);
			t.deepEqual(
				taken.map(({flow, bytes}) => [flow, bytes.length]),
				twin.map(({flow, length}) => [flow, length]),
			);
			t.is(drops.get('queue-full') + drops.get('too-late'), steps.length - taken.length);
		}),
		{seed: 22, numRuns: 60},
	);
});

test('takes copies of what it is given', (t) => {
	const queue = new HoldQueue<string>(new DropCounters());
	const bytes = Uint8Array.of(1, 2, 3, 4);
	queue.push('flow', bytes, 1, 3, 0);
	bytes.fill(9);
	t.deepEqual(queue.takeAll(0), [{flow: 'flow', bytes: Uint8Array.of(2, 3), at: 0}]);
});

test('is empty after everything was taken, and begins anew', (t) => {
	const queue = new HoldQueue<number>(new DropCounters());
	for (let i = 0; i < 8; i++) push(queue, i, 64 * KIB, 0);
	t.is(queue.takeAll(0).length, 8);
	t.is(queue.length, 0);
	for (let i = 0; i < 8; i++) push(queue, i, 64 * KIB, 0);
	t.is(queue.length, 8);
});

test('what waited for exactly 500 ms still goes', (t) => {
	const drops = new DropCounters();
	const queue = new HoldQueue<number>(drops);
	push(queue, 1, 1, 0);
	queue.expire(500);
	t.is(queue.length, 1);
	queue.expire(500.1);
	t.is(queue.length, 0);
	t.is(drops.get('too-late'), 1);
});

test('an age of its own, and older datagrams that go first within all limits', (t) => {
	const drops = new DropCounters();
	const queue = new HoldQueue<number>(drops, 3000);
	const copies = new HoldQueue<number>();
	for (let i = 0; i < 300; i++) push(copies, i, 1, 1000);
	t.is(copies.length, 256);
	for (let i = 300; i < 310; i++) push(queue, i, 1, 1100);
	queue.putFirst(copies.takeAll(1100));
	t.is(copies.length, 0);
	t.is(drops.get('queue-full'), 10, 'of copies none counts, of what waits the oldest');
	t.deepEqual(
		queue.takeAll(4000).map(({flow}) => flow),
		[...Array(256).keys()].map((i) => i + 54),
	);
});
