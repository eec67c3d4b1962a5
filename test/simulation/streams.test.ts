import test from 'ava';
import {RefusalCode, StreamCode} from '../../src/wire/constants.ts';
import {type Service, StreamWorld, serve, Talker} from '../support/stream-world.ts';
import {randomLoss} from '../support/tunnel-world.ts';
import type {WorldOptions} from '../support/world-options.ts';

test('a stream carries bytes both ways and ends', (t) => {
	const peers: Talker[] = [];
	const world = new StreamWorld(
		{seed: 1, links: [{delay: 10}]},
		serve(() => 100_000, peers),
	);
	world.start();
	world.run(100);
	const talker = world.open(80, 50_000);
	world.run(5000);
	t.is(talker.received, 100_000);
	t.is(peers[0]?.received, 50_000);
	t.is(talker.stream.state, 'closed');
	t.is(peers[0]?.stream.state, 'closed');
	t.deepEqual(world.faults, []);
});

test('streams survive 30 % loss', (t) => {
	const links = [
		{delay: 10, loss: randomLoss(0.3)},
		{delay: 25, loss: randomLoss(0.3)},
	];
	const peers: Talker[] = [];
	const world = new StreamWorld(
		{seed: 2, links},
		serve(() => 300_000, peers),
	);
	world.start();
	world.run(500);
	const talkers = [1, 2, 3, 4, 5].map((port) => world.open(port, 20_000));
	world.run(30_000);
	for (const talker of talkers) {
		t.is(talker.received, 300_000);
		t.is(talker.stream.state, 'closed');
	}
	for (const peer of peers) t.is(peer.received, 20_000);
	t.deepEqual(world.faults, []);
});

const RATE = 100_000_000;
const rateLink = (rate: number, roundTrip: number, loss: number) => ({
	rate,
	delay: roundTrip / 2,
	loss: randomLoss(loss),
	queue: {bytes: ((rate / 8) * roundTrip) / 1000},
});

/** Mbit/s of application bytes of one download between its second 3 and 4. */
function goodput(seed: number, links: WorldOptions['links']): number {
	const world = new StreamWorld(
		{seed, links},
		serve(() => 1e9),
	);
	world.start();
	world.run(1000);
	const talker = world.open(80, 0);
	world.run(4000);
	const before = talker.received;
	world.run(5000);
	return ((talker.received - before) * 8) / 1e6;
}

for (const [loss, least] of [
	[0, 90],
	[0.02, 80],
	[0.1, 70],
] as const) {
	test(`one path of 100 Mbit/s and 50 ms with ${loss * 100} % loss carries ${least} Mbit/s`, (t) => {
		const rate = goodput(3, [rateLink(RATE, 50, loss)]);
		t.true(rate >= least, `${rate} Mbit/s`);
	});
}

test('three paths of 100 Mbit/s with 10 % loss carry 80 Mbit/s', (t) => {
	const rate = goodput(
		4,
		[1, 2, 3].map(() => rateLink(RATE, 50, 0.1)),
	);
	t.true(rate >= 80, `${rate} Mbit/s`);
});

test('a path that is blackholed for 2 s does not stop a download over two', (t) => {
	const links = [rateLink(20_000_000, 40, 0.01), rateLink(20_000_000, 60, 0.01)];
	const world = new StreamWorld(
		{seed: 5, links},
		serve(() => 8_000_000),
	);
	world.start();
	world.run(1000);
	const talker = world.open(80, 0);
	world.at(2000, () => world.configure(0, {outages: [{from: 2000, until: 4000}]}));
	world.run(20_000);
	t.is(talker.received, 8_000_000);
	t.true(talker.longestGap <= 300, `${talker.longestGap} ms`);
	t.deepEqual(world.faults, []);
});

test('data flows again soon after both paths come back from 5 s of silence', (t) => {
	const outages = [{from: 2000, until: 7000}];
	const links = [40, 60].map((roundTrip) => ({...rateLink(20_000_000, roundTrip, 0), outages}));
	const world = new StreamWorld(
		{seed: 6, links},
		serve(() => 20_000_000),
	);
	world.start();
	world.run(1000);
	const talker = world.open(80, 0);
	let resumed = Number.NaN;
	talker.onReceived = () => {
		if (world.now > 7000 && Number.isNaN(resumed)) resumed = world.now;
	};
	world.run(30_000);
	t.is(talker.received, 20_000_000);
	t.true(resumed - 7000 <= 200 + 1.5 * 60, `${resumed - 7000} ms`);
	t.deepEqual(world.faults, []);
});

