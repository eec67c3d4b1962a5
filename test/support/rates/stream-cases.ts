import type {LinkConfig} from '../../../src/sim/link-config.ts';
import {type Service, StreamWorld, serve, Talker} from '../world/stream-world.ts';
import {randomLoss} from '../world/tunnel-world.ts';
import {type LimitedNumber, least, most, type NumberedCase} from './numbered-case.ts';

/*
 * Streams over simulated links on a virtual clock: rates of links count UDP payload + 28 bytes,
 * buffers hold what a round trip carries, goodput is application bytes.
 */

const MBIT = 1e6;
const ENDLESS = 1e10;
/** Tunnels are up by then, even when packets of the handshake are lost. */
const UP = 3000;

type Links = readonly Partial<LinkConfig>[];

/** Mbit/s, milliseconds of round trip, share lost at random. */
function link(rate: number, roundTrip: number, loss: number): Partial<LinkConfig> {
	const bytes = (((rate * MBIT) / 8) * roundTrip) / 1000;
	return {rate: rate * MBIT, delay: roundTrip / 2, loss: randomLoss(loss), queue: {bytes}};
}

const three = (loss: number): Links => [1, 2, 3].map(() => link(100, 50, loss));

function started(seed: number, links: Links, service: Service, echo = false): StreamWorld {
	const world = new StreamWorld({seed, links, echo}, service);
	world.start();
	world.run(UP);
	return world;
}

/** A number of a world that went wrong is none. */
function checked(world: StreamWorld, numbers: readonly LimitedNumber[]): readonly LimitedNumber[] {
	if (world.faults.length === 0) return numbers;
	return numbers.map((number) => ({...number, value: Number.NaN}));
}

function percentile(values: readonly number[], share: number): number {
	return [...values].sort((a, b) => a - b)[Math.floor(values.length * share)]!;
}

function goodput(name: string, links: Links, limit: number, streams = 1): NumberedCase {
	return {
		name,
		run: (seed) => {
			const world = started(
				seed,
				links,
				serve(() => ENDLESS),
			);
			const talkers = Array.from({length: streams}, () => world.open(80, 0));
			const received = () => talkers.reduce((sum, talker) => sum + talker.received, 0);
			world.run(UP + 3000);
			const before = received();
			world.run(UP + 13_000);
			const rate = ((received() - before) * 8) / 10 / MBIT;
			return checked(world, [least('Mbit/s, second 3 to 13', rate, limit)]);
		},
	};
}

/** Port 80 sends without end, port 81 answers each KiB with one. */
const answering: Service = (stream, port, world) => {
	stream.accept(Uint8Array.of(1, 127, 0, 0, 1, 0, 80));
	const talker = new Talker(world, stream, port === 80 ? ENDLESS : 0, false);
	talker.onReceived = () => {
		while (port === 81 && talker.sent < talker.received - 1023) talker.send(1024);
	};
};

/** @param count enough that the few which lose all three copies stay above the percentile */
function exchanges(name: string, isBeside: boolean, count: number, limit: number): NumberedCase {
	return {
		name,
		run: (seed) => {
			const world = started(seed, three(0.1), answering);
			if (isBeside) world.open(80, 0, false);
			world.run(UP + 2000);
			const talker = world.open(81, 0, false);
			world.run(UP + 2500);
			const times: number[] = [];
			for (let i = 0; i < count; i++) {
				const began = world.now;
				talker.onReceived = () => {
					if (talker.received >= 1024 * (i + 1) && times.length === i)
						times.push(world.now - began);
				};
				world.act('client', () => talker.send(1024));
				while (times.length === i && world.now < began + 5000) world.run(world.now + 0.5);
				if (times.length === i) times.push(Number.POSITIVE_INFINITY);
			}
			return checked(world, [most('p99, round trips', percentile(times, 0.99) / 50, limit)]);
		},
	};
}

const blackhole: NumberedCase = {
	name: 'download over two paths, one gone for 2 s',
	run: (seed) => {
		const links = [link(20, 40, 0.01), link(20, 60, 0.01)];
		const size = 8_000_000;
		const world = started(
			seed,
			links,
			serve(() => size),
		);
		const talker = world.open(80, 0);
		const outages = [{from: UP + 1000, until: UP + 3000}];
		world.at(UP + 1000, () => world.configure(0, {outages}));
		world.run(UP + 20_000);
		const gap = talker.received === size ? talker.longestGap : Number.NaN;
		return checked(world, [most('ms, longest pause', gap, 300)]);
	},
};

