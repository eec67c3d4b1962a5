import test from 'ava';
import fc from 'fast-check';
import {BbrModel} from '../../../src/core/load/bbr-model.ts';
import {NewRenoModel} from '../../../src/core/load/new-reno-model.ts';
import type {RateModel, SendSnapshot} from '../../../src/core/load/rate-model.ts';
import {Prng} from '../../../src/sim/prng.ts';

const BYTES = 1228;
const MODELS: readonly (readonly [string, () => RateModel])[] = [
	['BBR', () => new BbrModel(new Prng(1), 50)],
	['NewReno', () => new NewRenoModel()],
];

/** Sends as long as the window is open; the packets. */
function fill(model: RateModel, now: number): {readonly sentAt: number; snapshot: SendSnapshot}[] {
	const sent: {sentAt: number; snapshot: SendSnapshot}[] = [];
	for (let at = now; ; ) {
		const wait = model.delayUntilSend(at, BYTES);
		if (wait === Number.POSITIVE_INFINITY) return sent;
		at += wait;
		const snapshot = model.createSnapshot();
		model.onSent(at, BYTES, snapshot);
		sent.push({sentAt: at, snapshot});
	}
}

for (const [name, create] of MODELS) {
	test(`${name} paces its first window and then waits for a report`, (t) => {
		const model = create();
		t.is(model.delayUntilSend(0, BYTES), 0);
		const sent = fill(model, 0);
		t.is(model.inFlight, sent.length * BYTES);
		t.is(sent.length, Math.floor(model.window / BYTES));
		const span = sent.at(-1)!.sentAt - sent[0]!.sentAt;
		const even = ((sent.length - 1) * BYTES) / model.pacingRate;
		// Up to 4 ms may be made up for.
		t.true(span > 0 && Math.abs(span - even) <= 4.5, `${span} ${even}`);
	});

	test(`${name} measures round trip and queue`, (t) => {
		const model = create();
		// Not the first ones, which leave at once.
		const [first, second, third] = fill(model, 0).slice(-3);
		let now = 40;
		for (const [packet, queue] of [
			[first!, 8],
			[second!, 0],
			[third!, 21],
		] as const) {
			now = packet.sentAt + 40 + queue;
			model.onAcknowledged(now, BYTES, packet.sentAt, packet.snapshot);
			model.onFeedback(now, packet.sentAt, packet.sentAt + 9e8 + queue);
		}
		t.true(Math.abs(model.queueingDelay - 21) < 1e-6);
		t.true(model.srtt > 40 && model.srtt < 61);
		t.is(model.inFlight, fillCount(model) * BYTES);
	});

	test(`${name} stays usable whatever the peer claims`, (t) => {
		const clock = fc.oneof(fc.double(), fc.integer());
		const steps = fc.array(fc.tuple(fc.nat(300), fc.boolean(), fc.boolean(), clock), {
			maxLength: 60,
		});
		fc.assert(
			fc.property(steps, (list) => {
				const model = create();
				const flying: {sentAt: number; snapshot: SendSnapshot}[] = [];
				let now = 0;
				for (const [wait, isLost, isIdle, received] of list) {
					now += wait;
					if (isIdle) model.setApplicationLimited(now);
					for (let i = 0; i < 5 && model.delayUntilSend(now, BYTES) === 0; i++) {
						const snapshot = model.createSnapshot();
						model.onSent(now, BYTES, snapshot);
						flying.push({sentAt: now, snapshot});
					}
					const packet = flying.shift();
					if (packet === undefined) continue;
					if (isLost) model.onLost(now, BYTES, packet.sentAt, packet.snapshot);
					else model.onAcknowledged(now, BYTES, packet.sentAt, packet.snapshot);
					model.onFeedback(now, packet.sentAt, received);
					if (model.inFlight !== flying.length * BYTES) return false;
					if (!(model.window >= 2 * BYTES && model.window < 2 ** 31)) return false;
					if (!(model.pacingRate > 0 && model.pacingRate < 1e9)) return false;
				}
				return true;
			}),
			// Five packets of one moment that the next nothing of a millisecond is enough for.
			{examples: [[[0, 0, 0, 0, 0, 5e-324].map((at) => [0, false, false, at])]]},
		);
		t.pass();
	});
}

/** How many packets are in flight. */
function fillCount(model: RateModel): number {
	return Math.round(model.inFlight / BYTES);
}

test('NewReno doubles, halves once for the losses of a round trip, and grows by a packet', (t) => {
	const model = new NewRenoModel();
	const first = fill(model, 0);
	t.is(model.window, 10 * BYTES);
	for (const {sentAt, snapshot} of first) model.onAcknowledged(50, BYTES, sentAt, snapshot);
	model.onFeedback(50, first.at(-1)!.sentAt, 25);
	t.is(model.window, 20 * BYTES);
	const second = fill(model, 60);
	const end = second.at(-1)!.sentAt + 50;
	for (const {sentAt, snapshot} of second.slice(0, 3)) model.onLost(end, BYTES, sentAt, snapshot);
	t.is(model.window, 10 * BYTES);
	for (const {sentAt, snapshot} of second.slice(3)) {
		model.onAcknowledged(end, BYTES, sentAt, snapshot);
	}
	model.onFeedback(end, second.at(-1)!.sentAt, end - 25);
	t.is(model.window, 10 * BYTES);
	const third = fill(model, end + 1);
	for (const {sentAt, snapshot} of third) {
		model.onAcknowledged(end + 60, BYTES, sentAt, snapshot);
	}
	t.true(Math.abs(model.window - 11 * BYTES) < 0.1 * BYTES);
	for (let now = end + 100; now < end + 1000; now += 100) {
		for (const {sentAt, snapshot} of fill(model, now)) {
			model.onLost(now + 50, BYTES, sentAt, snapshot);
		}
	}
	t.is(model.window, 2 * BYTES);
	t.is(model.inFlight, 0);
});

test('NewReno does not grow while it has too little to send', (t) => {
	const model = new NewRenoModel();
	const snapshot = model.createSnapshot();
	for (let now = 0; now < 1000; now += 100) {
		model.setApplicationLimited(now);
		model.onSent(now, BYTES, snapshot);
		model.onAcknowledged(now + 50, BYTES, now, snapshot);
		model.onFeedback(now + 50, now, now);
	}
	t.is(model.window, 10 * BYTES);
});

test('BBR keeps what it knows of the path while it has little to send', (t) => {
	const model = new BbrModel(new Prng(1), 50);
	let now = 0;
	const rates: number[] = [];
	for (let round = 0; round < 40; round++) {
		const packets = fill(model, now);
		// The path delivers one packet each 0.5 ms.
		now = Math.max(packets.at(-1)!.sentAt, now + packets.length / 2) + 50;
		for (const {sentAt, snapshot} of packets) model.onAcknowledged(now, BYTES, sentAt, snapshot);
		model.onFeedback(now, packets.at(-1)!.sentAt, now - 25);
	}
	rates.push(model.pacingRate);
	const snapshot = model.createSnapshot();
	for (let packet = 0; packet < 100; packet++) {
		model.setApplicationLimited(now);
		now += 20;
		model.onSent(now, BYTES, snapshot);
		model.onAcknowledged(now + 50, BYTES, now, snapshot);
		model.onFeedback(now + 50, now, now + 25);
		now += 60;
	}
	// The phases of probing differ by 0.75 / 1.25 at most.
	t.true(model.pacingRate > 0.59 * rates[0]!, `${model.pacingRate} after ${rates[0]}`);
});