test('a restart of the server resets streams within 2.5 round trips of the next packet', (t) => {
	const world = new StreamWorld(
		{seed: 7, links: [{delay: 20}, {delay: 30}]},
		serve(() => 0),
	);
	world.start();
	world.run(1000);
	const talker = world.open(80, 0, false);
	world.run(1500);
	t.is(talker.stream.state, 'open');
	world.killServer();
	world.startServer();
	world.run(1600);
	world.act('client', () => talker.send(1000));
	world.run(1600 + 2.5 * 60 + 20);
	t.is(talker.stream.resetCode, StreamCode.SESSION_LOST);
	const again = world.open(80, 10);
	world.run(3000);
	t.is(again.stream.state, 'closed');
	t.is(again.stream.resetCode, undefined);
});

test('a restart of the client ends its old streams at the server', (t) => {
	const peers: Talker[] = [];
	const world = new StreamWorld(
		{seed: 8, links: [{delay: 20}]},
		serve(() => 0, peers),
	);
	world.start();
	world.run(1000);
	world.open(80, 0, false);
	world.run(1500);
	t.is(peers[0]?.stream.state, 'open');
	world.killClient();
	world.startClient();
	world.run(2500);
	t.is(peers[0]?.stream.resetCode, StreamCode.SESSION_LOST);
});

test('a stream opened before there is a session waits for it; early data goes with the open', (t) => {
	const peers: Talker[] = [];
	const world = new StreamWorld(
		{seed: 9, links: [{delay: 50}]},
		serve(() => 10, peers),
	);
	world.startServer();
	world.startClient();
	const talker = world.open(80, 5000, false);
	world.run(1000);
	t.is(talker.received, 10);
	t.is(peers[0]?.received, 5000);
	// Handshake, then the open with the data: two round trips and the answer is there.
	t.true(talker.acceptedAt <= 205, `${talker.acceptedAt}`);
	t.true(peers[0]!.firstAt <= 155, `${peers[0]!.firstAt}`);
});

test('streams are rejected where the server is no exit, and with the code that it gives', (t) => {
	const world = new StreamWorld(
		{seed: 10, links: [{delay: 5}], server: {exit: false}},
		serve(() => 0),
	);
	world.start();
	const early = world.open(80, 0);
	world.run(500);
	t.is(early.stream.rejection, RefusalCode.NO_TARGET);
	const refusing = new StreamWorld({seed: 11, links: [{delay: 5}]}, (stream) => {
		stream.reject(RefusalCode.REFUSED);
	});
	refusing.start();
	refusing.run(500);
	const talker = refusing.open(80, 1000);
	refusing.run(1000);
	t.is(talker.stream.rejection, RefusalCode.REFUSED);
	t.is(talker.stream.state, 'closed');
});

test('200 stalled downloads do not hold one back that is read, and memory stays bounded', (t) => {
	const links = [rateLink(RATE, 20, 0)];
	const world = new StreamWorld(
		{seed: 12, links},
		serve(() => 1e9),
	);
	world.start();
	world.run(500);
	const stalled = Array.from({length: 200}, () => world.open(80, 0));
	for (const talker of stalled) talker.reading = false;
	world.run(7000);
	const talker = world.open(80, 0);
	world.run(10_000);
	t.true(talker.received * 8 >= 0.8 * 3 * RATE * 0.9, `${talker.received}`);
	for (const {received} of stalled) t.is(received, 0);
});

test('a reset ends both directions at the other end, half-closed ones live on', (t) => {
	const peers: Talker[] = [];
	const service: Service = (stream, _, world) => {
		stream.accept(Uint8Array.of(1, 127, 0, 0, 1, 0, 80));
		peers.push(new Talker(world, stream, 0, false));
	};
	const world = new StreamWorld({seed: 13, links: [{delay: 5, loss: randomLoss(0.2)}]}, service);
	world.start();
	world.run(500);
	const reset = world.open(80, 100, false);
	const halfClosed = world.open(81, 100, true);
	world.run(2000);
	world.act('client', () => reset.stream.reset(StreamCode.CONNECTION_RESET));
	world.run(4000);
	const [first, second] = peers;
	t.is(first?.stream.resetCode, StreamCode.CONNECTION_RESET);
	t.is(second?.stream.state, 'open');
	t.true(second?.stream.finished);
	world.act('server', () => {
		second!.send(5000);
		second!.end();
	});
	world.run(6000);
	t.is(halfClosed.received, 5000);
	t.is(halfClosed.stream.state, 'closed');
	t.is(second?.stream.state, 'closed');
	t.deepEqual(world.faults, []);
});

