import test, {type ExecutionContext} from 'ava';
import {Descriptors} from '../../src/net/batch/descriptor.ts';
import {LinuxKernel} from '../../src/net/batch/kernel.ts';
import {BatchRemote} from '../../src/net/batch/socket-address.ts';
import {ClientPath, type ClientPathOptions} from '../../src/net/client-path.ts';
import {batchIsMissing} from '../support/back-ends.ts';
import {FakePorts} from '../support/fake-ports.ts';
import {FakeReporter} from '../support/fake-reporter.ts';
import {FakeUdp} from '../support/fake-udp.ts';

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
		t.regex(before, /^lo,3,\d{5,},\d{5,}$/);
		t.true(descriptors.connect(descriptor, new BatchRemote('', 0, address, 9)) >= 0);
		t.true(descriptors.disconnect(descriptor, binding) >= 0);
		t.is(descriptors.optionsOf(descriptor, family), before);
	}
});
