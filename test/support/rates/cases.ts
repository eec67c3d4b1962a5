import {BbrModel} from '../../../src/core/load/bbr-model.ts';
import {NewRenoModel} from '../../../src/core/load/new-reno-model.ts';
import type {LinkConfig} from '../../../src/sim/link-config.ts';
import {type FlowOptions, RateBottleneck, type WorldOptions} from './bottleneck.ts';
import {least, most, type NumberedCase} from './numbered-case.ts';

const MBIT = 1e6;
const bbr: FlowOptions = {model: (random) => new BbrModel(random, 50)};
const reno: FlowOptions = {model: () => new NewRenoModel()};

/** Mbit/s, milliseconds of round trip, share lost at random, buffer in bandwidth-delay products. */
function link(rate: number, rtt: number, loss: number, buffer: number): Partial<LinkConfig> {
	return {
		rate: rate * MBIT,
		delay: rtt / 2,
		loss: loss > 0 ? {kind: 'random', loss} : {kind: 'none'},
		queue: {millis: buffer * rtt},
	};
}

function policer(burst: number): Partial<LinkConfig> {
	return {delay: 25, policer: {rate: 20 * MBIT, burst}};
}

function run(seed: number, end: number, options: Omit<WorldOptions, 'seed'>): RateBottleneck {
	const world = new RateBottleneck({seed, ...options});
	world.run(end);
	return world;
}

function goodput(name: string, bottleneck: Partial<LinkConfig>, limit: number): NumberedCase {
	return {
		name: `one flow, ${name}`,
		run: (seed) => {
			const world = run(seed, 13_000, {link: bottleneck, flows: [bbr]});
			return [least('Mbit/s, second 3 to 13', world.rate(0, 3000, 13_000), limit)];
		},
	};
}

function ownLoss(name: string, bottleneck: Partial<LinkConfig>, limit: number): NumberedCase {
	return {
		name: `one flow, ${name}`,
		run: (seed) => {
			const world = run(seed, 13_000, {link: bottleneck, flows: [bbr]});
			const {loss} = bottleneck;
			const random = loss?.kind === 'random' ? loss.loss : 0;
			return [
				most('% lost by its own doing', 100 * (world.loss(0) - random), 15),
				least('Mbit/s, second 3 to 13', world.rate(0, 3000, 13_000), limit),
			];
		},
	};
}

function burstLink(): Partial<LinkConfig> {
	return {...link(100, 50, 0, 1), loss: {kind: 'burst', loss: 0.1, meanBurst: 8}};
}

interface Pair {
	readonly world: RateBottleneck;
	readonly first: number;
	readonly second: number;
}

/** Two flows, the second 10 s later; Mbit/s over the last 30 of 60 s. */
function pair(seed: number, bottleneck: Partial<LinkConfig>, a: FlowOptions, b: FlowOptions): Pair {
	const flows = [a, {...b, startAt: 10_000}];
	const world = run(seed, 60_000, {link: bottleneck, flows});
	return {world, first: world.rate(0, 30_000, 60_000), second: world.rate(1, 30_000, 60_000)};
}

function fairness(
	name: string,
	bottleneck: Partial<LinkConfig>,
	limit: number,
	extra: readonly [number, number] = [0, 0],
): NumberedCase {
	return {
		name: `two flows, ${name}`,
		run: (seed) => {
			const a = {...bbr, extraDelay: extra[0]};
			const b = {...bbr, extraDelay: extra[1]};
			const {world, first, second} = pair(seed, bottleneck, a, b);
			const jain = (first + second) ** 2 / (2 * (first ** 2 + second ** 2));
			const loss = Math.max(world.loss(0), world.loss(1));
			return [least("Jain's index", jain, limit), most('% lost, the worse', 100 * loss, 15)];
		},
	};
}

function besideReno(name: string, a: FlowOptions, b: FlowOptions): NumberedCase {
	return {
		name: `beside NewReno, ${name}`,
		run: (seed) => {
			const {first, second} = pair(seed, link(20, 50, 0, 1), a, b);
			const smaller = (100 * Math.min(first, second)) / (first + second);
			return [least('% that the smaller gets', smaller, 25), least('Mbit/s', first + second, 18)];
		},
	};
}

function latency(name: string, bottleneck: Partial<LinkConfig>): NumberedCase {
	return {
		name: `50 packets/s beside a flow, ${name}`,
		run: (seed) => {
			const world = run(seed, 60_000, {link: bottleneck, flows: [bbr], smallFlow: 50});
			const later = world.smallQueueing(0.99, 2000, 60_000);
			return [
				most('ms more, p99 after 2 s', later, 20),
				most('ms more, p99 of the first 2 s', world.smallQueueing(0.99, 0, 2000), 150),
				least('Mbit/s', world.rate(0, 2000, 60_000), 18),
			];
		},
	};
}

/** A link that changes after 10 s: the rate two seconds later, and the queue from then on. */
function change(
	name: string,
	before: Partial<LinkConfig>,
	to: Partial<LinkConfig>,
	limit: number,
): NumberedCase {
	return {
		name: `after 10 s ${name}`,
		run: (seed) => {
			const options = {link: before, flows: [bbr], smallFlow: 50};
			const world = run(seed, 16_000, {...options, change: {at: 10_000, link: to}});
			return [
				least('Mbit/s, second 12 to 16', world.rate(0, 12_000, 16_000), limit),
				most('ms of queue, p99', world.smallQueueing(0.99, 12_000, 16_000), 60),
			];
		},
	};
}

