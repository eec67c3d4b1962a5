import test from 'ava';
import {PathJudge} from '../../../src/core/path/judge.ts';
import {Sent} from '../../../src/core/sent.ts';
import {Prng} from '../../../src/sim/prng.ts';

/** Times in ms: a path of 40 ms, data every 20, judged by a clock of 5. */
const RTT = 40;
const TICK = 5;
const DATA_EVERY = 20;
const PATIENCE = 80;

interface Report {
	readonly at: number;
	readonly packets: number;
	readonly probes: number;
	readonly echo: number;
}

/** One judged path and `others` beside it, all of the same loss in both directions. */
class LossyPaths {
	readonly judge = new PathJudge();
	readonly #random: Prng;
	readonly #loss: number;
	readonly #others: number;
	#packets = 0;
	#probes = 0;
	#seenPackets = 0;
	#seenProbes = 0;
	#arrivals: {readonly at: number; readonly probe: boolean}[] = [];
	#reports: Report[] = [];
	#nextProbe = 0;
	#reportSilence = 0;
	/** When the judged path dies. */
	dies = Number.POSITIVE_INFINITY;

	constructor(loss: number, others: number, seed: string) {
		this.#loss = loss;
		this.#others = others;
		this.#random = new Prng(seed);
	}

	#through(): boolean {
		return this.#random.uniform() >= this.#loss;
	}

	#circumstances() {
		const loss = Math.min(0.5, Math.max(this.#loss, 1e-3));
		return {patience: PATIENCE, loss, reportSilence: this.#reportSilence};
	}

	tick(now: number): void {
		this.#arrive(now);
		this.#read(now);
		if (now % DATA_EVERY === 0 && this.judge.state !== 'down') this.#send(now, Sent.DATA);
		if (now >= this.#nextProbe) this.#probe(now);
		if (now >= this.judge.nextTimeout(PATIENCE)) this.judge.judge(now, this.#circumstances());
	}

	#send(now: number, what: Sent): boolean {
		this.judge.sent(now, what, PATIENCE);
		const arrives = this.#through() && now < this.dies;
		if (arrives) this.#arrivals.push({at: now + RTT / 2, probe: what === Sent.PROBE});
		return arrives;
	}

	#probe(now: number): void {
		const {state} = this.judge;
		this.#nextProbe = now + (state === 'down' ? 200 : state === 'suspect' ? 25 : 100);
		const failure = 1 - (1 - this.#loss) ** 2;
		if (this.#send(now, Sent.PROBE) && this.#through()) this.#answer(now, now);
		for (let other = 0; other < this.#others; other++) {
			if (this.#through() && this.#through()) this.#answer(now, Number.NEGATIVE_INFINITY);
		}
		this.#reportSilence += (1 + this.#others) * Math.log(Math.max(failure, 1e-3));
	}

	/** The counts are filled in when the probe arrives, half a round trip later. */
	#answer(now: number, echo: number): void {
		this.#reports.push({at: now + RTT / 2, packets: -1, probes: -1, echo});
	}

	#arrive(now: number): void {
		while (this.#arrivals.length > 0 && this.#arrivals[0]!.at <= now) {
			this.#packets++;
			if (this.#arrivals.shift()!.probe) this.#probes++;
		}
	}

	#read(now: number): void {
		const [packets, probes] = [this.#packets, this.#probes];
		this.#reports = this.#reports.map((report) =>
			report.packets < 0 && report.at <= now
				? {at: now + RTT / 2, packets, probes, echo: report.echo}
				: report,
		);
		while (this.#reports.length > 0) {
			const report = this.#reports[0]!;
			if (report.packets < 0 || report.at > now) return;
			this.#reports.shift();
			this.#reportSilence = 0;
			const evidence = {
				packetsRose: report.packets > this.#seenPackets,
				probesRose: report.probes > this.#seenProbes,
				provenUntil: now - RTT,
				echoedAt: report.echo,
			};
			this.#seenPackets = Math.max(this.#seenPackets, report.packets);
			this.#seenProbes = Math.max(this.#seenProbes, report.probes);
			this.judge.report(evidence, now, this.#circumstances());
		}
	}
}

/** The share of `seconds` that a living path is judged down. */
function shareDown(loss: number, others: number, seconds: number): number {
	const paths = new LossyPaths(loss, others, `luck ${loss} ${others}`);
	let down = 0;
	for (let now = 0; now < seconds * 1000; now += TICK) {
		paths.tick(now);
		if (paths.judge.state === 'down') down += TICK;
	}
	return down / (seconds * 1000);
}

for (const others of [0, 2]) {
	for (const loss of [0.1, 0.2, 0.3, 0.4, 0.5]) {
		const where = others === 0 ? 'alone' : 'beside two others';
		test(`luck is excluded: a path of ${loss * 100} % loss ${where} stays up`, (t) => {
			// An hour of virtual time; the bound is what the product law allows.
			const share = shareDown(loss, others, 3600);
			t.true(share <= 0.001, `down for ${100 * share} % of the time`);
		});
	}
}

for (const loss of [0, 0.05, 0.1]) {
	test(`a path of ${loss * 100} % loss that dies is down 500 ms and its patience later`, (t) => {
		for (let seed = 0; seed < 50; seed++) {
			const paths = new LossyPaths(loss, 2, `dies ${seed}`);
			const dies = 10_000 + 5 * seed;
			paths.dies = dies;
			let now = 0;
			while (paths.judge.state !== 'down' || now < dies) {
				paths.tick(now);
				now += TICK;
				if (now > dies + 5000) break;
			}
			t.true(now - dies <= 500 + PATIENCE, `seed ${seed}: ${now - dies} ms`);
		}
	});
}

test('a path of 30 % loss that dies is down within a second', (t) => {
	for (let seed = 0; seed < 50; seed++) {
		const paths = new LossyPaths(0.3, 2, `dies ${seed}`);
		paths.dies = 10_000;
		let now = 0;
		while (now < 11_000) {
			paths.tick(now);
			now += TICK;
		}
		t.is(paths.judge.state, 'down', `seed ${seed}`);
	}
});
