import test from 'ava';
import {writeUint48} from '../../src/bytes/cursor.ts';
import {headerPacketNumber} from '../../src/wire/header.ts';
import {type Flight, TunnelWorld} from '../support/world/tunnel-world.ts';

const links = [{delay: 10}, {delay: 20}];
const warnings = (events: TunnelWorld['clientEvents']) =>
	events.flatMap(({event}) => (event.type === 'warning' ? [event.code] : []));

/** Whether any packet under way holds the text. */
function watchFor(text: string): {
	readonly seen: () => boolean;
	readonly see: (f: Flight) => boolean;
} {
	const needle = Buffer.from(text);
	let found = false;
	return {
		seen: () => found,
		see: ({bytes}) => {
			found ||= Buffer.from(bytes).includes(needle);
			return true;
		},
	};
}

test('nobody on the way can read a datagram', (t) => {
	const watch = watchFor('\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19');
	const world = new TunnelWorld({seed: 61, links, echo: true, intercept: watch.see}).start();
	world.run(500);
	for (let i = 0; i < 50; i++) world.send(0, 600);
	world.run(1000);
	t.deepEqual(world.lostAtClient(), []);
	t.false(watch.seen());
});

test('with MPTUNNEL_ENCRYPT=0 at both ends anybody can read a datagram, but nobody change or repeat it', (t) => {
	const watch = watchFor('\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19');
	const captured: Uint8Array[] = [];
	const off = {encrypt: false};
	const world = new TunnelWorld({
		seed: 62,
		links,
		client: off,
		server: off,
		echo: true,
		intercept: (flight, _path, up) => {
			if (up) captured.push(flight.bytes);
			return watch.see(flight);
		},
	}).start();
	world.run(500);
	for (let i = 0; i < 50; i++) world.send(0, 600);
	world.run(1000);
	t.deepEqual(world.lostAtClient(), []);
	t.true(watch.seen());
	for (const bytes of captured.slice(-60)) {
		world.inject('server', 0, bytes);
		const forged = bytes.slice();
		// Another packet number, so that the window does not drop it before its tag is checked.
		forged[10] = (forged[10]! + 100) & 0xff;
		forged[forged.length - 20]! ^= 1;
		world.inject('server', 1, forged);
	}
	world.run(1500);
	t.deepEqual(world.faults, []);
	t.true(world.server!.status(world.now).drops['bad-tag']! > 0);
});

for (const [name, client, server] of [
	['client', {encrypt: false}, {}],
	['server', {}, {encrypt: false}],
] as const) {
	test(`MPTUNNEL_ENCRYPT=0 at the ${name} only makes no session and both ends say why`, (t) => {
		const world = new TunnelWorld({seed: 63, links, client, server}).start();
		world.run(1000);
		world.send();
		world.run(3000);
		t.deepEqual(world.atServer, []);
		t.true(warnings(world.clientEvents).includes('encryption-differs'));
		t.true(warnings(world.serverEvents).includes('encryption-differs'));
	});
}

test('a client with an unknown key, or without one, draws no packet; the server says which', (t) => {
	for (const [keyless, code] of [
		[false, 'unknown-key'],
		[true, 'keyless'],
	] as const) {
		const psk = new Uint8Array(32).fill(keyless ? 0 : 9);
		const server = {users: [{name: 'user', psk: new Uint8Array(32).fill(7)}], keyless: false};
		const world = new TunnelWorld({seed: 64, links, client: {psk, keyless}, server}).start();
		world.run(20_000);
		t.true(warnings(world.serverEvents).includes(code));
		t.is(world.down[0]!.counts.sent + world.down[1]!.counts.sent, 0);
	}
});

