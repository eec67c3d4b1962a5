import test, {type ExecutionContext} from 'ava';
import {ClientPath, type ClientPathOptions} from '../../../src/net/tunnel/client-path.ts';
import {Descriptors} from '../../../src/net/udp/batch/descriptor.ts';
import {LinuxKernel} from '../../../src/net/udp/batch/kernel.ts';
import {BatchRemote} from '../../../src/net/udp/batch/socket-address.ts';
import {FakePorts} from '../../support/fakes/fake-ports.ts';
import {FakeReporter} from '../../support/fakes/fake-reporter.ts';
import {FakeUdp} from '../../support/fakes/fake-udp.ts';
import {batchIsMissing} from '../../support/machine/back-ends.ts';

/** One path on a machine of the test's own making. */
class World {
	readonly system = new FakeUdp();
	readonly reporter = new FakeReporter();
	readonly ports = new FakePorts();
	/** What the path told of itself. */
	readonly told: string[] = [];
	readonly path: ClientPath;
	now = 0;

	constructor(t: ExecutionContext, options: Partial<ClientPathOptions> = {}) {
		this.path = new ClientPath({
			id: 0,
			options: {
				name: 'a',
				host: '198.51.100.7',
				port: 9,
				bind: undefined,
				localPort: undefined,
				...options,
			},
			backEnd: this.system,
			ports: this.ports,
			reporter: this.reporter,
			now: () => this.now,
			vpnOf: (address) => (address === '10.98.0.1' ? 'tun0' : undefined),
			events: {
				received: () => {},
				opened: () => this.told.push('opened'),
				refused: (_path, reason) => this.told.push(`refused: ${reason}`),
				lost: (_path, reason) => this.told.push(`lost: ${reason}`),
				tooLong: () => {},
			},
		});
		t.teardown(() => this.path.close());
		this.path.reserve();
		this.path.setAddresses(['198.51.100.7']);
	}

	/** What it told since the last time. */
	news(): readonly string[] {
		return this.told.splice(0);
	}
}

test('a path without a way out is lost with the reason, and opened when there is one', (t) => {
	const world = new World(t);
	t.deepEqual(world.news(), ['opened']);
	world.system.source = undefined;
	const [socket] = world.system.live;
	socket?.handlers.onError(socket, 'ENODEV', 3, undefined);
	t.deepEqual(world.news(), ['refused: no route (ENODEV)', 'lost: no route (ENODEV)']);
	t.true(world.path.blocked);
	world.system.source = '192.0.2.2';
	world.now = 300;
	world.path.reconnect(false);
	t.deepEqual(world.news(), ['opened']);
});

test('a path follows its route, and tells of it only when it leaves from another address', (t) => {
	const world = new World(t);
	const [socket] = world.system.live;
	world.path.follow();
	t.is(socket?.connections, 2);
	t.deepEqual(world.news(), ['opened']);
	world.system.source = '203.0.113.5';
	world.path.follow();
	t.deepEqual(world.news(), ['opened']);
	t.deepEqual(world.reporter.fields, [{path: 'a', source: '203.0.113.5', before: '192.0.2.1'}]);
	world.system.source = undefined;
	world.path.follow();
	t.deepEqual(world.news(), ['lost: no route']);
});

/** The local ports that a path sends from in so many seconds of silence, one datagram in each. */
function portsOf(world: World, seconds: number): readonly number[] {
	for (let i = 0; i < seconds; i++) {
		world.now += 1000;
		world.path.alternate(5000);
		world.path.send(Buffer.from('x'), 0, 1);
	}
	return world.system.sent.splice(0).map(({port}) => port);
}

/** A genuine datagram comes in on that port. */
function answer(world: World, port: number): void {
	const socket = world.system.live.find(({localPort}) => localPort === port)!;
	world.path.settle(socket, socket.remote('198.51.100.7', 9));
}

test('a silent path is tried from a fresh port and the usual one in turn', (t) => {
	const world = new World(t);
	const usual = world.ports.get('a')!;
	const [first = 0, second = 0, third = 0, ...more] = portsOf(world, 12);
	t.not(first, usual);
	t.deepEqual([second, third], [usual, first]);
	t.deepEqual(more.filter((port) => port === usual).length, 5);
	t.is(new Set(more).size, 3, 'a port that brings nothing makes way for another');
	t.true(world.system.live.length <= 2);
	t.deepEqual(world.news().length, 13, 'each turn is told, so that a probe goes out');
	t.is(world.ports.get('a'), usual, 'nothing works yet');
});

