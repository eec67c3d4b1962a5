import test from 'ava';
import {SYMBOL_SLOT, SymbolMemory, SymbolShare} from '../../src/fec/symbol-memory.ts';
import {TableKernel} from '../../src/fec/table-kernel.ts';

const SLOTS = 1200;

function takeAll(share: SymbolShare): number[] {
	const slots: number[] = [];
	for (let slot = share.take(); slot >= 0; slot = share.take()) slots.push(slot);
	return slots;
}

test('a user takes no more than it leaves to all others, however many there are', (t) => {
	const memory = new SymbolMemory(new TableKernel(), SLOTS * SYMBOL_SLOT);
	const greedy = new SymbolShare(memory);
	const first = takeAll(greedy);
	t.is(first.length, SLOTS / 2);
	t.is(greedy.used, first.length);
	t.false(greedy.reserve(1));
	// Each that comes later has half of what is left, and all of them keep it.
	let least = SLOTS;
	for (let user = 0; user < 5; user++) {
		const share = new SymbolShare(memory);
		least = Math.min(least, takeAll(share).length);
		t.true(memory.left > 0);
	}
	t.true(least >= SLOTS / 128, `${least}`);
	for (const slot of first) greedy.give(slot);
	t.is(greedy.used, 0);
	const others = SLOTS - memory.left;
	t.is(memory.used, others);
	// What was given back is there for everybody, and again nobody has more than the rest.
	t.is(takeAll(greedy).length, Math.floor((SLOTS - others) / 2));
});

test('shares of users that all want everything become even as memory comes and goes', (t) => {
	const memory = new SymbolMemory(new TableKernel(), SLOTS * SYMBOL_SLOT);
	const users = [0, 1, 2].map(() => ({share: new SymbolShare(memory), slots: [] as number[]}));
	for (let round = 0; round < 20; round++) {
		for (const {share, slots} of users) {
			slots.push(...takeAll(share));
			for (const slot of slots.splice(0, slots.length >> 1)) share.give(slot);
		}
	}
	for (const {share, slots} of users) slots.push(...takeAll(share));
	for (const {slots} of users) t.true(Math.abs(slots.length - SLOTS / 4) <= SLOTS / 8);
	for (const {share, slots} of users) for (const slot of slots) share.give(slot);
	t.is(memory.used, 0);
});
