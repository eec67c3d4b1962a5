import test from 'ava';
import type {Plan} from '../../src/fec/plan.ts';
import {CodedSender} from '../../src/fec/sender.ts';
import {SymbolMemory} from '../../src/fec/symbol-memory.ts';
import {TableKernel} from '../../src/fec/table-kernel.ts';
import {Prng} from '../../src/sim/prng.ts';
import {links} from '../support/lanes/lane-cases.ts';
import {LaneRun} from '../support/lanes/lane-run.ts';
import {planOf} from '../support/lanes/plan.ts';
import {CHECKED} from './checked-format.ts';

const BYTES = 1000;

/** A sender, and the packets that each path carried. */
class Fed {
	readonly sender: CodedSender;
	readonly sources: number[] = [0, 0, 0, 0];
	readonly repairs: number[] = [0, 0, 0, 0];
	readonly closed = new Set<number>();
	now = 0;

	constructor(plan: Plan) {
		this.sender = new CodedSender({
			memory: new SymbolMemory(new TableKernel(), 1 << 20),
			format: CHECKED,
			first: 0,
			plan,
			port: {
				admits: (path) => !this.closed.has(path),
				sendRepair: (path) => {
					if (this.closed.has(path)) return 0;
					this.repairs[path]!++;
					return BYTES;
				},
			},
			random: new Prng(1),
		});
	}

	run(count: number, bytes: number = BYTES): void {
		const routed: number[] = [];
		const content = {bytes: new Uint8Array(20), start: 0, end: 20};
		for (let i = 0; i < count; i++, this.now++) {
			const paths = routed.slice(0, this.sender.route(bytes, routed));
			this.sender.add(content, bytes, paths.length, this.now);
			for (const path of paths) {
				this.sender.charge(path, bytes);
				this.sources[path]!++;
			}
			this.sender.flush(this.now);
		}
	}
}

/** Differences between two states of counts. */
function since(before: readonly number[], after: readonly number[]): readonly number[] {
	return after.map((count, path) => count - before[path]!);
}

function isEven(counts: readonly number[], slack: number): boolean {
	return Math.max(...counts) - Math.min(...counts) <= slack;
}

test('sources and repairs are spread evenly over the paths of a plan', (t) => {
	const fed = new Fed(planOf(1.5, 32));
	fed.run(3000);
	t.true(isEven(fed.sources.slice(0, 3), 4), `${fed.sources}`);
	t.true(isEven(fed.repairs.slice(0, 3), 4), `${fed.repairs}`);
	t.is(fed.sources[3], 0);
	t.is(fed.sender.bytes, BYTES);
	t.true(Math.abs(fed.sender.slot - 1) < 1e-9, `${fed.sender.slot}`);
});

test('a path that took nothing for a while makes up for no more than some packets', (t) => {
	const fed = new Fed(planOf(1.5, 32));
	fed.closed.add(1);
	fed.run(3000);
	t.is(fed.sources[1], 0);
	fed.closed.clear();
	const [sources, repairs] = [[...fed.sources], [...fed.repairs]];
	fed.run(300);
	t.true(isEven(since(sources, fed.sources).slice(0, 3), 12), `${since(sources, fed.sources)}`);
	t.true(isEven(since(repairs, fed.repairs).slice(0, 3), 12), `${since(repairs, fed.repairs)}`);
});

test('a path that was in no plan makes up for no more than some packets', (t) => {
	const fed = new Fed(planOf(1.5, 32, {sources: [0, 1]}));
	fed.run(3000);
	fed.sender.plan = planOf(1.5, 32, {sources: [0, 1, 2, 3]});
	const sources = [...fed.sources];
	const repairs = [...fed.repairs];
	fed.run(400);
	t.true(isEven(since(sources, fed.sources), 12), `${since(sources, fed.sources)}`);
	t.true(isEven(since(repairs, fed.repairs), 12), `${since(repairs, fed.repairs)}`);
	fed.sender.plan = planOf(1.5, 32, {sources: [2], repairs: [3]});
	fed.run(1000);
	fed.sender.plan = planOf(1.5, 32, {sources: [0, 1, 2, 3]});
	const after = [...fed.sources];
	fed.run(400);
	t.true(isEven(since(after, fed.sources), 16), `${since(after, fed.sources)}`);
});

