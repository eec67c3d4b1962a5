import test from 'ava';
import {SystemRandom} from '../../src/crypto/system-random.ts';

test('fills arrays of every size, from and beyond its pool', (t) => {
	const random = new SystemRandom();
	for (const length of [0, 1, 31, 32, 4095, 4096, 4097, 100_000]) {
		const first = new Uint8Array(length);
		const second = new Uint8Array(length);
		random.fill(first);
		random.fill(second);
		if (length >= 31) {
			t.notDeepEqual(first, second);
			t.notDeepEqual(first.subarray(-16), new Uint8Array(16));
		}
	}
});

test('fills exactly the array it is given', (t) => {
	const random = new SystemRandom();
	const bytes = new Uint8Array(64);
	random.fill(bytes.subarray(16, 48));
	t.deepEqual(bytes.subarray(0, 16), new Uint8Array(16));
	t.deepEqual(bytes.subarray(48), new Uint8Array(16));
	t.notDeepEqual(bytes.subarray(16, 48), new Uint8Array(32));
});

test('never hands out the same bytes twice across refills of the pool', (t) => {
	const random = new SystemRandom();
	const seen = new Set<string>();
	for (let draw = 0; draw < 5000; draw++) {
		const bytes = new Uint8Array(15);
		random.fill(bytes);
		seen.add(Buffer.from(bytes).toString('hex'));
	}
	t.is(seen.size, 5000);
});

test('draws integers of 32 bits, each bit as often set as not', (t) => {
	const random = new SystemRandom();
	const draws = 20_000;
	const counts = new Array<number>(32).fill(0);
	for (let draw = 0; draw < draws; draw++) {
		const value = random.uint32();
		t.true(Number.isInteger(value) && value >= 0 && value < 2 ** 32);
		for (let bit = 0; bit < 32; bit++) {
			counts[bit]! += (value >>> bit) & 1;
		}
	}
	// Seven standard deviations: fails by chance less than once in 10^10 runs.
	const margin = 7 * Math.sqrt(draws / 4);
	t.true(counts.every((count) => Math.abs(count - draws / 2) < margin));
});
