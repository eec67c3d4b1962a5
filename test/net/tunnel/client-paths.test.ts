import test, {type ExecutionContext} from 'ava';
import type {ClientPath, ClientPathOptions} from '../../../src/net/tunnel/client-path.ts';
import {ClientPaths, type ClientPathsInit} from '../../../src/net/tunnel/client-paths.ts';
import {DgramBackEnd} from '../../../src/net/udp/dgram-socket.ts';
import {SocketError, type UdpSocket} from '../../../src/net/udp/udp.ts';
import {FakePorts} from '../../support/fakes/fake-ports.ts';
import {FakeReporter} from '../../support/fakes/fake-reporter.ts';
import {FakeUdp} from '../../support/fakes/fake-udp.ts';
import {waitFor} from '../../support/machine/wait-for.ts';
import {UdpPeer} from '../../support/sockets/udp-peer.ts';

class World {
	readonly ports = new FakePorts();
	readonly reporter = new FakeReporter();
	readonly opened: number[] = [];
	readonly refused: string[] = [];
	readonly lost: string[] = [];
	readonly tooLong: number[] = [];
	readonly received: string[] = [];
	trusting = true;
	paths: ClientPaths;

	constructor(
		t: ExecutionContext,
		paths: readonly Partial<ClientPathOptions>[],
		init: Partial<ClientPathsInit> = {},
	) {
		this.paths = this.make(t, paths, init);
	}

	make(
		t: ExecutionContext,
		paths: readonly Partial<ClientPathOptions>[],
		init: Partial<ClientPathsInit> = {},
	): ClientPaths {
		this.paths = new ClientPaths({
			paths: paths.map((path, index) => ({
				name: `${index + 1}`,
				host: '127.0.0.1',
				port: 9,
				bind: undefined,
				localPort: undefined,
				...path,
			})),
			backEnd: new DgramBackEnd(),
			resolver: () => Promise.reject(new Error('no names here')),
			ports: this.ports,
			reporter: this.reporter,
			now: () => performance.now(),
			events: {
				received: (path, socket, batch) => this.#received(path, socket, batch.sources[0]),
				opened: (path) => this.opened.push(path.id),
				refused: (path, reason) => this.refused.push(`${path.id} ${reason}`),
				lost: (path, reason) => this.lost.push(`${path.id} ${reason}`),
				tooLong: (_path, size) => this.tooLong.push(size),
			},
			...init,
		});
		const made = this.paths;
		t.teardown(() => made.close());
		return made;
	}

	send(path: number, text: string): void {
		this.paths.send(path, Buffer.from(text), 0, text.length);
		this.paths.flush();
	}

	#received(
		path: ClientPath,
		socket: UdpSocket,
		source: Parameters<ClientPath['settle']>[1] | undefined,
	) {
		this.received.push(`${path.id} ${source?.host}`);
		if (this.trusting && path.racing && source !== undefined) path.settle(socket, source);
	}
}

async function hasIpv6(): Promise<boolean> {
	try {
		const peer = await UdpPeer.open(0, '::1');
		await peer.close();
		return true;
	} catch {
		return false;
	}
}

test.serial('opens every path at once and keeps its local port over a restart', async (t) => {
	const peer = await UdpPeer.open();
	const world = new World(t, [{port: peer.port}, {port: peer.port}]);
	world.paths.start();
	t.deepEqual(world.opened, [0, 1]);
	world.send(0, 'a');
	world.send(1, 'b');
	await waitFor(() => peer.received.length >= 2);
	const [first, second] = world.paths.all.map((path) => path.localPorts[0]);
	t.not(first, second);
	t.deepEqual(peer.received.map(({from}) => from.port).sort(), [first, second].sort());
	t.deepEqual([...world.ports.ports.values()], [first, second]);
	await world.paths.close();
	world.make(t, [{port: peer.port}, {port: peer.port}]).start();
	t.deepEqual(
		world.paths.all.map((path) => path.localPorts[0]),
		[first, second],
	);
	await peer.close();
});

test.serial('takes another port, with a warning, when the remembered one is in use', async (t) => {
	const squatter = await UdpPeer.open(0, '0.0.0.0');
	const world = new World(t, [{}]);
	world.ports.set('1', squatter.port);
	world.paths.start();
	t.not(world.paths.all[0]?.localPorts[0], squatter.port);
	t.deepEqual(world.reporter.lines, ['warn: the local port of a path is in use, took another']);
	t.is(world.ports.get('1'), world.paths.all[0]?.localPorts[0]);
	await squatter.close();
});

test.serial('fails at start when the port that the user asked for is in use', async (t) => {
	const squatter = await UdpPeer.open(0, '0.0.0.0');
	const world = new World(t, [{localPort: squatter.port}]);
	const error = t.throws(() => world.paths.start(), {instanceOf: SocketError});
	t.is(error?.code, 'EADDRINUSE');
	await squatter.close();
});

