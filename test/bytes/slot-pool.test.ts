import test from 'ava';
import fc from 'fast-check';
import {HEAD_ROOM, SLOT_SIZE, type Slot, SlotPool} from '../../src/bytes/slot-pool.ts';
import {MAX_NAME} from '../../src/wire/address.ts';
import {HEADER_LENGTH, MAX_PACKET_SIZE} from '../../src/wire/constants.ts';

test('never hands a slot out twice, nor more than the limit', (t) => {
	const operations = fc.array(fc.oneof(fc.constant('take'), fc.nat(20)), {maxLength: 60});
	fc.assert(
		fc.property(fc.integer({min: 1, max: 8}), operations, (limit, list) => {
			const pool = new SlotPool(limit);
			const out: Slot[] = [];
			for (const operation of list) {
				if (operation === 'take') {
					const slot = pool.take();
					t.is(slot === undefined, out.length === limit);
					if (slot === undefined) continue;
					t.false(out.includes(slot));
					t.is(slot.bytes.length, SLOT_SIZE);
					out.push(slot);
				} else if (out.length > 0) {
					pool.release(out.splice(Number(operation) % out.length, 1)[0]!);
				}
			}
		}),
		{seed: 5},
	);
});

test('throws when a slot is released twice', (t) => {
	const pool = new SlotPool(2);
	const slot = pool.take()!;
	pool.release(slot);
	t.throws(() => pool.release(slot), {message: 'slot released twice'});
	t.is(pool.take(), slot);
	t.not(pool.take(), undefined);
	t.is(pool.take(), undefined);
});

test('has room for the largest packet in front of and behind the payload', (t) => {
	const longestTarget = 3 + 2 * MAX_NAME;
	const clientFrame = 17;
	const frame = 1 + 4 + 4 + longestTarget + clientFrame;
	t.true(HEAD_ROOM >= HEADER_LENGTH + frame);
	t.true(SLOT_SIZE - HEAD_ROOM >= MAX_PACKET_SIZE - HEADER_LENGTH);
});
