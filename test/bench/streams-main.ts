import process from 'node:process';
import {parseArgs} from 'node:util';
import {BbrModel} from '../../src/core/rate/bbr-model.ts';
import {NewRenoModel} from '../../src/core/rate/new-reno-model.ts';
import {Prng} from '../../src/sim/prng.ts';
import {RateWorld} from '../support/rate-world.ts';
import {type Service, StreamWorld, serve, Talker} from '../support/stream-world.ts';
import {randomLoss} from '../support/tunnel-world.ts';
import type {WorldOptions} from '../support/world-options.ts';
import {spread} from './statistics.ts';

/*
 * The figures of streams on the project's own simulated links and a virtual clock: the same on every
 * machine. Rates of links count UDP payload + 28 bytes, buffers hold what a round trip carries.
 */

type Links = WorldOptions['links'];

/** Bits per second, ms, share. */
function link(rate: number, roundTrip: number, loss: number, jitter = 0): Links[number] {
	const bytes = ((rate / 8) * roundTrip) / 1000;
	return {rate, delay: roundTrip / 2, loss: randomLoss(loss), jitter, queue: {bytes}};
}

const FAST = 100_000_000;
const three = (loss: number): Links => [1, 2, 3].map(() => link(FAST, 50, loss));

/** Mbit/s of application bytes between second 3 and 13 of downloads. */
function goodput(links: Links, seed: number, streams = 1): number {
	const world = new StreamWorld(
		{seed, links},
		serve(() => 1e10),
	);
	world.start();
	world.run(1000);
	const talkers = Array.from({length: streams}, () => world.open(80, 0));
	const received = () => talkers.reduce((sum, talker) => sum + talker.received, 0);
	world.run(4000);
	const before = received();
	world.run(14_000);
	return ((received() - before) * 8) / 10 / 1e6;
}

const answering: Service = (stream, port, world) => {
	stream.accept(Uint8Array.of(1, 127, 0, 0, 1, 0, 80));
	const talker = new Talker(world, stream, port === 80 ? 1e10 : 0, false);
	talker.onReceived = () => {
		while (port === 81 && talker.sent < talker.received - 1023) talker.send(1024);
	};
};

/** The 99th percentile of 1 KiB and its answer, in round trips. */
function exchange(seed: number, bulk: boolean): number {
	const world = new StreamWorld({seed, links: three(0.1)}, answering);
	world.start();
	world.run(1000);
	if (bulk) world.open(80, 0, false);
	world.run(3000);
	const talker = world.open(81, 0, false);
	world.run(3500);
	const times: number[] = [];
	for (let i = 0; i < 300; i++) {
		const began = world.now;
		let done = false;
		talker.onReceived = () => {
			done ||= talker.received >= 1024 * (i + 1);
		};
		world.act('client', () => talker.send(1024));
		while (!done) world.run(world.now + 0.5);
		times.push(world.now - began);
	}
	return times.sort((a, b) => a - b)[Math.floor(times.length * 0.99)]! / 50;
}

/** The longest pause of a download over two paths of which one is gone for 2 s, in ms. */
function blackhole(seed: number): number {
	const links = [link(20_000_000, 40, 0.01), link(20_000_000, 60, 0.01)];
	const world = new StreamWorld(
		{seed, links},
		serve(() => 8_000_000),
	);
	world.start();
	world.run(1000);
	const talker = world.open(80, 0);
	world.at(2000, () => world.configure(0, {outages: [{from: 2000, until: 4000}]}));
	world.run(20_000);
	return talker.received === 8_000_000 ? talker.longestGap : Number.NaN;
}

/** How long after both paths came back data flows again, in ms. */
function outage(seed: number): number {
	const outages = [{from: 2000, until: 7000}];
	const links = [40, 60].map((roundTrip) => ({...link(20_000_000, roundTrip, 0), outages}));
	const world = new StreamWorld(
		{seed, links},
		serve(() => 20_000_000),
	);
	world.start();
	world.run(1000);
	const talker = world.open(80, 0);
	let resumed = Number.NaN;
	talker.onReceived = () => {
		if (world.now > 7000 && Number.isNaN(resumed)) resumed = world.now - 7000;
	};
	world.run(30_000);
	return talker.received === 20_000_000 ? resumed : Number.NaN;
}

/** Times of 500 connections of 32 KiB, 20 at once, sorted, in round trips. */
function connections(seed: number): number[] {
	const world = new StreamWorld(
		{seed, links: three(0.05)},
		serve(() => 32_768),
	);
	world.start();
	world.run(1000);
	const times: number[] = [];
	let opened = 0;
	while (times.length < 500) {
		while (opened < 500 && opened - times.length < 20) {
			opened++;
			const began = world.now;
			const talker = world.open(80, 100);
			talker.onReceived = () => {
				if (talker.received === 32_768) times.push((world.now - began) / 50);
			};
		}
		world.run(world.now + 1);
	}
	return times.sort((a, b) => a - b);
}

const SHARED = 20_000_000;
const model = (seed: number) => new BbrModel(new Prng(seed), 50);

function bottleneck(seed: number, buffer: number, roundTrip = 50): RateWorld {
	const bytes = ((SHARED / 8) * roundTrip * buffer) / 1000;
	return new RateWorld({rate: SHARED, delay: roundTrip / 2, queue: {bytes}}, seed);
}

