import test from 'ava';
import {RefusalCode, StreamCode} from '../../src/wire/constants.ts';
import {type Service, StreamWorld, serve, Talker} from '../support/world/stream-world.ts';
import {randomLoss} from '../support/world/tunnel-world.ts';

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
	// Either may have been opened first.
	const first = peers.find(({stream}) => stream.resetCode !== undefined);
	const second = peers.find((each) => each !== first);
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

for (const stopping of ['client', 'server'] as const) {
	test(`when the ${stopping} wants no more bytes its own still arrive`, (t) => {
		const peers: Talker[] = [];
		const links = [{...rateLink(8_000_000, 40, 0.1)}];
		const service: Service = (stream, _, world) => {
			stream.accept(Uint8Array.of(1, 127, 0, 0, 1, 0, 80));
			peers.push(new Talker(world, stream, 3_000_000));
		};
		const world = new StreamWorld({seed: 18, links}, service);
		world.start();
		world.run(1000);
		const client = world.open(80, 3_000_000);
		world.run(2000);
		const [server] = peers;
		const [stopper, other] = stopping === 'client' ? [client, server!] : [server!, client];
		world.act(stopping, () => stopper.stream.stop());
		const received = stopper.received;
		world.run(10_000);
		t.true(other.stream.stopped);
		t.is(stopper.received, received);
		t.is(other.received, 3_000_000);
		t.is(client.stream.state, 'closed');
		t.is(server!.stream.state, 'closed');
		t.is(client.stream.resetCode, undefined);
		t.is(server!.stream.resetCode, undefined);
		t.deepEqual(world.faults, []);
	});
}

test('each end sends with the congestion control that it was given', (t) => {
	const options = {
		links: [rateLink(RATE, 50, 0.01)],
		server: {congestionControl: 'newreno'},
	} as const;
	const world = new StreamWorld({seed: 19, ...options}, (stream, _, world) => {
		stream.accept(Uint8Array.of(1, 127, 0, 0, 1, 0, 80));
		peers.push(new Talker(world, stream, 1e9, false));
	});
	const peers: Talker[] = [];
	world.start();
	world.run(1000);
	const client = world.open(80, 1e9, false);
	world.run(7000);
	const [up, down] = [peers[0]!.received, client.received].map((bytes) => (bytes * 8) / 6e6);
	t.true(up! > 70, `up, bbr: ${up} Mbit/s`);
	t.true(down! > 1 && down! < 10, `down, newreno: ${down} Mbit/s`);
});

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