test('a small flow keeps its latency beside a stream that fills the path', (t) => {
	const world = new StreamWorld(
		{seed: 14, links: [rateLink(20_000_000, 40, 0)], echo: true},
		serve(() => 1e9),
	);
	world.start();
	world.run(1000);
	world.open(80, 0);
	world.run(3000);
	const first = world.sent;
	world.stream(50, 10_000);
	const delays = world.atClient
		.filter(({sequence}) => sequence >= first)
		.map(({at, sentAt}) => at - sentAt)
		.sort((a, b) => a - b);
	const p99 = delays[Math.floor(delays.length * 0.99)]!;
	t.true(p99 <= 40 + 20, `p99 ${p99} ms`);
	t.deepEqual(world.lostAtClient(first, world.sent - 5), []);
});

test('500 short connections over three paths with 5 % loss all complete soon', (t) => {
	const links = [1, 2, 3].map(() => rateLink(RATE, 50, 0.05));
	const world = new StreamWorld(
		{seed: 15, links},
		serve(() => 32_768),
	);
	world.start();
	world.run(1000);
	const times: number[] = [];
	let running = 0;
	let opened = 0;
	const open = (): void => {
		while (running < 20 && opened < 500) {
			opened++;
			running++;
			const began = world.now;
			const talker = world.open(80, 100);
			talker.onReceived = () => {
				if (talker.received < 32_768) return;
				times.push(world.now - began);
				running--;
			};
		}
	};
	for (let i = 0; i < 20_000 && times.length < 500; i++) {
		open();
		world.run(world.now + 1);
	}
	times.sort((a, b) => a - b);
	t.is(times.length, 500);
	t.true(times[494]! <= 5 * 50, `p99 ${times[494]} ms`);
	t.true(times[499]! <= 9 * 50, `longest ${times[499]} ms`);
});

/** Round trips of 1 KiB requests and answers, sorted, after `after` ms; beside a download or not. */
function exchanges(seed: number, bulk: boolean, count: number): number[] {
	const links = [1, 2, 3].map(() => rateLink(RATE, 50, 0.1));
	const service: Service = (stream, port, world) => {
		stream.accept(Uint8Array.of(1, 127, 0, 0, 1, 0, 80));
		const talker = new Talker(world, stream, port === 80 ? 1e9 : 0, false);
		talker.onReceived = () => {
			while (port === 81 && talker.sent < talker.received - 1023) talker.send(1024);
		};
	};
	const world = new StreamWorld({seed, links}, service);
	world.start();
	world.run(1000);
	if (bulk) world.open(80, 0, false);
	world.run(3000);
	const talker = world.open(81, 0, false);
	world.run(3500);
	const times: number[] = [];
	for (let i = 0; i < count; i++) {
		const began = world.now;
		let done = false;
		talker.onReceived = () => {
			if (talker.received < 1024 * (i + 1)) return;
			times.push(world.now - began);
			done = true;
		};
		world.act('client', () => talker.send(1024));
		while (!done && world.now < began + 5000) world.run(world.now + 0.5);
	}
	return times.sort((a, b) => a - b);
}

for (const [bulk, most] of [
	[false, 1.15],
	[true, 1.6],
] as const) {
	test(`1 KiB and its answer over three paths of 10 % loss ${bulk ? 'beside a download' : 'alone'}`, (t) => {
		const times = exchanges(16, bulk, bulk ? 120 : 400);
		const p99 = times[Math.floor(times.length * 0.99)]!;
		t.true(p99 <= most * 50, `p99 ${p99} ms`);
	});
}

test("a path's rate is a limit for streams too", (t) => {
	const world = new StreamWorld(
		{seed: 17, links: [{delay: 10}], paths: [{rateDown: 8000, rateUp: 8000}]},
		serve(() => 1e9),
	);
	world.start();
	world.run(1000);
	const talker = world.open(80, 0);
	world.run(3000);
	const before = talker.received;
	world.run(7000);
	const rate = ((talker.received - before) * 8) / 4e6;
	t.true(rate > 6 && rate < 8, `${rate} Mbit/s`);
});