test('the port that something answers at stays, and is remembered', (t) => {
	const world = new World(t);
	const usual = world.ports.get('a')!;
	const [fresh = 0, now] = portsOf(world, 2);
	t.is(now, usual);
	t.true(world.path.racing);
	answer(world, fresh);
	t.false(world.path.racing);
	t.deepEqual(world.path.localPorts, [fresh]);
	t.is(world.ports.get('a'), fresh);
	t.deepEqual(world.reporter.lines, ['info: a path works from another local port']);
	// The next silence begins with it.
	const [other, again] = portsOf(world, 2);
	t.is(again, fresh);
	answer(world, fresh);
	t.deepEqual(world.path.localPorts, [fresh]);
	t.not(other, fresh);
	t.deepEqual(
		world.system.live.map(({localPort}) => localPort),
		[fresh],
	);
	t.is(world.reporter.lines.length, 1, 'nothing new');
});

test('a port that the user asked for is the only one', (t) => {
	const world = new World(t, {localPort: 4711});
	t.deepEqual(new Set(portsOf(world, 5)), new Set([4711]));
	t.is(world.system.opened.length, 1);
});

test('a path without evidence says that its route changed, or leads into a VPN', (t) => {
	const world = new World(t);
	world.path.unproven();
	t.deepEqual(world.news(), ['opened'], 'nothing is known');
	world.system.source = '203.0.113.5';
	world.path.follow();
	world.path.unproven();
	const changed = 'no evidence since its route changed: from 203.0.113.5 instead of 192.0.2.1';
	t.deepEqual(world.news(), ['opened', `lost: ${changed}`]);
	world.path.proven();
	world.path.unproven();
	t.deepEqual(world.news(), []);
	world.system.source = '10.98.0.1';
	world.path.follow();
	world.path.unproven();
	const looped = 'no evidence, and its route leads into tun0, a VPN of this machine';
	t.deepEqual(world.news(), ['opened', `lost: ${looped}`]);
	t.regex(world.reporter.lines.at(-1) ?? '', /^warn: the route of a path leads into a VPN/);
});

test('a path whose interface is gone says so, and has its port again on the next one', (t) => {
	const world = new World(t, {device: 'eth1'});
	const [first] = world.system.live;
	world.system.keeps = false;
	world.system.failure = 'ENODEV';
	world.path.reconnect(true);
	const reason = `cannot open UDP 0.0.0.0:${first?.localPort} on eth1: this machine does not have the network interface`;
	t.deepEqual(world.news(), ['opened', `lost: ${reason}`]);
	t.deepEqual(world.system.live, []);
	world.system.failure = undefined;
	world.path.reconnect(true);
	t.deepEqual(world.news(), ['opened']);
	t.is(world.system.live[0]?.localPort, first?.localPort);
	t.is(world.system.live[0]?.binding.device, 'eth1');
});

test('a socket that lost its options is replaced, with a warning', (t) => {
	const world = new World(t, {device: 'eth1'});
	const [first] = world.system.live;
	world.system.keeps = false;
	world.path.reconnect(true);
	t.true(first?.closed);
	t.deepEqual(
		world.system.live.map(({localPort, connections}) => [localPort, connections]),
		[[first?.localPort, 1]],
	);
	t.deepEqual(world.reporter.lines, ['warn: a socket of a path could not be kept, took another']);
});

test('batch: interface, buffers and the ban on fragments outlive a connection', (t) => {
	const missing = batchIsMissing();
	if (missing !== undefined) {
		t.log(`skipped: needs ${missing}`);
		t.pass();
		return;
	}
	const descriptors = new Descriptors(new LinuxKernel());
	for (const address of ['127.0.0.1', '::1']) {
		const family = address === '::1' ? 6 : 4;
		const binding = {address: family === 6 ? '::' : '0.0.0.0', port: 0, isPath: true, device: 'lo'};
		const descriptor = descriptors.open(binding);
		t.teardown(() => descriptors.close(descriptor));
		const before = descriptors.optionsOf(descriptor, family);
		t.regex(before, /^lo,3,0,\d{5,},\d{5,}$/);
		t.true(descriptors.connect(descriptor, new BatchRemote('', 0, address, 9)) >= 0);
		t.true(descriptors.disconnect(descriptor, binding) >= 0);
		t.is(descriptors.optionsOf(descriptor, family), before);
	}
});
