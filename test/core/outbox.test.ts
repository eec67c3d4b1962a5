import test from 'ava';
import type {Slot} from '../../src/bytes/slot-pool.ts';
import {DropCounters} from '../../src/core/drop-reason.ts';
import {MAX_OPEN_PACKETS} from '../../src/core/open-packets.ts';
import {Outbox} from '../../src/core/outbox.ts';
import {SlotCount} from '../support/world/slot-count.ts';

test('hands packets out in the order they were queued', (t) => {
	const outbox = new Outbox(new DropCounters());
	const count = new SlotCount(outbox.pool);
	const slots: Slot[] = [];
	for (let round = 0; round < 700; round++) {
		for (let i = 0; i < 3; i++) {
			const slot = outbox.take()!;
			outbox.queue(slot);
			slots.push(slot);
		}
		const expected = slots.splice(0, 3);
		for (const slot of expected) {
			t.is(outbox.poll()?.slot, slot);
			outbox.pool.release(slot);
		}
	}
	t.is(outbox.poll(), undefined);
	t.is(count.out, 0);
});

test('drops and counts new packets when 1,024 wait', (t) => {
	const drops = new DropCounters();
	const outbox = new Outbox(drops);
	for (let i = 0; i < 1024; i++) outbox.queue(outbox.take()!);
	t.is(outbox.take(), undefined);
	t.is(drops.get('no-slot'), 1);
	outbox.pool.release(outbox.poll()!.slot);
	t.not(outbox.take(), undefined);
});

test('packets that were open while others filled the outbox have their places', (t) => {
	const drops = new DropCounters();
	const outbox = new Outbox(drops);
	const count = new SlotCount(outbox.pool);
	// The ring is turned first, so that it begins somewhere in the middle.
	for (let i = 0; i < 3; i++) outbox.queue(outbox.take()!);
	const open = Array.from({length: MAX_OPEN_PACKETS}, () => outbox.take()!);
	const slots: Slot[] = [];
	for (let slot = outbox.take(); slot !== undefined; slot = outbox.take()) {
		outbox.queue(slot);
		slots.push(slot);
	}
	for (const slot of open) outbox.queue(slot);
	for (let i = 0; i < 3; i++) outbox.pool.release(outbox.poll()!.slot);
	for (const slot of [...slots, ...open]) {
		t.is(outbox.poll()?.slot, slot);
		outbox.pool.release(slot);
	}
	t.is(outbox.poll(), undefined);
	t.is(count.out, 0);
});

test('a record begins without destinations each time', (t) => {
	const outbox = new Outbox(new DropCounters());
	for (let i = 0; i < 2000; i++) {
		const transmit = outbox.queue(outbox.take()!);
		t.is(transmit.count, 0);
		for (let i = 0; i < 3; i++) transmit.add(i, undefined);
		t.is(transmit.count, 3);
		outbox.pool.release(outbox.poll()!.slot);
	}
});

test('a packet taken back frees its slot and is not sent', (t) => {
	const outbox = new Outbox(new DropCounters());
	const count = new SlotCount(outbox.pool);
	const first = outbox.queue(outbox.take()!);
	outbox.unqueue(outbox.queue(outbox.take()!));
	t.is(count.out, 1);
	t.is(outbox.poll(), first);
	t.is(outbox.poll(), undefined);
});