test.serial('reports a refused connection and a datagram that is too long', async (t) => {
	const gone = await UdpPeer.open();
	const {port} = gone;
	await gone.close();
	const world = new World(t, [{port}]);
	world.paths.start();
	world.send(0, 'x');
	await waitFor(() => world.refused.length > 0);
	t.is(world.refused[0], '0 refused: nothing listens there');
	world.paths.send(0, new Uint8Array(66_000), 0, 66_000);
	await waitFor(() => world.tooLong.length > 0);
	t.deepEqual(world.tooLong, [66_000]);
});

test.serial('connects anew on the same port, but not too often', async (t) => {
	const peer = await UdpPeer.open();
	let now = 0;
	const world = new World(t, [{port: peer.port}], {now: () => now});
	world.paths.start();
	const port = world.paths.all[0]?.localPorts[0];
	for (const time of [1000, 1100, 1200, 1260]) {
		now = time;
		world.paths.silent(0);
	}
	t.deepEqual(world.opened, [0, 0, 0]);
	world.send(0, 'still here');
	await waitFor(() => peer.received.length >= 1);
	t.is(peer.received[0]?.from.port, port);
	await peer.close();
});

test.serial(
	'sends to all addresses of a name until one is trusted, then to it alone',
	async (t) => {
		if (!(await hasIpv6())) {
			t.pass('no IPv6 here');
			return;
		}
		const v4 = await UdpPeer.open();
		const v6 = await UdpPeer.open(v4.port, '::1');
		v6.answerWith('hello');
		const resolver = async () => ['127.0.0.1', '::1'];
		const world = new World(t, [{host: 'bridge.test', port: v4.port}], {resolver});
		world.trusting = false;
		world.paths.start();
		await waitFor(() => world.opened.length >= 1);
		world.send(0, 'one');
		await waitFor(() => world.received.length === 1 && v4.received.length >= 1);
		t.true(world.paths.all[0]?.racing);
		world.trusting = true;
		world.send(0, 'two');
		await waitFor(() => world.received.length === 2 && v4.received.length >= 2);
		t.deepEqual(world.paths.all[0]?.remotes, [`[::1]:${v6.port}`]);
		world.send(0, 'three');
		await waitFor(() => v6.received.length >= 3);
		t.is(v4.received.length, 2);
		t.is(v4.received[0]?.from.port, v6.received[2]?.from.port);
		await Promise.all([v4.close(), v6.close()]);
	},
);

test.serial('tries all addresses of a name again when the path went down', async (t) => {
	const [one, two] = [await UdpPeer.open(), await UdpPeer.open(0, '127.0.0.2')];
	await two.close();
	const other = await UdpPeer.open(one.port, '127.0.0.2');
	let addresses = ['127.0.0.1'];
	const resolver = async () => addresses;
	const world = new World(t, [{host: 'bridge.test', port: one.port}], {resolver});
	world.paths.start();
	await waitFor(() => world.opened.length >= 1);
	addresses = ['127.0.0.1', '127.0.0.2'];
	world.paths.judged(0, 'down');
	await waitFor(() => world.opened.length >= 2);
	world.send(0, 'x');
	await waitFor(() => one.received.length === 1 && other.received.length >= 1);
	t.true(world.paths.all[0]?.racing);
	await Promise.all([one.close(), other.close()]);
});

test.serial('goes on without a name that cannot be resolved, and says so once', async (t) => {
	const peer = await UdpPeer.open();
	let tries = 0;
	const resolver = () => {
		tries++;
		return tries < 3
			? Promise.reject(Object.assign(new Error('x'), {code: 'ENOTFOUND'}))
			: Promise.resolve(['127.0.0.1']);
	};
	const paths = [{host: 'nowhere.test', port: peer.port}, {port: peer.port}];
	const world = new World(t, paths, {resolver});
	world.paths.start();
	t.deepEqual(world.opened, [1]);
	world.send(0, 'lost');
	world.send(1, 'kept');
	await waitFor(() => peer.received.length >= 1);
	await waitFor(() => world.opened.length >= 2);
	t.is(tries, 3);
	t.deepEqual(world.reporter.lines, [
		'warn: the name of a path cannot be resolved',
		'info: the name of a path can be resolved again',
	]);
	world.send(0, 'now');
	await waitFor(() => peer.received.length >= 2);
	await peer.close();
});

test.serial('connects all paths anew when the addresses of the machine change', async (t) => {
	const peer = await UdpPeer.open();
	let addresses = ['192.0.2.1'];
	const world = new World(t, [{port: peer.port}], {addresses: () => addresses});
	world.paths.start();
	addresses = ['192.0.2.2'];
	await waitFor(() => world.opened.length >= 2);
	t.deepEqual(world.reporter.lines, ['info: the addresses of this machine have changed']);
	await peer.close();
});

