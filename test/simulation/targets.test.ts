import test from 'ava';
import {randomLoss, TunnelWorld} from '../support/world/tunnel-world.ts';

const clean = [{delay: 10}, {delay: 25}];
const rough = [10, 30, 70].map((delay) => ({
	delay,
	jitter: 8,
	jitterReorders: true,
	loss: randomLoss(0.2),
	duplicate: 0.1,
	reorder: 0.1,
	reorderBy: 40,
}));

test('the first datagram to each target needs no round trip', (t) => {
	const world = new TunnelWorld({seed: 81, links: clean, echo: true}).start();
	world.run(1000);
	for (let target = 0; target < 50; target++) world.sendTo(target);
	world.run(world.now + 10.01);
	t.is(world.atServer.length, 50);
	world.run(world.now + 100);
	t.deepEqual(world.faults, []);
	t.is(world.atClient.length, 50);
});

test('all targets of an application share one flow, so one port at the server', (t) => {
	const world = new TunnelWorld({seed: 82, links: clean}).start();
	world.run(500);
	for (let i = 0; i < 100; i++) world.sendTo(i % 10, i % 3);
	world.run(1000);
	t.is(new Set(world.atServer.map(({flow}) => flow)).size, 3);
});

test('a known target costs three bytes, not an address', (t) => {
	const sizes: number[] = [];
	const world = new TunnelWorld({
		seed: 83,
		links: [{delay: 10}],
		intercept: (packet, _path, up) => {
			if (up) sizes.push(packet.bytes.length);
			return true;
		},
	}).start();
	// Probes that are due go out with the datagram: 62 bytes each.
	const sizeOfNext = () => {
		sizes.length = 0;
		world.sendTo(1, 0, 100);
		return sizes.filter((size) => size !== 62);
	};
	world.run(500);
	t.deepEqual(sizeOfNext(), [100 + 27 + 3 + 7]);
	world.run(1000);
	t.deepEqual(sizeOfNext(), [100 + 27 + 3]);
});

test('under loss, reordering and duplication nothing reaches another target, and little is lost', (t) => {
	const world = new TunnelWorld({seed: 84, links: rough, echo: true}).start();
	world.run(500);
	for (let i = 0; i < 20_000; i++) {
		world.run(world.now + 1);
		world.sendTo(world.random.integer(20), i % 4);
	}
	world.run(world.now + 1000);
	t.deepEqual(world.faults, []);
	t.true(world.lostAtServer().length < 0.012 * world.sent);
});

test('more targets than references are remembered: evicted ones are announced anew', (t) => {
	const world = new TunnelWorld({seed: 85, links: rough, echo: true}).start();
	world.run(500);
	for (let i = 0; i < 20_000; i++) {
		world.run(world.now + 0.5);
		world.sendTo(world.random.integer(700));
	}
	world.run(world.now + 1000);
	t.deepEqual(world.faults, []);
	t.true(world.lostAtServer().length < 0.012 * world.sent);
});

test('restarts of either end, rekeys and address changes never send to another target', (t) => {
	const world = new TunnelWorld({
		seed: 86,
		links: rough,
		client: {rekeyInterval: 700},
		echo: true,
	}).start();
	for (let round = 0; round < 60; round++) {
		for (let i = 0; i < 100; i++) {
			world.run(world.now + 5);
			world.sendTo(world.random.integer(300), i % 5);
		}
		if (round % 4 === 1) {
			world.killServer();
			world.startServer();
		}
		if (round % 6 === 2) {
			world.killClient();
			world.startClient();
		}
		if (round % 5 === 3) world.changeAddress(round % 3);
		if (round % 7 === 4) world.endApplication(round % 5);
	}
	world.run(world.now + 8000);
	const from = world.sent;
	for (let i = 0; i < 300; i++) {
		world.run(world.now + 5);
		world.sendTo(i % 50, i % 5);
	}
	world.run(world.now + 1000);
	t.deepEqual(world.faults, []);
	t.true(world.lostAtServer(from).length <= 12);
});

test('an ended association closes its socket at the server at once', (t) => {
	const world = new TunnelWorld({seed: 87, links: clean}).start();
	world.run(500);
	world.sendTo(1, 3);
	world.run(600);
	const {flow} = world.atServer[0]!;
	world.endApplication(3);
	world.run(700);
	t.deepEqual(
		world.serverEvents.flatMap(({event}) => (event.type === 'flow-closed' ? [event.flow] : [])),
		[flow],
	);
});

test('a server that is no exit refuses and says so', (t) => {
	const world = new TunnelWorld({seed: 88, links: clean, server: {exit: false}}).start();
	world.run(500);
	world.sendTo(1);
	world.run(600);
	t.deepEqual(world.atServer, []);
	const refused = world.clientEvents.find(({event}) => event.type === 'target-refused');
	t.like(refused?.event, {code: 2});
});

test('a server without fixed target refuses the classic port and serves chosen targets', (t) => {
	const world = new TunnelWorld({seed: 89, links: clean, server: {fixedTarget: false}}).start();
	world.run(500);
	world.send();
	world.sendTo(1, 1);
	world.run(600);
	t.is(world.atServer.length, 1);
});

test('chosen targets end with the session, and work again in the next one', (t) => {
	const world = new TunnelWorld({seed: 90, links: clean, echo: true}).start();
	world.run(500);
	world.sendTo(1);
	world.run(600);
	world.killClient();
	world.startClient();
	world.run(700);
	world.sendTo(1);
	world.run(1000);
	t.deepEqual(world.faults, []);
	t.is(world.atClient.length, 2);
	t.is(world.serverEvents.filter(({event}) => event.type === 'flow-closed').length, 1);
});

test('answers come from the right targets after a restart of the server, in another order', (t) => {
	const world = new TunnelWorld({seed: 90, links: clean, echo: true}).start();
	world.run(500);
	for (let target = 0; target < 10; target++) world.sendTo(target);
	world.run(1000);
	world.startServer();
	// Until the client has noticed.
	world.sendTo(0);
	world.run(3000);
	const from = world.sent;
	for (let target = 9; target >= 0; target--) world.sendTo(target);
	world.run(4000);
	t.deepEqual(world.lostAtClient(from), []);
	t.deepEqual(world.faults, []);
});
