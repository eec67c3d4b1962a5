import test from 'ava';
import {encodeBack} from '../../src/wire/handshake.ts';
import {randomLoss, TunnelWorld} from '../support/world/tunnel-world.ts';

const RTT = 40;
const links = [{delay: RTT / 2}, {delay: 35}, {delay: 50}];

test('after a server restart only datagrams sent before RESET came back are lost', (t) => {
	const world = new TunnelWorld({seed: 21, links}).start();
	world.run(1000);
	world.stream(200, 3000);
	world.killServer();
	world.startServer();
	const restarted = world.now;
	const met = world.sent;
	world.stream(200, 2000);
	world.run(world.now + 1000);
	t.deepEqual(world.faults, []);
	// The first datagram after the restart meets the new server; RESET is back one RTT after it was sent.
	const metAt = world.sentAt(met);
	for (const sequence of world.lostAtServer(met)) {
		t.true(world.sentAt(sequence) <= metAt + RTT, `datagram ${sequence} was lost later`);
	}
	const first = world.atServer.find(({at}) => at > restarted + RTT)!;
	t.true(first.at - metAt <= 2.5 * RTT + 20, `back after ${first.at - metAt} ms`);
});

test('an idle client finds a restarted server with its next probe', (t) => {
	const world = new TunnelWorld({seed: 22, links}).start();
	world.run(1000);
	world.send();
	world.run(10_000);
	world.killServer();
	world.startServer();
	world.run(world.now + 5000);
	const from = world.sent;
	world.send();
	world.run(world.now + 500);
	t.deepEqual(world.lostAtServer(from), []);
});

test('a restarted client is back after one and a half round trips and keeps its flow', (t) => {
	const world = new TunnelWorld({seed: 23, links, echo: true}).start();
	world.run(1000);
	world.stream(100, 2000);
	const flow = world.atServer.at(-1)!.flow;
	world.killClient();
	world.run(world.now + 700);
	world.startClient();
	const started = world.now;
	const from = world.send();
	world.stream(100, 1000);
	world.run(world.now + 500);
	t.deepEqual(world.faults, []);
	t.deepEqual(world.lostAtServer(from), []);
	t.deepEqual(world.lostAtClient(from), []);
	const first = world.atServer.find(({sequence}) => sequence === from)!;
	t.true(first.at - started <= 1.5 * RTT + 0.01, `back after ${first.at - started} ms`);
	t.is(first.flow, flow);
	t.is(world.server!.status(world.now).sessions.length, 1);
});

test('a client whose clock jumped back over its restart comes back through a cookie', (t) => {
	const world = new TunnelWorld({seed: 24, links, clientClock: 90_000_000}).start();
	world.run(1000);
	world.send();
	world.run(3000);
	world.killClient();
	Object.assign(world.options, {clientClock: 100});
	world.startClient();
	const from = world.sent;
	world.send();
	world.run(world.now + 500);
	t.deepEqual(world.faults, []);
	t.deepEqual(world.lostAtServer(from), []);
});

test('the client may start long before the server', (t) => {
	const world = new TunnelWorld({seed: 25, links});
	world.startClient();
	world.run(60_000);
	world.startServer();
	world.run(world.now + 5500);
	const from = world.sent;
	world.send();
	world.run(world.now + 200);
	t.deepEqual(world.lostAtServer(from), []);
});

test('datagrams sent within half a second before the session exists arrive when it does', (t) => {
	const world = new TunnelWorld({seed: 26, links});
	world.startClient();
	world.run(100);
	world.stream(100, 750);
	world.startServer();
	world.run(world.now + 400);
	t.deepEqual(world.faults, []);
	const arrived = world.atServer.map(({sequence}) => sequence);
	t.deepEqual(
		arrived,
		[...Array(75).keys()].filter((sequence) => sequence >= arrived[0]!),
	);
	const oldest = world.atServer[0]!;
	const waited = oldest.at - oldest.sentAt - RTT / 2;
	t.true(waited <= 500 && waited > 480, `the oldest waited ${waited} ms`);
});

test('a clean stop of the server silences the client until the server may be back', (t) => {
	const world = new TunnelWorld({seed: 27, links, echo: true}).start();
	world.run(1000);
	world.stream(100, 1000);
	world.server!.close(world.now);
	world.run(world.now + 0.001);
	world.stream(100, 500);
	world.killServer();
	let copies = world.copies.reduce((a, b) => a + b, 0);
	world.stream(100, 1000);
	t.is(
		world.copies.reduce((a, b) => a + b, 0),
		copies,
		'no packet may meet the closed port',
	);
	world.startServer();
	world.run(world.now + 1000);
	copies = world.sent;
	world.stream(100, 1000);
	world.run(world.now + 500);
	t.deepEqual(world.faults, []);
	t.deepEqual(world.lostAtServer(copies), []);
});