const outage = {outages: [{from: 5000, until: 7000}]};

/** Goodput of NewReno at 1 % loss, to compare with what is known of it (2.3 Mbit/s at 50 ms). */
export function newRenoGoodput(seed: number): number {
	const world = run(seed, 13_000, {link: link(100, 50, 0.01, 1), flows: [reno]});
	return world.rate(0, 3000, 13_000);
}

/** Every number that the rate model has to reach. */
export const RATE_CASES: readonly NumberedCase[] = [
	goodput('100 Mbit/s, 50 ms', link(100, 50, 0, 1), 90),
	goodput('100 Mbit/s, 50 ms, 2 % loss', link(100, 50, 0.02, 1), 80),
	goodput('100 Mbit/s, 50 ms, 10 % loss', link(100, 50, 0.1, 1), 70),
	goodput(
		'500 Mbit/s, 280 ms, 20 ms jitter, 10 % loss',
		{...link(500, 280, 0.1, 1), jitter: 20},
		400,
	),
	goodput(
		'100 Mbit/s, 280 ms, 20 ms jitter that reorders, 10 % loss',
		{...link(100, 280, 0.1, 1), jitter: 20, jitterReorders: true},
		70,
	),
	goodput('100 Mbit/s, 50 ms, 30 % loss', link(100, 50, 0.3, 1), 40),
	goodput('100 Mbit/s, 50 ms, 10 % loss in bursts of 8', burstLink(), 70),
	goodput('100 Mbit/s, 50 ms, 20 ms jitter', {...link(100, 50, 0, 1), jitter: 20}, 65),
	goodput('1 Mbit/s, 50 ms', link(1, 50, 0, 1), 0.9),
	ownLoss('20 Mbit/s, 50 ms, buffer 1 BDP', link(20, 50, 0, 1), 18),
	ownLoss('20 Mbit/s, 50 ms, buffer 0.1 BDP', link(20, 50, 0, 0.1), 18),
	ownLoss('100 Mbit/s, 50 ms, buffer 0.1 BDP', link(100, 50, 0, 0.1), 90),
	ownLoss('100 Mbit/s, 50 ms, buffer 0.1 BDP, 10 % loss', link(100, 50, 0.1, 0.1), 70),
	ownLoss('policer 20 Mbit/s, 15 kB', policer(15_000), 18),
	ownLoss('policer 20 Mbit/s, 60 kB', policer(60_000), 18),
	ownLoss('policer 20 Mbit/s, 250 kB', policer(250_000), 18),
	fairness('20 Mbit/s, 50 ms, buffer 1 BDP', link(20, 50, 0, 1), 0.9),
	fairness('100 Mbit/s, 50 ms, buffer 1 BDP', link(100, 50, 0, 1), 0.9),
	fairness('20 Mbit/s, 50 ms, buffer 0.1 BDP', link(20, 50, 0, 0.1), 0.9),
	fairness('20 Mbit/s, 50 ms, 5 % loss', link(20, 50, 0.05, 1), 0.9),
	fairness('policer 20 Mbit/s, 60 kB', policer(60_000), 0.9),
	fairness('20 Mbit/s, 20 ms and then 80 ms', link(20, 20, 0, 4), 0.7, [0, 30]),
	fairness('20 Mbit/s, 80 ms and then 20 ms', link(20, 20, 0, 4), 0.7, [30, 0]),
	fairness('20 Mbit/s, 20 ms and then 80 ms, small buffer', link(20, 20, 0, 1), 0.7, [0, 30]),
	besideReno('NewReno second', bbr, reno),
	besideReno('NewReno first', reno, bbr),
	latency('20 Mbit/s, 50 ms, buffer 1 BDP', link(20, 50, 0, 1)),
	latency('20 Mbit/s, 50 ms, buffer 6 BDP', link(20, 50, 0, 6)),
	latency('20 Mbit/s, 100 ms, buffer 1 BDP', link(20, 100, 0, 1)),
	change('100 instead of 20 Mbit/s', link(20, 50, 0, 1), {rate: 100 * MBIT}, 80),
	change('20 instead of 100 Mbit/s', link(100, 50, 0, 1), {rate: 20 * MBIT}, 17),
	change('100 instead of 20 Mbit/s, 200 ms', link(20, 200, 0, 1), {rate: 100 * MBIT}, 40),
	change('20 instead of 100 Mbit/s, 300 ms of buffer', link(100, 50, 0, 6), {rate: 20 * MBIT}, 17),
	change('20 % loss', link(100, 50, 0, 1), {loss: {kind: 'random', loss: 0.2}}, 60),
	{
		name: 'one flow, 400 Mbit/s, 0.2 ms, timers of 1 ms',
		run: (seed) => {
			const fast = {...link(400, 0.2, 0, 1), queue: {millis: 25}};
			const world = run(seed, 5000, {link: fast, flows: [{...bbr, tick: 1}], smallFlow: 50});
			return [
				least('Mbit/s, second 2 to 5', world.rate(0, 2000, 5000), 380),
				most('ms of queue, p99', world.smallQueueing(0.99, 2000, 5000), 10),
			];
		},
	},
	{
		name: 'one flow, 100 Mbit/s, 50 ms, an outage of 2 s',
		run: (seed) => {
			const world = run(seed, 9500, {link: {...link(100, 50, 0, 1), ...outage}, flows: [bbr]});
			return [least('Mbit/s, second 7.5 to 9.5', world.rate(0, 7500, 9500), 80)];
		},
	},
];