test('without a key on both ends the tunnel works and flows survive a restart of the client', (t) => {
	const psk = new Uint8Array(32);
	const world = new TunnelWorld({
		seed: 65,
		links,
		client: {psk, keyless: true},
		echo: true,
	}).start();
	world.run(500);
	world.stream(100, 1000);
	const {flow} = world.atServer.at(-1)!;
	world.killClient();
	world.startClient();
	const from = world.sent;
	world.stream(100, 1000);
	world.run(world.now + 500);
	t.deepEqual(world.faults, []);
	t.deepEqual(world.lostAtClient(from), []);
	t.is(world.atServer.at(-1)!.flow, flow);
});

test('a replayed INIT displaces nothing', (t) => {
	const inits: Uint8Array[] = [];
	const world = new TunnelWorld({
		seed: 67,
		links,
		echo: true,
		intercept: ({bytes}, _path, up) => {
			if (up && bytes[0] === 0x10) inits.push(bytes);
			return true;
		},
	}).start();
	world.run(500);
	world.stream(100, 1000);
	for (const wait of [0, 5000, 15_000, 100_000]) {
		world.run(world.now + wait);
		for (const init of inits.slice(0, 3)) world.inject('server', 0, init);
		const from = world.sent;
		world.stream(100, 500);
		world.run(world.now + 200);
		t.deepEqual(world.lostAtClient(from), []);
	}
	t.deepEqual(world.faults, []);
	t.is(world.client!.status(world.now).sessions[0]!.session, 1);
});

test('a machine that slept for ten minutes goes on by itself', (t) => {
	const world = new TunnelWorld({seed: 68, links, echo: true}).start();
	world.run(500);
	world.stream(100, 1000);
	const {client} = world;
	world.client = undefined;
	world.run(world.now + 600_000);
	world.client = client;
	world.run(world.now + 1);
	const from = world.sent;
	world.stream(100, 2000);
	world.run(world.now + 3000);
	t.deepEqual(world.faults, []);
	const lost = world.lostAtServer(from);
	t.true(lost.length <= 10, `${lost.length} lost`);
	t.true(lost.every((sequence) => sequence - from <= 10));
});

test('idle peers leave nothing behind: sessions, flows and timers end', (t) => {
	const world = new TunnelWorld({seed: 69, links, echo: true}).start();
	world.run(500);
	for (let application = 0; application < 100; application++) world.send(application);
	world.run(1000);
	t.is(world.server!.status(world.now).sessions[0]!.flows, 100);
	world.killClient();
	world.run(world.now + 1_000_000);
	t.deepEqual(world.server!.status(world.now).sessions, []);
	const closed = world.serverEvents.filter(({event}) => event.type === 'flow-closed');
	t.is(closed.length, 100);
	t.is(world.server!.nextTimeout(), Number.POSITIVE_INFINITY);
});

test('a packet of a session that has ended is not read any more', (t) => {
	let held: Uint8Array | undefined;
	let holds = false;
	const world = new TunnelWorld({
		seed: 70,
		links,
		intercept: ({bytes}, _path, up) => {
			if (!up || !holds) return true;
			held ??= bytes.slice();
			return false;
		},
	}).start();
	world.run(500);
	world.stream(100, 500);
	holds = true;
	world.send();
	world.killClient();
	// The last packet that the server looked a session up for is one of that session.
	world.run(world.now + 1_000_000);
	t.deepEqual(world.server!.status(world.now).sessions, []);
	const arrived = world.atServer.length;
	world.inject('server', 0, held!);
	world.run(world.now + 100);
	t.is(world.atServer.length, arrived);
	t.deepEqual(world.server!.status(world.now).sessions, []);
	t.is(world.server!.status(world.now).drops['unknown-session'], 1);
});

/** Forges packets of a session with fresh numbers, from one source or from many. */
function flood(world: TunnelWorld, sample: Uint8Array, sources: number, from: number): void {
	const first = headerPacketNumber(sample, 0) + 5000;
	for (let i = from; i < from + 100; i++) {
		const forged = sample.slice();
		writeUint48(forged, 5, first + i);
		forged[forged.length - 1]! ^= 1;
		const port = 1024 + (i % sources);
		const host = '10.66.0.1';
		world.inject('server', 0, forged, {key: `0|${host}|${port}`, socket: 0, host, port});
	}
}

