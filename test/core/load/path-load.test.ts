import test from 'ava';
import {BbrModel} from '../../../src/core/load/bbr-model.ts';
import {NewRenoModel} from '../../../src/core/load/new-reno-model.ts';
import {PathLoad} from '../../../src/core/load/path-load.ts';
import type {RateModel} from '../../../src/core/load/rate-model.ts';
import {Prng} from '../../../src/sim/prng.ts';

const BYTES = 1228;
/** Models, and packets of which twice as many fit into the first window. */
const MODELS: readonly (readonly [string, () => RateModel, number])[] = [
	['BBR', () => new BbrModel(new Prng(1), 50), 30],
	['NewReno', () => new NewRenoModel(), 5],
];

/** Sends a packet that can wait; when. */
function send(load: PathLoad, model: RateModel, from: number): number {
	const now = from + load.delayUntilSend(from, BYTES);
	load.onSent(now, BYTES, model.createSnapshot());
	return now;
}

test('a path has one rate model, whoever asks first', (t) => {
	const load = new PathLoad();
	const model = load.rateModel(() => new NewRenoModel());
	t.is(
		load.rateModel(() => t.fail() as never),
		model,
	);
});

for (const [name, create, count] of MODELS) {
	test(`copies put off what can wait, and are not put off themselves, ${name}`, (t) => {
		const alone = new PathLoad();
		const shared = new PathLoad();
		const [first, second] = [alone.rateModel(create), shared.rateModel(create)];
		let [aloneAt, sharedAt] = [0, 0];
		for (let i = 0; i < count; i++) {
			aloneAt = send(alone, first, aloneAt);
			t.true(shared.admits(BYTES, sharedAt));
			sharedAt = send(shared, second, sharedAt);
		}
		t.true(sharedAt > 1.5 * aloneAt + 1, `${sharedAt} instead of ${aloneAt}`);
		t.is(second.besideInFlight, (count - 1) * BYTES);
	});

	test(`copies leave something to what waits, however many, ${name}`, (t) => {
		const load = new PathLoad();
		const model = load.rateModel(create);
		const times: number[] = [];
		for (let now = 0; now < 2000; now++) {
			for (let i = 0; i < 20; i++) load.admits(BYTES, now);
			if (load.delayUntilSend(now, BYTES) > 0) continue;
			const snapshot = model.createSnapshot();
			load.onSent(now, BYTES, snapshot);
			times.push(now);
			model.onAcknowledged(now, BYTES, now, snapshot);
		}
		t.true(times.length >= 10, `${times.length}`);
		t.true(times.at(-1)! > 1800);
	});
}

test('the measured rate is that of the path, copies included', (t) => {
	const load = new PathLoad();
	const model = load.rateModel(() => new BbrModel(new Prng(1), 40));
	// A packet and three copies each 2 ms, all of which arrive.
	const flying: {sentAt: number; snapshot: ReturnType<RateModel['createSnapshot']>}[] = [];
	for (let now = 0; now < 4000; now += 2) {
		for (let i = 0; i < 3; i++) load.admits(BYTES, now);
		const snapshot = model.createSnapshot();
		load.onSent(now, BYTES, snapshot);
		flying.push({sentAt: now, snapshot});
		if (flying.length <= 20) continue;
		const packet = flying.shift()!;
		model.onAcknowledged(now, BYTES, packet.sentAt, packet.snapshot);
		model.onFeedback(now, packet.sentAt, packet.sentAt + 20);
	}
	const rate = (4 * BYTES) / 2;
	t.true(model.pacingRate > 0.7 * rate, `${model.pacingRate} of ${rate}`);
	t.true(model.pacingRate < 3 * rate, `${model.pacingRate} of ${rate}`);
	// What was sent after the newest packet that is known to have arrived: 20 times three copies.
	t.is(model.besideInFlight, 60 * BYTES);
});

test("a user's limit holds for both, and copies find room beside what fills it", (t) => {
	const load = new PathLoad();
	load.saturation.configure(8000);
	const model = load.rateModel(() => new BbrModel(new Prng(1), 1));
	let copies = 0;
	let waited = 0;
	for (let now = 0; now < 10_000; now++) {
		// 3 of 8 Mbit/s are copies.
		if (now % 10 < 3) {
			t.true(load.admits(1250, now));
			copies += 1250;
		}
		while (load.saturation.delayUntilSend(now, BYTES) === 0) {
			const snapshot = model.createSnapshot();
			load.onSent(now, BYTES, snapshot);
			model.onAcknowledged(now, BYTES, now, snapshot);
			waited += BYTES;
		}
	}
	t.is(load.saturation.dropped, 0);
	const rate = (copies + waited) / 10_000;
	t.true(rate > 980 && rate < 1010, `${rate} bytes/ms`);
});

test('NewReno beside copies shrinks for a queue of its own, and not on and on for one of others', (t) => {
	const load = new PathLoad();
	const model = load.rateModel(() => new NewRenoModel());
	let now = 0;
	const round = (queue: number) => {
		const packets = [];
		for (let i = 0; i < 5; i++) {
			load.admits(BYTES, now);
			const snapshot = model.createSnapshot();
			load.onSent(now, BYTES, snapshot);
			packets.push({sentAt: now, snapshot});
			now += 1;
		}
		load.admits(BYTES, now);
		now += 40 + queue;
		for (const {sentAt, snapshot} of packets) model.onAcknowledged(now, BYTES, sentAt, snapshot);
		const last = packets.at(-1)!.sentAt;
		model.onFeedback(now, last, last + 20 + queue);
	};
	for (let i = 0; i < 5; i++) round(0);
	t.false(model.settled);
	round(10);
	t.true(model.settled);
	const before = model.window;
	round(50);
	t.true(model.window < 0.9 * before, `${model.window} of ${before}`);
	for (let i = 0; i < 30; i++) round(50);
	t.true(model.window > 0.3 * before, `${model.window} of ${before}`);
});
