import test from 'ava';
import type {Placement} from '../../src/fec/placement.ts';
import type {LanePromise} from '../../src/fec/promise.ts';
import {repairWindow} from '../../src/fec/repair-window.ts';

const PROMISE: LanePromise = {
	residual: 1e-4,
	within: 40,
	traffic: 1.5,
	most: 1.5,
	floor: 1.5,
	cheap: false,
	rate: 0,
};

function placementOf(loss: number, skew = 0): Placement {
	return {
		sources: [0, 1, 2].map((path) => ({path, loss, delay: 0})),
		repairs: undefined,
		skew,
		short: 0,
	};
}

test('repairs cover the sources within the deadline, as far as they can', (t) => {
	for (const [rate, skew, window] of [
		[0.05, 0, 4],
		[0.5, 0, 20],
		[0.5, 20, 10],
		[1, 0, 40],
		[15, 0, 64],
	] as const) {
		const found = repairWindow(placementOf(0.1, skew), PROMISE, 1.5, rate);
		t.deepEqual(found, {window, stride: 32}, `${rate} a ms`);
	}
});

test('at high rates they cover fewer, and never more than some thousand in a ms', (t) => {
	for (const rate of [16, 20, 40, 80, 160]) {
		const {window, stride} = repairWindow(placementOf(0.01), PROMISE, 1.5, rate);
		t.true(window >= 16 && window < 64, `${window} at ${rate} a ms`);
		t.is(stride, window / 2);
		t.true(window === 16 || 0.5 * rate * window <= 1000, `${window} at ${rate} a ms`);
	}
	t.is(repairWindow(placementOf(0.01), PROMISE, 1.5, 80).window, 16);
});

test('loss takes a longer reach: work is no reason to break a promise', (t) => {
	const windows = [0.01, 0.07, 0.12, 0.25].map(
		(loss) => repairWindow(placementOf(loss), PROMISE, 1.5, 80).window,
	);
	t.deepEqual(windows, [16, 32, 64, 64]);
});

test('a factor of 1 makes no repairs, so no work', (t) => {
	t.is(repairWindow(placementOf(0.01), PROMISE, 1, 80).window, 64);
});