for (const [sources, from] of [
	[1, 'one source'],
	[5000, 'many sources'],
] as const) {
	test(`a flood of forged packets from ${from} is mostly not even opened, and costs the client nothing`, (t) => {
		let sample: Uint8Array | undefined;
		const world = new TunnelWorld({
			seed: 66,
			links,
			echo: true,
			intercept: (flight, _path, up) => {
				if (up) sample = flight.bytes.slice();
				return true;
			},
		}).start();
		world.run(1000);
		const first = world.sent;
		const before = world.server!.status(world.now).drops;
		for (let millis = 0; millis < 2000; millis++) {
			flood(world, sample!, sources, 100 * millis);
			if (millis % 10 === 0) world.send(0, 600);
			// The client's address changes in the middle: it is a stranger, too, until it has shown itself.
			if (millis === 1000) world.changeAddress(0);
			world.run(world.now + 1);
		}
		world.run(world.now + 3000);
		t.deepEqual(world.lostAtClient(first), []);
		const {drops, sessions} = world.server!.status(world.now);
		const opened = (drops['bad-tag'] ?? 0) - (before['bad-tag'] ?? 0);
		// 64 for each second and counter.
		t.true(opened <= 64 * 3 * Math.min(1024, sources), `${opened} opened in vain`);
		t.true((drops['flood'] ?? 0) > 50_000);
		t.is(sessions[0]?.paths.filter(({state}) => state === 'up').length, 2);
	});
}

test('a quick path that drops what answers its RETRY keeps nobody out', (t) => {
	let retried = false;
	const world = new TunnelWorld({
		seed: 71,
		links,
		clientClock: 90_000_000,
		intercept: ({bytes}, path, up) => {
			if (path !== 0) return true;
			if (!up && bytes[0]! >> 4 === 3) retried = true;
			return !(up && retried);
		},
	}).start();
	world.run(500);
	world.killClient();
	// The client's clock is wrong from now on, so that the server wants a cookie.
	Object.assign(world.options, {clientClock: 100});
	world.startClient();
	const from = world.send();
	world.run(world.now + 200);
	t.true(retried);
	t.deepEqual(world.lostAtServer(from), []);
});

for (const [name, forge] of [
	[
		'made without the key',
		(init: Uint8Array, i: number) => {
			const forged = init.slice();
			writeUint48(forged, 20, i);
			return forged;
		},
	],
	['recorded', (init: Uint8Array) => init],
] as const) {
	test(`a client comes in beside 30,000 INITs a second that were ${name}`, (t) => {
		let init: Uint8Array | undefined;
		const world = new TunnelWorld({
			seed: 72,
			links,
			echo: true,
			intercept: ({bytes}, _path, up) => {
				if (up && bytes[0]! >> 4 === 1) init ??= bytes.slice();
				return true;
			},
		}).start();
		// The recorded answer is not repeated any more.
		world.run(15_000);
		for (let millis = 0; millis < 300; millis++) {
			if (millis === 100) world.killClient();
			if (millis === 150) {
				world.startClient();
				world.send();
			}
			for (let i = 0; i < 30; i++) {
				const number = 30 * millis + i;
				const [host, port] = [`10.66.${number & 255}.1`, 1024 + (number >> 8)];
				const from = {key: `0|${host}|${port}`, socket: 0, host, port};
				world.inject('server', 0, forge(init!, number), from);
			}
			world.run(world.now + 1);
		}
		t.deepEqual(world.faults, []);
		t.deepEqual(world.lostAtClient(), []);
		const slow = world.atServer.find(({at, sentAt}) => at - sentAt > 45);
		t.is(slow, undefined, 'nothing took more than a handshake');
	});
}
