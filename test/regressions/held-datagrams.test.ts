import test from 'ava';
import {TunnelWorld} from '../support/world/tunnel-world.ts';

test('what waits for a path still goes when a resume is answered before any path is up', (t) => {
	for (let outage = 7000; outage < 13_000; outage += 50) {
		const world = new TunnelWorld({
			seed: outage,
			links: [{delay: 10}, {delay: 20}],
			client: {holdAge: 2000},
		}).start();
		world.run(1000);
		world.send();
		world.run(2000);
		const outages = [{from: world.now, until: world.now + outage}];
		for (const path of [0, 1]) world.configure(path, {outages});
		world.send();
		world.run(2000 + outage - 300);
		const waiting = world.send();
		world.run(world.now + 1500);
		t.true(world.arrived('server', waiting), `lost after an outage of ${outage} ms`);
		t.deepEqual(world.faults, []);
	}
});
