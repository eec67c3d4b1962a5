import test from 'ava';
import type {LinkConfig} from '../../src/sim/link-config.ts';
import {StreamWorld, serve, type Talker} from '../support/world/stream-world.ts';

/** Tunnels are up by then. */
const UP = 3000;
const MEGABYTE = 1_000_000;

type Links = readonly Partial<LinkConfig>[];

/** 100 Mbit/s and a round trip of so many ms, of which the buffer holds one, at least 50 ms. */
function link(roundTrip: number): Partial<LinkConfig> {
	const rate = 100e6;
	return {rate, delay: roundTrip / 2, queue: {bytes: (rate / 8000) * Math.max(50, roundTrip)}};
}

const good = [link(20), link(30)];

/** Probes and other small packets pass quickly, data late. */
const sly: Partial<LinkConfig> = {...link(10), slowLarge: {above: 200, by: 1900}};

const late: Readonly<Record<string, Partial<LinkConfig>>> = {
	'a bridge that delays data by 1.9 s': sly,
	'a path of 1.5 s': link(1500),
	'a path of 3.6 s': link(3600),
};

/** Milliseconds that `count` transfers of so many bytes take, one after the other. */
function transfers(links: Links, up: boolean, size: number, count: number): number {
	const peers: Talker[] = [];
	const world = new StreamWorld(
		{seed: 91, links},
		serve(() => (up ? 0 : size), peers),
	);
	world.start();
	world.run(UP);
	for (let i = 0; i < count; i++) {
		const talker = world.open(80, up ? size : 0);
		const receiver = () => (up ? peers[i] : talker);
		while ((receiver()?.received ?? 0) < size && world.now < UP + 600_000) world.run(world.now + 1);
	}
	if (world.faults.length > 0) throw new Error(world.faults.join(', '));
	return world.now - UP;
}

const measured = new Map<string, number>();

/** The same without the late path. */
function transfersWithout(beside: number, up: boolean, size: number, count: number): number {
	const key = `${beside} ${up} ${size}`;
	const millis = measured.get(key) ?? transfers(good.slice(0, beside), up, size, count);
	measured.set(key, millis);
	return millis;
}

for (const [name, slow] of Object.entries(late)) {
	for (const beside of [1, 2]) {
		for (const [size, count] of [
			[MEGABYTE, 10],
			[20 * MEGABYTE, 1],
		] as const) {
			for (const up of [false, true]) {
				const what = `${count} ${up ? 'uploads' : 'downloads'} of ${size / MEGABYTE} MB`;
				test(`${what} over ${beside} and ${name}: no slower than without it`, (t) => {
					const without = transfersWithout(beside, up, size, count);
					const millis = transfers([...good.slice(0, beside), slow], up, size, count);
					t.log(`${without} ms without, ${millis} with`);
					t.true(millis <= without / 0.9, `${millis} ms instead of ${without}`);
				});
			}
		}
	}
}

/** Mbit/s of an endless download from one second to another. */
function download(world: StreamWorld, talker: Talker, from: number, until: number): number {
	world.run(UP + from);
	const before = talker.received;
	world.run(UP + until);
	return ((talker.received - before) * 8) / (until - from) / 1000;
}

test('a late path that becomes quick is used again', (t) => {
	const world = new StreamWorld(
		{seed: 92, links: [link(20), sly]},
		serve(() => 1e10),
	).start();
	world.run(UP);
	const talker = world.open(80, 0);
	const alone = download(world, talker, 2000, 6000);
	t.true(alone >= 84, `${alone} Mbit/s`);
	world.configure(1, {slowLarge: {above: 200, by: 0}});
	const both = download(world, talker, 20_000, 24_000);
	t.true(both >= 150, `${both} Mbit/s`);
});

test('a path that becomes late under way costs a moment', (t) => {
	const world = new StreamWorld(
		{seed: 93, links: [link(20), link(10)]},
		serve(() => 1e10),
	).start();
	world.run(UP);
	const talker = world.open(80, 0);
	const both = download(world, talker, 2000, 4000);
	t.true(both >= 160, `${both} Mbit/s`);
	world.configure(1, {slowLarge: {above: 200, by: 1900}});
	const alone = download(world, talker, 4500, 8000);
	t.true(alone >= 84, `${alone} Mbit/s`);
	t.true(talker.longestGap < 500, `a gap of ${talker.longestGap} ms`);
});

test('a bridge that delays data carries it where there is no other', (t) => {
	const world = new StreamWorld(
		{seed: 94, links: [sly]},
		serve(() => 1e10),
	).start();
	world.run(UP);
	const talker = world.open(80, 0);
	const rate = download(world, talker, 20_000, 40_000);
	t.true(rate >= 12, `${rate} Mbit/s`);
	t.deepEqual(world.faults, []);
});

test('a later path adds to a slow one that is full', (t) => {
	const slow = {rate: 10e6, delay: 10, queue: {bytes: 62_500}};
	const world = new StreamWorld(
		{seed: 95, links: [slow, link(200)]},
		serve(() => 1e10),
	).start();
	world.run(UP);
	const talker = world.open(80, 0);
	const rate = download(world, talker, 5000, 10_000);
	t.true(rate >= 85, `${rate} Mbit/s`);
});
