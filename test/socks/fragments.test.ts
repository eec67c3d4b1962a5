import test from 'ava';
import fc from 'fast-check';
import {NEVER} from '../../src/bytes/time.ts';
import {SocksDropCounters} from '../../src/socks/drop-reason.ts';
import {FragmentBudget, FragmentQueue} from '../../src/socks/fragments.ts';
import type {SocksTarget} from '../../src/socks/target.ts';

const TARGET: SocksTarget = {kind: 'domain', name: 'a.example', port: 1};
const OTHER: SocksTarget = {kind: 'domain', name: 'b.example', port: 1};

function setUp(limit = 1 << 20) {
	const budget = new FragmentBudget(limit);
	const drops = new SocksDropCounters();
	const queue = new FragmentQueue(budget, drops);
	const add = (
		fragment: number,
		text: string | Uint8Array,
		{now = 0, port = 5000, target = TARGET} = {},
	) => {
		const bytes = typeof text === 'string' ? new TextEncoder().encode(`<${text}>`) : text;
		const [start, end] = typeof text === 'string' ? [1, bytes.length - 1] : [0, bytes.length];
		const piece = {fragment, sourcePort: port, target, bytes, start, end};
		const result = queue.add(piece, now);
		return result instanceof Uint8Array ? `=${new TextDecoder().decode(result)}` : result;
	};
	// What a budget does not give is in use.
	const used = () => {
		let free = 0;
		while (budget.take(1)) free++;
		budget.release(free);
		return limit - free;
	};
	return {budget, used, drops, queue, add};
}

test('pieces in order are joined with the last one', (t) => {
	const {add, used, queue, drops} = setUp();
	t.is(add(1, 'one'), undefined);
	t.is(add(2, ''), undefined);
	t.is(add(3, 'two'), undefined);
	t.is(add(0x84, '!'), '=onetwo!');
	t.is(used(), 0);
	t.is(queue.nextTimeout(), NEVER);
	t.deepEqual(drops.entries(), {});
});

test('one piece that is the last one is a datagram', (t) => {
	t.is(setUp().add(0x81, 'x'), '=x');
	t.is(setUp().add(0x81, ''), '=');
});

test('127 pieces are joined', (t) => {
	const {add} = setUp();
	for (let i = 1; i < 127; i++) t.is(add(i, 'x'), undefined);
	t.is(add(0xff, 'y'), `=${'x'.repeat(126)}y`);
});

test('position 0 with the end bit is no position', (t) => {
	const {add} = setUp();
	add(1, 'a');
	t.is(add(0x80, 'x'), 'bad-fragment');
	t.is(add(0x82, 'b'), '=ab');
});

test('a position below the highest one seen gives the queue up', (t) => {
	const {add, drops, used} = setUp();
	add(1, 'a');
	add(2, 'b');
	add(3, 'c');
	t.is(add(2, 'b'), 'bad-fragment');
	t.is(drops.get('fragment-abandoned'), 3);
	t.is(used(), 0);
	t.is(add(0x84, 'd'), 'bad-fragment');
});

test('the first position always begins another datagram', (t) => {
	const {add} = setUp();
	add(1, 'a');
	add(1, 'x');
	t.is(add(0x82, 'y'), '=xy');
});

test('a gap gives the queue up', (t) => {
	const {add, drops} = setUp();
	add(1, 'a');
	t.is(add(3, 'c'), 'bad-fragment');
	t.is(add(0x82, 'b'), 'bad-fragment');
	t.is(drops.get('fragment-abandoned'), 1);
});

test('a piece that the network doubled is ignored, another one in its place is not', (t) => {
	const {add} = setUp();
	add(1, 'a');
	t.is(add(2, 'b'), undefined);
	t.is(add(2, 'b'), undefined);
	t.is(add(0x83, 'c'), '=abc');
	add(1, 'a');
	add(2, 'b');
	t.is(add(2, 'x'), 'bad-fragment');
	t.is(add(0x83, 'c'), 'bad-fragment');
	add(1, 'a');
	add(2, 'b');
	t.is(add(0x82, 'b'), 'bad-fragment');
});

test('pieces of another port or target never join', (t) => {
	const {add} = setUp();
	add(1, 'a');
	t.is(add(0x82, 'x', {port: 5001}), 'bad-fragment');
	t.is(add(0x82, 'x', {target: OTHER}), 'bad-fragment');
	t.is(add(0x82, 'b'), '=ab');
});

test('what is not complete after 5 s is given up', (t) => {
	const {add, queue, drops} = setUp();
	add(1, 'a', {now: 100});
	add(2, 'b', {now: 3000});
	t.is(queue.nextTimeout(), 5100);
	queue.handleTimeout(5099);
	t.is(drops.get('fragment-abandoned'), 0);
	t.is(add(0x83, 'c', {now: 5100}), 'bad-fragment');
	t.is(drops.get('fragment-abandoned'), 2);
	t.is(queue.nextTimeout(), NEVER);
});

test('a datagram of its own gives up the pieces from its port only', (t) => {
	const {add, queue} = setUp();
	add(1, 'a');
	queue.interrupt(5001);
	t.is(add(0x82, 'b'), '=ab');
	add(1, 'a');
	queue.interrupt(5000);
	t.is(add(0x82, 'b'), 'bad-fragment');
});

test('more than a datagram can carry is given up', (t) => {
	const {add, used} = setUp();
	add(1, new Uint8Array(65_507));
	t.is(add(2, new Uint8Array(1)), 'fragment-limit');
	t.is(used(), 0);
	t.is(add(0x83, ''), 'bad-fragment');
});

test('the memory of all queues together is bounded', (t) => {
	const {add, budget, used} = setUp(10);
	t.true(budget.take(6));
	t.is(add(1, 'abcd'), undefined);
	t.is(add(2, 'e'), 'fragment-limit');
	t.is(used(), 6);
	t.is(add(1, 'abcde'), 'fragment-limit');
	budget.release(6);
	t.is(add(1, 'abcde'), undefined);
	t.is(used(), 5);
});

test('whatever comes, a whole is the run of pieces that it ends, and memory is bounded', (t) => {
	const event = fc.record({
		fragment: fc.oneof(fc.nat(5), fc.integer({min: 0x80, max: 0x84}), fc.nat(255)),
		port: fc.constantFrom(1, 2),
		wait: fc.constantFrom(0, 0, 0, 1000, 5000),
	});
	fc.assert(
		fc.property(fc.array(event, {maxLength: 60}), (events) => {
			const {add, used} = setUp(40);
			let now = 0;
			for (const [i, {fragment, port, wait}] of events.entries()) {
				now += wait;
				// Each piece carries its position and the time it was sent.
				const result = add(fragment, `${fragment & 0x7f}@${now}#${port},`, {now, port});
				t.true(used() >= 0, `${i}`);
				if (!result?.startsWith('=')) continue;
				const pieces = result.slice(1, -1).split(',');
				t.is(pieces.length, fragment & 0x7f);
				for (const [index, piece] of pieces.entries()) {
					const [position, at, from] = piece.split(/[@#]/).map(Number);
					t.is(position, index + 1);
					t.is(from, port);
					t.true(now - at! < 5000);
				}
			}
		}),
		{seed: 1, numRuns: 300},
	);
});
