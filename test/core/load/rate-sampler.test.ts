import test from 'ava';
import {createSnapshot} from '../../../src/core/load/rate-model.ts';
import {RateSampler} from '../../../src/core/load/rate-sampler.ts';

const BYTES = 1000;

interface Path {
	/** When the packet sent at a time arrives, on the peer's clock. */
	readonly arrival: (sentAt: number) => number;
	/** When its report is back. */
	readonly report: (sentAt: number) => number;
}

/** Sends a packet each millisecond, reported one by one; the rates sampled after the first 100. */
function sampleRates({arrival, report}: Path): number[] {
	const sampler = new RateSampler();
	const snapshots = Array.from({length: 400}, createSnapshot);
	const rates: number[] = [];
	const events = snapshots.flatMap((_, sentAt) => [
		{at: sentAt, sentAt, isSent: true},
		{at: report(sentAt), sentAt, isSent: false},
	]);
	events.sort((a, b) => a.at - b.at || a.sentAt - b.sentAt);
	for (const {at, sentAt, isSent} of events) {
		const snapshot = snapshots[sentAt]!;
		if (isSent) sampler.onSent(at, BYTES, snapshot);
		else {
			sampler.onAcknowledged(BYTES, sentAt, snapshot);
			sampler.close(at, arrival(sentAt));
			if (sentAt >= 100) rates.push(sampler.rate);
		}
	}
	return rates;
}

test('measures the rate at which a slow path delivers', (t) => {
	// One packet each 2 ms arrives, whatever is sent.
	const arrival = (sentAt: number) => 5000 + 20 + 2 * sentAt;
	const rates = sampleRates({arrival, report: (sentAt) => 50 + 2 * sentAt});
	for (const rate of rates) t.true(Math.abs(rate - BYTES / 2) < 30, `${rate}`);
});

test('reports that come in bunches do not blur the rate', (t) => {
	const arrival = (sentAt: number) => 5000 + 20 + 2 * sentAt;
	const report = (sentAt: number) => 50 + Math.ceil((2 * sentAt) / 40) * 40;
	for (const rate of sampleRates({arrival, report})) {
		t.true(Math.abs(rate - BYTES / 2) < 30, `${rate}`);
	}
});

test('a peer that lies about its clock gets no more than was sent', (t) => {
	const lies = [(sentAt: number) => sentAt / 1e6, () => 7, () => Number.NaN, () => -Infinity];
	for (const arrival of lies) {
		const rates = sampleRates({arrival, report: (sentAt) => sentAt + 50});
		for (const rate of rates) t.true(rate <= 1.02 * BYTES, `${rate}`);
	}
});

test('marks what was sent while there was not enough to send', (t) => {
	const sampler = new RateSampler();
	const before = createSnapshot();
	const after = createSnapshot();
	sampler.onSent(0, BYTES, before);
	sampler.setApplicationLimited();
	sampler.onSent(1, BYTES, after);
	t.deepEqual([before.appLimited, after.appLimited], [false, true]);
	sampler.onAcknowledged(BYTES, 0, before);
	sampler.onAcknowledged(BYTES, 1, after);
	t.true(sampler.close(50, 20));
	t.true(sampler.appLimited);
	sampler.onSent(60, BYTES, before);
	t.false(before.appLimited);
	t.is(sampler.inFlight, BYTES);
	t.false(sampler.close(70, 20));
});