test.serial('connects a silent path anew every second, and not one that works', (t) => {
	const system = new FakeUdp();
	let now = 0;
	const paths = [{port: 7}, {port: 8}];
	const world = new World(t, paths, {backEnd: system, now: () => now, addresses: () => []});
	world.paths.start();
	const connections = () => system.live.map((socket) => socket.connections);
	const tick = () => {
		now += 1000;
		world.paths.tick();
	};
	tick();
	t.deepEqual(connections(), [2, 2], 'there is no session');
	world.paths.judged(0, 'up');
	world.paths.judged(1, 'up');
	tick();
	t.deepEqual(connections(), [2, 2]);
	world.paths.judged(1, 'down');
	tick();
	tick();
	t.deepEqual(connections(), [2, 4]);
	t.deepEqual(world.opened, [0, 1], 'nothing has changed yet');
	system.source = '192.0.2.99';
	tick();
	t.deepEqual(world.opened, [0, 1, 1]);
	world.paths.judged(1, 'up');
	world.paths.sessionLost();
	tick();
	t.deepEqual(connections(), [3, 6]);
});

test.serial('tries another local port after 5 s of silence, at start and later', (t) => {
	const system = new FakeUdp();
	let now = 0;
	const world = new World(t, [{}], {backEnd: system, now: () => now, addresses: () => []});
	world.paths.start();
	const usual = world.paths.all[0]?.localPorts;
	const run = (seconds: number) => {
		for (let i = 0; i < seconds; i++) {
			now += 1000;
			world.paths.tick();
		}
		return world.paths.all[0]?.localPorts;
	};
	t.deepEqual(run(4), usual);
	t.is(run(1)?.length, 2, 'there never was a session');
	const socket = system.live[1]!;
	world.paths.all[0]?.settle(socket, socket.remote('127.0.0.1', 9));
	world.paths.judged(0, 'up');
	t.deepEqual(run(60), [socket.localPort]);
	world.paths.judged(0, 'down');
	t.deepEqual(run(4), [socket.localPort]);
	t.is(run(1)?.length, 2);
});

test.serial('asks for the name of a silent path after 1, 2, 4 ... 10 s', async (t) => {
	const system = new FakeUdp();
	let now = 0;
	const asked: number[] = [];
	const resolver = async () => {
		asked.push(now / 1000);
		return ['192.0.2.7'];
	};
	const paths = [{host: 'bridge.test'}];
	const world = new World(t, paths, {backEnd: system, now: () => now, resolver});
	world.paths.start();
	const run = async (seconds: number) => {
		for (let i = 0; i < seconds; i++) {
			await new Promise(setImmediate);
			now += 1000;
			world.paths.tick();
		}
		return asked.splice(0);
	};
	t.deepEqual(await run(40), [0, 1, 3, 7, 15, 25, 35]);
	world.paths.judged(0, 'up');
	t.deepEqual(await run(60), []);
	world.paths.judged(0, 'down');
	t.deepEqual(await run(16), [100, 101, 103, 107, 115]);
});

test.serial('a list of addresses that cannot be read is no change', (t) => {
	const system = new FakeUdp();
	let addresses: readonly string[] = ['192.0.2.1'];
	const world = new World(t, [{}], {backEnd: system, addresses: () => addresses});
	world.paths.start();
	world.paths.judged(0, 'up');
	for (const list of [[], ['192.0.2.1'], []]) {
		addresses = list;
		world.paths.tick();
	}
	t.deepEqual(world.reporter.lines, []);
	t.deepEqual(world.opened, [0]);
});

test.serial(
	'what the system tells of comes at once, and only what changed is told further',
	(t) => {
		let changed = () => {};
		const system = new FakeUdp();
		const backEnd = Object.assign(system, {
			watchNetwork: (told: () => void) => {
				changed = told;
				return {close: () => {}};
			},
		});
		let addresses: readonly string[] = ['192.0.2.1'];
		const world = new World(t, [{}], {backEnd, addresses: () => addresses});
		world.paths.start();
		world.paths.judged(0, 'up');
		changed();
		t.deepEqual(world.opened, [0]);
		system.source = '192.0.2.5';
		changed();
		t.deepEqual(world.opened, [0, 0], 'a route');
		addresses = ['192.0.2.5'];
		changed();
		t.deepEqual(world.opened, [0, 0, 0], 'an address');
	},
);

test.serial('waits for a bind address that the machine does not have', async (t) => {
	const world = new World(t, [{bind: '203.0.113.77'}]);
	world.paths.start();
	t.true(world.reporter.lines[0]?.startsWith('warn: cannot open a path'));
	world.send(0, 'nothing happens');
	t.true(world.paths.all[0]?.blocked);
});