test('a clean stop of the client silences the server at once', (t) => {
	const world = new TunnelWorld({seed: 28, links, echo: true}).start();
	world.run(1000);
	world.stream(100, 1000);
	world.client!.close(world.now);
	world.run(world.now + 100);
	world.killClient();
	const before = world.down.map(({counts}) => counts.sent);
	world.run(world.now + 10_000);
	t.deepEqual(
		world.down.map(({counts}) => counts.sent),
		before,
	);
	t.is(world.server!.status(world.now).sessions.length, 0);
});

test('restarts of both ends under loss always end in a working tunnel', (t) => {
	const world = new TunnelWorld({
		seed: 29,
		links: [0.1, 0.2, 0.3].map((loss, i) => ({delay: 10 + 20 * i, loss: randomLoss(loss)})),
		echo: true,
	}).start();
	for (let round = 0; round < 30; round++) {
		world.stream(100, 500 + 100 * (round % 7));
		if (round % 3 !== 0) {
			world.killServer();
			if (round % 5 === 0) world.run(world.now + 1500);
			world.startServer();
		}
		if (round % 2 === 0) {
			world.killClient();
			world.startClient();
		}
	}
	world.run(world.now + 7000);
	const from = world.sent;
	world.stream(50, 4000);
	world.run(world.now + 1000);
	t.deepEqual(world.faults, []);
	t.true(world.lostAtServer(from).length <= 8);
});

test('RESETs are sent in the first ten minutes of a server, not in those after its first packet', (t) => {
	const world = new TunnelWorld({seed: 35, links}).start();
	world.run(1000);
	const resets = () => world.down.reduce((sum, {counts}) => sum + counts.sent, 0);
	const packet = new Uint8Array(60).fill(0x40);
	for (const [age, answered] of [
		[599_000, 1],
		[601_000, 0],
	] as const) {
		world.killClient();
		world.startServer();
		world.run(world.now + age);
		const before = resets();
		world.inject('server', 0, packet);
		world.run(world.now + 10);
		t.is(resets() - before, answered);
	}
});

test('a session resumes ten times a second at most', (t) => {
	const world = new TunnelWorld({seed: 36, links, client: {rekeyInterval: 10}}).start();
	world.run(500);
	const before = world.client!.status(world.now).sessions[0]!.rekeys;
	world.stream(100, 5000);
	world.run(world.now + 100);
	const {rekeys} = world.client!.status(world.now).sessions[0]!;
	t.true(rekeys - before <= 60, `${rekeys - before} in 5 s`);
	t.deepEqual(world.faults, []);
	t.deepEqual(world.lostAtServer(), []);
});

test('a server that is back after a clean stop and says so is asked at once, and gets nothing old', (t) => {
	const world = new TunnelWorld({seed: 37, links, echo: true}).start();
	world.run(1000);
	world.stream(200, 1000);
	const farewells = world.server!.farewells();
	t.is(farewells.length, 1);
	t.is(farewells[0]!.remotes.length, 3);
	const stopped = world.now;
	world.poke('server', ({server, now}) => server!.close(now));
	world.run(world.now + 300);
	world.killServer();
	world.stream(200, 400);
	const sent = () => world.copies.reduce((sum, count) => sum + count, 0);
	const before = sent();
	const {session, token} = farewells[0]!;
	world.inject('client', 0, encodeBack(session, new Uint8Array(16)));
	world.inject('client', 0, encodeBack(session ^ 1, token));
	world.stream(200, 100);
	t.is(sent(), before, 'what anybody could make does not end the silence');
	world.startServer();
	const back = world.now;
	world.at(back + RTT / 2, () => world.inject('client', 0, encodeBack(session, token)));
	const from = world.sent;
	world.stream(200, 1000);
	world.run(world.now + 200);
	t.deepEqual(world.faults, []);
	t.deepEqual(world.lostAtServer(from), []);
	const first = world.atServer.find(({at}) => at > back)!;
	t.true(first.at - back <= 2 * RTT + 0.1, `back after ${first.at - back} ms`);
	const late = world.atServer.filter(({at, sentAt}) => at > stopped && at - sentAt > 500 + RTT);
	t.deepEqual(late, [], 'nothing later than half a second');
	world.inject('client', 0, encodeBack(session, token));
	t.is(world.client!.status(world.now).sessions[0]!.state, 'up', 'it counts once');
});
