import test from 'ava';
import fc from 'fast-check';
import {KeySchedule} from '../../../src/core/packets/key-schedule.ts';
import type {Aead} from '../../../src/crypto/aead.ts';

const GRACE = 10_000;

/** Notes a packet as the receiver does; true when it confirmed its epoch. */
function opened(schedule: KeySchedule, epoch: number, packetNumber: number, now: number): boolean {
	const isConfirmed = schedule.opened(epoch, packetNumber, now);
	if (isConfirmed) schedule.retire(now + GRACE);
	return isConfirmed;
}

function key(): Aead {
	return {seal: () => {}, open: () => true};
}

/** A server's schedule, confirmed at number `first` of each epoch up to `epochs`. */
function rekeyed(firsts: readonly number[]): {schedule: KeySchedule; keys: Aead[]} {
	const keys = [key()];
	const schedule = new KeySchedule(key(), keys[0]!, 0);
	for (const [index, first] of firsts.entries()) {
		if (index > 0) {
			keys.push(key());
			schedule.prepare(key(), keys[index]!);
		}
		opened(schedule, index % 16, first, 0);
	}
	return {schedule, keys};
}

test('a server seals under the old epoch until the new one is confirmed', (t) => {
	const sealing = key();
	const schedule = new KeySchedule(key(), key(), 0);
	schedule.prepare(sealing, key());
	t.is(schedule.epoch, 0);
	t.not(schedule.opening(1, 5, 0), undefined);
	t.true(opened(schedule, 1, 5, 0));
	t.is(schedule.epoch, 1);
	t.is(schedule.sealing, sealing);
});

test('only the first packet confirms', (t) => {
	const schedule = new KeySchedule(key(), key(), 0);
	t.true(opened(schedule, 0, 0, 0));
	t.false(opened(schedule, 0, 1, 0));
});

test('a client seals under the new epoch at once and still opens the old one', (t) => {
	const old = key();
	const schedule = new KeySchedule(key(), old, 3);
	const sealing = key();
	schedule.install(4, sealing, key());
	t.is(schedule.epoch, 4);
	t.is(schedule.sealing, sealing);
	t.is(schedule.opening(3, 1000, 1e9), old);
});

test('an unconfirmed epoch is replaced by the next one prepared', (t) => {
	const schedule = new KeySchedule(key(), key(), 15);
	opened(schedule, 15, 0, 0);
	const second = key();
	schedule.prepare(key(), key());
	schedule.prepare(key(), second);
	t.is(schedule.nextEpoch, 0);
	t.is(schedule.opening(0, 9, 0), second);
	t.is(schedule.opening(1, 9, 0), undefined);
});

test('an old epoch opens for the grace time only', (t) => {
	const {schedule, keys} = rekeyed([0, 100]);
	t.is(schedule.opening(0, 99, GRACE), keys[0]);
	t.is(schedule.opening(0, 99, GRACE + 1), undefined);
	t.is(schedule.opening(0, 99, 0), undefined);
});

test('an old epoch never opens a number above the first of the newer one', (t) => {
	const {schedule, keys} = rekeyed([0, 100]);
	t.is(schedule.opening(0, 99, 1), keys[0]);
	t.is(schedule.opening(0, 101, 1), undefined);
});

test('a smaller number under the newer epoch narrows what the older may open', (t) => {
	const {schedule} = rekeyed([0, 100]);
	opened(schedule, 1, 90, 0);
	t.is(schedule.opening(0, 95, 1), undefined);
	t.not(schedule.opening(0, 89, 1), undefined);
});

test('an epoch before the last is bound by the one that followed it', (t) => {
	const {schedule, keys} = rekeyed([0, 50, 100]);
	t.is(schedule.opening(0, 49, 1), keys[0]);
	t.is(schedule.opening(0, 75, 1), undefined);
	t.is(schedule.opening(1, 75, 1), keys[1]);
});

test('an unknown epoch has no key', (t) => {
	const schedule = new KeySchedule(key(), key(), 0);
	for (let epoch = 1; epoch < 16; epoch++) t.is(schedule.opening(epoch, 0, 0), undefined);
});

test('numbers in order of sending always open, over any number of rekeys', (t) => {
	const packets = fc.array(fc.integer({min: 1, max: 30}), {minLength: 2, maxLength: 60});
	fc.assert(
		fc.property(packets, fc.nat(), (counts, seed) => {
			const keys = [key()];
			const schedule = new KeySchedule(key(), keys[0]!, 0);
			let first = 0;
			let state = seed;
			for (const [index, count] of counts.entries()) {
				const now = index * 1000;
				if (index > 0) {
					keys.push(key());
					schedule.prepare(key(), keys[index]!);
				}
				state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
				const number = first + (state % count);
				t.is(schedule.opening(index % 16, number, now), keys[index]);
				t.is(opened(schedule, index % 16, number, now), true);
				// A straggler of the epoch before, which was sent under it.
				if (index > 0) t.is(schedule.opening((index - 1) % 16, first - 1, now), keys[index - 1]);
				first += count;
			}
		}),
		{seed: 21},
	);
});
