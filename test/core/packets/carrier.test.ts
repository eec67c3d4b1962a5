import test, {type ExecutionContext} from 'ava';
import {createRateModel} from '../../../src/core/load/rate-models.ts';
import {Carrier, type CarrierEvents} from '../../../src/core/packets/carrier.ts';
import {type PacketOwner, SentPacket} from '../../../src/core/packets/sent-packet.ts';
import {Prng} from '../../../src/sim/prng.ts';
import {PathReport} from '../../../src/wire/frames/feedback.ts';
import {pathOf} from '../session/core-fixtures.ts';

const MOST = 512;

const OWNER: PacketOwner = {received: () => {}, lost: () => {}, released: () => {}};

/** A path's list of packets, and how many of them came to which end. */
class Bench implements CarrierEvents {
	now = 1000;
	received = 0;
	lost = 0;
	readonly carrier: Carrier;

	constructor(packets: number) {
		const path = pathOf(0);
		const model = createRateModel('bbr', new Prng('carrier'), 50);
		this.carrier = new Carrier(path, () => model, this);
		for (let i = 0; i < packets; i++) {
			if (i % 64 === 0) this.now += 1;
			this.carrier.sent(new SentPacket(OWNER), i, 1228, this.now);
		}
		this.now += 5;
	}

	copyReceived(): void {
		this.received++;
	}

	copyLost(): void {
		this.lost++;
	}

	/** A report of which the bits are as `comes` says; the packets that it settled. */
	report(largest: number, comes: (number: number) => boolean): number {
		const report = new PathReport();
		report.largest = largest;
		report.length = report.bitmap.length;
		for (let i = 0; i < report.length * 8; i++) {
			if (comes(largest - 1 - i)) report.bitmap[i >> 3]! |= 1 << (i & 7);
		}
		const before = this.received + this.lost;
		const settled = this.carrier.reported(report, this.now, this.now, MOST);
		this.now += 0.1;
		if (settled !== this.received + this.lost - before) throw new Error('miscounted');
		return settled;
	}
}

/** Reports the same until nothing new is in it; how often that took. */
function repeat(t: ExecutionContext, report: () => number): number {
	for (let count = 1; ; count++) {
		const settled = report();
		t.true(settled <= MOST, `${settled}`);
		if (settled === 0 || count > 100) return count;
	}
}

test('a report of a thousand receipts is taken in parts, and none is called a loss', (t) => {
	const bench = new Bench(1025);
	t.is(
		repeat(t, () => bench.report(1024, () => true)),
		4,
	);
	t.deepEqual([bench.received, bench.lost], [1025, 0]);
});

test('one receipt after a long silence gives up so many at a time, the rest by timer at once', (t) => {
	const bench = new Bench(20_000);
	t.is(
		bench.report(19_999, () => false),
		MOST,
	);
	let calls = 0;
	while (bench.carrier.nextTimeout() <= bench.now) {
		const before = bench.lost;
		bench.carrier.handleTimeout(bench.now);
		t.true(bench.lost - before <= MOST);
		calls++;
	}
	t.is(calls, Math.ceil((20_000 - MOST - 2) / MOST));
	// The last two are not overtaken by three.
	t.deepEqual([bench.received, bench.lost], [1, 20_000 - 3]);
});

test('alternate receipts and losses of a report are settled in parts, the oldest first', (t) => {
	const bench = new Bench(1025);
	repeat(t, () => bench.report(1024, (number) => number % 2 === 0));
	while (bench.carrier.nextTimeout() <= bench.now) bench.carrier.handleTimeout(bench.now);
	t.is(bench.received, 513);
	t.true(bench.lost >= 510, `${bench.lost}`);
});