const outage: NumberedCase = {
	name: 'download over two paths, both gone for 5 s',
	run: (seed) => {
		const outages = [{from: UP + 1000, until: UP + 6000}];
		const links = [40, 60].map((roundTrip) => ({...link(20, roundTrip, 0), outages}));
		const size = 20_000_000;
		const world = started(
			seed,
			links,
			serve(() => size),
		);
		const talker = world.open(80, 0);
		let resumed = Number.NaN;
		talker.onReceived = () => {
			if (world.now > UP + 6000 && Number.isNaN(resumed)) resumed = world.now - UP - 6000;
		};
		world.run(UP + 30_000);
		const value = talker.received === size ? resumed : Number.NaN;
		return checked(world, [most('ms until data flows again', value, 200 + 1.5 * 60)]);
	},
};

const connections: NumberedCase = {
	name: '500 connections of 32 KiB, 20 at once, three paths, 50 ms, 100 Mbit/s, 5 % loss',
	run: (seed) => {
		const size = 32_768;
		const world = started(
			seed,
			three(0.05),
			serve(() => size),
		);
		const times: number[] = [];
		let opened = 0;
		while (times.length < 500 && world.now < 120_000) {
			for (; opened < 500 && opened - times.length < 20; opened++) {
				const began = world.now;
				const talker = world.open(80, 100);
				talker.onReceived = () => {
					if (talker.received === size) times.push((world.now - began) / 50);
				};
			}
			world.run(world.now + 1);
		}
		const isComplete = times.length === 500;
		return checked(world, [
			most('p99, round trips', isComplete ? percentile(times, 0.99) : Number.NaN, 5),
			most('longest, round trips', isComplete ? Math.max(...times) : Number.NaN, 9),
		]);
	},
};

/** The 99th percentile of the datagrams sent from `first` on, in ms; those that are lost count. */
function datagramDelay(world: StreamWorld, first: number, last: number): number {
	const delays = world.atClient
		.filter(({sequence}) => sequence >= first && sequence < last)
		.map(({at, sentAt}) => at - sentAt);
	while (delays.length < last - first) delays.push(Number.POSITIVE_INFINITY);
	return percentile(delays, 0.99);
}

const smallFlow: NumberedCase = {
	name: '50 datagrams/s beside a download, one path, 40 ms, 20 Mbit/s',
	run: (seed) => {
		const roundTrip = 40;
		const world = started(
			seed,
			[link(20, roundTrip, 0)],
			serve(() => ENDLESS),
			true,
		);
		world.stream(50, 2000);
		const alone = datagramDelay(world, 0, world.sent - 5);
		const download = world.open(80, 0);
		const first = world.sent;
		world.stream(50, 2000);
		const settled = world.sent;
		const before = download.received;
		world.stream(50, 60_000);
		const rate = ((download.received - before) * 8) / 60 / MBIT;
		return checked(world, [
			most('ms more, p99 after 2 s', datagramDelay(world, settled, world.sent - 5) - alone, 20),
			most('ms more, p99 of the first 2 s', datagramDelay(world, first, settled) - alone, 150),
			least('Mbit/s of the download', rate, 17),
		]);
	},
};

/** Every number that streams have to reach. */
export const STREAM_CASES: readonly NumberedCase[] = [
	goodput('one path, 50 ms, 100 Mbit/s', [link(100, 50, 0)], 90),
	goodput('one path, 50 ms, 100 Mbit/s, 2 % loss', [link(100, 50, 0.02)], 80),
	goodput('one path, 50 ms, 100 Mbit/s, 10 % loss', [link(100, 50, 0.1)], 70),
	goodput(
		'64 streams, one path, 280 ms, 20 ms jitter, 500 Mbit/s, 10 % loss',
		[{...link(500, 280, 0.1), jitter: 20}],
		400,
		64,
	),
	goodput('three paths, 50 ms, 100 Mbit/s, 10 % loss', three(0.1), 80),
	exchanges('1 KiB and answer, three paths, 10 % loss', false, 1000, 1.15),
	exchanges('1 KiB and answer, three paths, 10 % loss, beside a download', true, 500, 1.6),
	blackhole,
	outage,
	connections,
	smallFlow,
];