test('what is found to be lost is covered at once, on credit that ends', (t) => {
	const fed = new Fed(planOf(1.5, 32));
	fed.run(1000);
	const sum = () => fed.repairs.reduce((total, count) => total + count, 0);
	let before = sum();
	fed.sender.cover(20, fed.now);
	t.is(sum() - before, 20);
	// A path falls silent after every tenth source.
	before = sum();
	for (let i = 0; i < 100; i++) {
		fed.run(10);
		fed.sender.cover(20, fed.now);
	}
	t.true(sum() - before <= 500 + 65 - 20, `${sum() - before} repairs for 1,000 sources`);
	before = sum();
	fed.run(1000);
	t.true(sum() - before <= 500 - 60, `${sum() - before} repairs where there is a debt`);
});

test('bursts of more sources than a repair covers are covered, whatever the mean rate', (t) => {
	for (const [burst, every, window] of [
		[100, 40, 64],
		[60, 10, 20],
		[300, 100, 64],
	] as const) {
		const run = new LaneRun({
			...{seed: 1, links: links(0.1), rate: (1000 * burst) / every, sources: 6000, within: 40},
			plan: planOf(2, window),
			timeOf: (index) => Math.floor(index / burst) * every,
		});
		const {lost, late, traffic} = run.run();
		t.deepEqual({lost, late}, {lost: 0, late: 0}, `bursts of ${burst}`);
		t.true(traffic < 2.05, `${traffic}`);
	}
});

test('the mean time between sources is that of bursts and pauses together', (t) => {
	const fed = new Fed(planOf(1.5, 32));
	const slots: number[] = [];
	for (let burst = 0; burst < 40; burst++) {
		for (let i = 0; i < 60; i++) {
			fed.run(1);
			fed.now--;
		}
		slots.push(fed.sender.slot);
		fed.now += 30;
	}
	const settled = slots.slice(20);
	t.true(Math.min(...settled) > 0.4, `${settled}`);
	t.true(Math.max(...settled) < 0.6, `${settled}`);
	fed.now += 500;
	for (let i = 0; i < 64; i++) {
		fed.run(1);
		fed.now += 99;
	}
	t.true(fed.sender.slot > 80, `${fed.sender.slot}`);
});

test('copies of short packets stay within the traffic factor', (t) => {
	for (const traffic of [1, 1.25, 2]) {
		const fed = new Fed(planOf(traffic, 32));
		for (let i = 0; i < 200; i++) {
			fed.run(1, 1400);
			fed.run(20, 200);
		}
		const {sourceBytes, extraBytes, copies} = fed.sender.counts;
		const factor = 1 + extraBytes / sourceBytes;
		t.true(factor <= traffic + 0.01, `${factor}`);
		t.true(factor > traffic - 0.05, `${factor}`);
		t.true(traffic === 1 || copies > 500, `${copies}`);
	}
});

test('paths that prove silent again and again draw no repairs without end', (t) => {
	const fed = new Fed(planOf(1.25, 32));
	for (let i = 0; i < 300; i++) {
		fed.run(10);
		fed.sender.cover(20, fed.now);
	}
	const {sourceBytes, extraBytes, repairs} = fed.sender.counts;
	t.true(extraBytes / sourceBytes < 0.25 + 66 / 3000, `${extraBytes / sourceBytes}`);
	t.true(repairs > 700, `${repairs}`);
});

test('copies that a plan has no room for take no repairs of a later plan', (t) => {
	const fed = new Fed(planOf(1, 32, {sources: [0, 1], samples: [2]}));
	fed.run(50_000);
	fed.sender.plan = planOf(1.5, 32, {sources: [0, 1], samples: [2]});
	fed.run(400);
	t.true(fed.repairs[0]! + fed.repairs[1]! > 50, `${fed.repairs}`);
});
