import test from 'ava';
import {BbrModel} from '../../../src/core/rate/bbr-model.ts';
import {NewRenoModel} from '../../../src/core/rate/new-reno-model.ts';
import {Prng} from '../../../src/sim/prng.ts';
import {RateWorld} from '../../support/rate-world.ts';

const RATE = 20_000_000;

function bottleneck(buffer: number, roundTrip = 50) {
	const bytes = ((RATE / 8) * roundTrip * buffer) / 1000;
	return {rate: RATE, delay: roundTrip / 2, queue: {bytes}};
}

const bbr = (seed: number) => new BbrModel(new Prng(seed), 50);

function jain(a: number, b: number): number {
	return (a + b) ** 2 / (2 * (a * a + b * b));
}

test('two equal flows share a bottleneck', (t) => {
	const world = new RateWorld(bottleneck(1), 1);
	const first = world.add(bbr(1), 25, 0);
	const second = world.add(bbr(2), 25, 10_000);
	world.run(60_000);
	const [a, b] = [first.rate(30_000, 60_000), second.rate(30_000, 60_000)];
	t.true(jain(a, b) >= 0.9, `${a} and ${b} Mbit/s`);
	t.true(a + b >= 0.9 * 20, `${a} and ${b} Mbit/s`);
});

test('a flow of 20 ms and one of 80 ms share a bottleneck', (t) => {
	const world = new RateWorld(bottleneck(1, 20), 2);
	const first = world.add(bbr(3), 10, 0);
	const second = world.add(bbr(4), 70, 10_000);
	world.run(60_000);
	const [a, b] = [first.rate(30_000, 60_000), second.rate(30_000, 60_000)];
	t.true(jain(a, b) >= 0.7, `${a} and ${b} Mbit/s`);
});

test('beside a NewReno flow each gets a quarter', (t) => {
	const world = new RateWorld(bottleneck(1), 3);
	const reno = world.add(new NewRenoModel(), 25, 0);
	const ours = world.add(bbr(5), 25, 5000);
	world.run(60_000);
	const [a, b] = [reno.rate(20_000, 60_000), ours.rate(20_000, 60_000)];
	t.true(a >= 5 && b >= 5, `NewReno ${a}, ours ${b} Mbit/s`);
});

for (const buffer of [1, 0.1]) {
	test(`a buffer of ${buffer} times the path's volume: little loss of our own, most of the rate`, (t) => {
		const world = new RateWorld(bottleneck(buffer), 4);
		const {rate, lost, packets} = count(world);
		t.true(lost / packets <= 0.15, `${lost} of ${packets}`);
		t.true(rate >= 0.85 * 20, `${rate} Mbit/s`);
	});
}

test('a policer drops little of what is sent', (t) => {
	const policer = {rate: RATE, burst: 50_000};
	const {rate, lost, packets} = count(new RateWorld({delay: 25, policer}, 5));
	t.true(lost / packets <= 0.15, `${lost} of ${packets}`);
	t.true(rate >= 0.75 * 20, `${rate} Mbit/s`);
});

function count(world: RateWorld): {rate: number; lost: number; packets: number} {
	const sender = world.add(bbr(6), 25, 0);
	world.run(20_000);
	return {rate: sender.rate(3000, 20_000), lost: sender.lost, packets: sender.packets.length};
}
