import test from 'ava';
import {Cursor} from '../../../src/bytes/cursor.ts';
import {AnnouncedTargets} from '../../../src/core/flow/announced-targets.ts';
import {ReceivedTargets} from '../../../src/core/flow/received-targets.ts';
import {decodeTarget, type HostTarget} from '../../../src/wire/address.ts';

const encoded = (n: number) => Uint8Array.of(1, 10, 0, n >> 8, n & 255, 0, 53);

function decoded(n: number): HostTarget {
	const cursor = new Cursor();
	cursor.reset(encoded(n), 0, 7);
	return decodeTarget(cursor) as HostTarget;
}

test('a target keeps its reference while it is used', (t) => {
	const targets = new AnnouncedTargets();
	const first = targets.find(encoded(1), 0, 7, 0)!;
	t.is(targets.find(encoded(1), 0, 7, 5), first);
	t.not(targets.find(encoded(2), 0, 7, 5), first);
	t.is(targets.get(first.reference), first);
	t.deepEqual(first.encoded, encoded(1));
});

test('the least recently used of 256 targets goes, and comes back under another reference', (t) => {
	const targets = new AnnouncedTargets();
	for (let n = 0; n < 256; n++) targets.find(encoded(n), 0, 7, n);
	targets.find(encoded(0), 0, 7, 300);
	targets.find(encoded(999), 0, 7, 301);
	t.is(targets.get(1), undefined);
	for (let reference = 2; reference < 257; reference++) t.not(targets.get(reference), undefined);
	t.is(targets.get(0)!.used, 300);
	t.is(targets.find(encoded(1), 0, 7, 302)!.reference, 257);
});

test('a reference never gets another target', (t) => {
	const targets = new ReceivedTargets({left: 10});
	const first = targets.learn(7, decoded(1), 0);
	t.is(targets.learn(7, decoded(1), 1), first);
	t.is(targets.learn(7, decoded(2), 2), undefined);
	t.is(targets.get(7, 3), first);
	t.is(targets.get(8, 3), undefined);
});

test('at most 512 received targets are remembered, the least recently used goes', (t) => {
	const targets = new ReceivedTargets({left: 10_000});
	for (let n = 0; n < 512; n++) targets.learn(n, decoded(n), n);
	targets.get(0, 600);
	targets.learn(512, decoded(512), 601);
	t.is(targets.get(1, 602), undefined);
	t.not(targets.get(0, 602), undefined);
});

test('a flow lives within what its session may remember, and gives it back', (t) => {
	const budget = {left: 3};
	const one = new ReceivedTargets(budget);
	const other = new ReceivedTargets(budget);
	for (let n = 0; n < 3; n++) t.not(one.learn(n, decoded(n), n), undefined);
	t.is(other.learn(0, decoded(9), 5), undefined);
	t.not(one.learn(3, decoded(3), 6), undefined);
	t.is(one.get(0, 7), undefined);
	one.clear();
	t.is(budget.left, 3);
	t.not(other.learn(0, decoded(9), 8), undefined);
});