/** Jain's index of two flows, the second of which starts 10 s later. */
function fairness(seed: number, roundTrips: readonly [number, number]): number {
	const shortest = Math.min(...roundTrips);
	const world = bottleneck(seed, 1, shortest);
	const [a, b] = roundTrips.map((roundTrip, index) =>
		world.add(model(seed + 100 * index), roundTrip - shortest / 2, 10_000 * index),
	);
	world.run(60_000);
	const [x, y] = [a!.rate(30_000, 60_000), b!.rate(30_000, 60_000)];
	return (x + y) ** 2 / (2 * (x * x + y * y));
}

/** The smaller share of the bottleneck beside NewReno. */
function besideReno(seed: number): number {
	const world = bottleneck(seed, 1);
	const reno = world.add(new NewRenoModel(), 25, 0);
	const ours = world.add(model(seed), 25, 5000);
	world.run(60_000);
	return Math.min(reno.rate(20_000, 60_000), ours.rate(20_000, 60_000)) / 20;
}

/** The part that a flow loses through its own doing. */
function ownLoss(world: RateWorld, seed: number): number {
	const sender = world.add(model(seed), 25, 0);
	world.run(20_000);
	return sender.lost / sender.packets.length;
}

interface Case {
	readonly name: string;
	readonly unit: string;
	/** The limit; `least` = values must not be below it. */
	readonly limit: number;
	readonly least?: boolean;
	readonly run: (seed: number) => number;
}

const policer = {rate: SHARED, burst: 50_000};

const CASES: readonly Case[] = [
	...([0, 0.02, 0.1] as const).map((loss, index) => ({
		name: `one path, 50 ms, 100 Mbit/s, ${loss * 100} % loss`,
		unit: 'Mbit/s',
		limit: [90, 80, 70][index]!,
		least: true,
		run: (seed: number) => goodput([link(FAST, 50, loss)], seed),
	})),
	{
		name: '280 ms +- 20 ms, 500 Mbit/s, 10 % loss, 64 streams',
		unit: 'Mbit/s',
		limit: 400,
		least: true,
		run: (seed) => goodput([link(5 * FAST, 280, 0.1, 20)], seed, 64),
	},
	{
		name: 'three paths, 50 ms, 100 Mbit/s, 10 % loss',
		unit: 'Mbit/s',
		limit: 80,
		least: true,
		run: (seed) => goodput(three(0.1), seed),
	},
	{
		name: '1 KiB and answer, p99, alone',
		unit: 'RTT',
		limit: 1.15,
		run: (seed) => exchange(seed, false),
	},
	{
		name: '1 KiB and answer, p99, beside a download',
		unit: 'RTT',
		limit: 1.6,
		run: (seed) => exchange(seed, true),
	},
	{name: 'one of two paths gone for 2 s, longest pause', unit: 'ms', limit: 300, run: blackhole},
	{name: 'both paths gone for 5 s, until data flows', unit: 'ms', limit: 290, run: outage},
	{name: '500 connections, p99', unit: 'RTT', limit: 5, run: (seed) => connections(seed)[494]!},
	{name: '500 connections, longest', unit: 'RTT', limit: 9, run: (seed) => connections(seed)[499]!},
	{
		name: 'two equal flows, Jain index',
		unit: '',
		limit: 0.9,
		least: true,
		run: (seed) => fairness(seed, [50, 50]),
	},
	{
		name: 'flows of 20 and 80 ms, Jain index',
		unit: '',
		limit: 0.7,
		least: true,
		run: (seed) => fairness(seed, [20, 80]),
	},
	{name: 'beside NewReno, the smaller share', unit: '', limit: 0.25, least: true, run: besideReno},
	{
		name: 'own loss, buffer of a round trip',
		unit: '',
		limit: 0.15,
		run: (seed) => ownLoss(bottleneck(seed, 1), seed),
	},
	{
		name: 'own loss, buffer of a tenth',
		unit: '',
		limit: 0.15,
		run: (seed) => ownLoss(bottleneck(seed, 0.1), seed),
	},
	{
		name: 'own loss, policer',
		unit: '',
		limit: 0.15,
		run: (seed) => ownLoss(new RateWorld({delay: 25, policer}, seed), seed),
	},
];

function print(line: string): void {
	process.stdout.write(`${line}\n`);
}

const {values} = parseArgs({
	options: {seeds: {type: 'string', default: '20'}, only: {type: 'string', default: ''}},
});
const seeds = Number(values.seeds);
print(`simulated, ${seeds} seeds`);
print(`${'case'.padEnd(54)} ${'limit'.padStart(9)} ${'worst'.padStart(9)} ${'median'.padStart(9)}`);
let missed = 0;
for (const {name, unit, limit, least = false, run} of CASES) {
	if (!name.includes(values.only)) continue;
	const results = Array.from({length: seeds}, (_, index) => run(index + 1));
	const {median, low, high} = spread(results);
	const worst = least ? low : high;
	const met = results.every((value) => (least ? value >= limit : value <= limit));
	if (!met) missed++;
	const numbers = [limit, worst, median].map((value) =>
		String(Number(value.toFixed(3))).padStart(9),
	);
	print(`${name.padEnd(54)} ${numbers.join(' ')} ${unit}${met ? '' : '  MISSED'}`);
}
process.exitCode = missed > 0 ? 1 : 0;
