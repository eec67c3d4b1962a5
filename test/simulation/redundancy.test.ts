import test from 'ava';
import {binomialInterval} from '../support/world/statistics.ts';
import {randomLoss, TunnelWorld} from '../support/world/tunnel-world.ts';

/** Milliseconds that any path of the end spent in state 'down'. */
function downTime(events: TunnelWorld['clientEvents'], until: number): number {
	const since = new Map<number, number>();
	let total = 0;
	for (const {at, event} of events) {
		if (event.type !== 'path-state') continue;
		if (event.to === 'down') since.set(event.path, at);
		else if (event.from === 'down') total += at - since.get(event.path)!;
		if (event.to !== 'down') since.delete(event.path);
	}
	for (const at of since.values()) total += until - at;
	return total;
}

for (const percent of [10, 20, 30, 40]) {
	test(`${percent} % loss on each of three paths leaves the product of them`, (t) => {
		const loss = percent / 100;
		const world = new TunnelWorld({
			seed: 100 + percent,
			links: [10, 20, 35].map((delay) => ({delay, jitter: 2, loss: randomLoss(loss)})),
		}).start();
		world.run(1000);
		const before = [...world.copies];
		const from = world.sent;
		// Both directions at once; replies of the target are independent datagrams.
		world.stream(2000, 60_000);
		world.run(world.now + 2000);
		const count = world.sent - from;
		const lost = world.lostAtServer(from).length;
		const [low, high] = binomialInterval(count, loss ** 3, 0.99);
		t.deepEqual(world.faults, []);
		t.true(lost >= low && lost <= high, `${lost} of ${count} lost, expected ${low} to ${high}`);
		for (const [path, copies] of world.copies.entries()) {
			t.true(copies - before[path]! >= count, `a datagram did not go out on path ${path + 1}`);
		}
		const down = downTime(world.clientEvents, world.now) + downTime(world.serverEvents, world.now);
		t.true(down <= 0.001 * 3 * world.now, `judged down for ${down} ms`);
	});

	test(`${percent} % loss leaves the product in the other direction too, at a low rate`, (t) => {
		const loss = percent / 100;
		const world = new TunnelWorld({
			seed: 200 + percent,
			links: [10, 20, 35].map((delay) => ({
				up: {delay, loss: randomLoss(0)},
				down: {delay, loss: randomLoss(loss)},
			})),
			echo: true,
		}).start();
		world.run(1000);
		const from = world.sent;
		world.stream(100, 300_000);
		world.run(world.now + 2000);
		const count = world.sent - from;
		const lost = world.lostAtClient(from).length;
		const [low, high] = binomialInterval(count, loss ** 3, 0.99);
		t.deepEqual(world.faults, []);
		t.true(lost >= low && lost <= high, `${lost} of ${count} lost, expected ${low} to ${high}`);
		const down = downTime(world.clientEvents, world.now) + downTime(world.serverEvents, world.now);
		t.true(down <= 0.001 * 3 * world.now, `judged down for ${down} ms`);
	});
}

test('the first copy is delivered as soon as it arrives, whatever becomes of the others', (t) => {
	const world = new TunnelWorld({
		seed: 3,
		links: [{delay: 80}, {delay: 15}, {delay: 200, loss: randomLoss(0.9)}],
	}).start();
	world.run(2000);
	const from = world.atServer.length;
	world.stream(500, 2000);
	world.run(world.now + 1000);
	t.deepEqual(world.lostAtServer(), []);
	for (const {at, sentAt} of world.atServer.slice(from)) t.true(at - sentAt < 15.01);
});

test('several applications are separate flows, and replies reach the one that asked', (t) => {
	const world = new TunnelWorld({
		seed: 4,
		links: [{delay: 5}, {delay: 9, loss: randomLoss(0.3)}],
		echo: true,
	}).start();
	for (let round = 0; round < 20; round++) {
		for (let application = 0; application < 50; application++) world.send(application);
		world.run(world.now + 20);
	}
	world.run(world.now + 500);
	t.deepEqual(world.faults, []);
	t.is(new Set(world.atServer.map(({flow}) => flow)).size, 50);
	t.deepEqual(world.lostAtClient(), []);
});
