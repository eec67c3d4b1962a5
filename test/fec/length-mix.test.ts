import test from 'ava';
import {
	bytesOf,
	EQUAL_LENGTHS,
	LengthMeter,
	mixWithin,
	ofPackets,
	packetsOf,
	repairsOf,
} from '../../src/fec/length-mix.ts';

/** A third of the sources is short, with a tenth of the bytes; a repair is as long as two packets. */
const MIX = {stretch: 2, short: 1 / 3, shortBytes: 0.1};

test('for packets of one length a traffic factor in bytes is one more than the repairs', (t) => {
	for (const factor of [1, 1.1, 1.125, 1.5, 2.7, 16]) {
		t.is(bytesOf(factor, EQUAL_LENGTHS), factor);
		t.is(repairsOf(factor, EQUAL_LENGTHS), factor);
		t.is(packetsOf(factor, EQUAL_LENGTHS), factor);
	}
});

test('where lengths differ the same number of repairs takes more bytes, and back', (t) => {
	// A tenth for copies, and of two thirds of the sources half a repair of two lengths.
	t.true(Math.abs(bytesOf(1.5, MIX) - (1 + 0.1 + 2 / 3)) < 1e-12);
	t.true(Math.abs(packetsOf(1.5, MIX) - (1 + 1 / 3 + 1 / 3)) < 1e-12);
	for (const factor of [1, 1.125, 2, 5]) {
		t.true(Math.abs(repairsOf(bytesOf(factor, MIX), MIX) - factor) < 1e-12);
		t.true(Math.abs(ofPackets(packetsOf(factor, MIX), MIX) - factor) < 1e-12);
	}
	t.is(repairsOf(1.05, MIX), 1);
});

test('half of what is allowed is for copies of short packets at most', (t) => {
	t.deepEqual(mixWithin(1.5, MIX), MIX);
	t.deepEqual(mixWithin(1.25, MIX), MIX);
	const {stretch, short, shortBytes} = mixWithin(1.1, MIX);
	t.is(stretch, 2);
	t.true(Math.abs(short - 1 / 6) < 1e-12);
	t.true(Math.abs(shortBytes - 0.05) < 1e-12);
	t.is(mixWithin(1, MIX).short, 0);
});

test('measures what repairs take more than packets, and the short ones', (t) => {
	const meter = new LengthMeter();
	t.deepEqual(meter.read(), EQUAL_LENGTHS);
	for (let i = 0; i < 2000; i++) {
		const isShort = i % 4 !== 0;
		const bytes = isShort ? 100 : 1300;
		meter.cover(1307);
		meter.add(bytes, bytes + 7, isShort);
	}
	const {stretch, short, shortBytes} = meter.read();
	t.true(Math.abs(stretch - 1307 / 407) < 0.02, `${stretch}`);
	t.true(Math.abs(short - 0.75) < 0.01, `${short}`);
	t.true(Math.abs(shortBytes - 300 / 1600) < 0.01, `${shortBytes}`);
	for (let i = 0; i < 2000; i++) {
		meter.cover(Number.POSITIVE_INFINITY);
		meter.cover(207);
		meter.add(200, 207, false);
	}
	t.true(Math.abs(meter.read().stretch - 1) < 0.01);
	t.is(Math.round(meter.bytes), 200);
});
