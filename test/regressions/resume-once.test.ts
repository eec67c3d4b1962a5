import test from 'ava';
import {TunnelWorld} from '../support/world/tunnel-world.ts';

test('a resume after silence is not followed by a second one before packets could come back', (t) => {
	let resumes = 0;
	for (let outage = 8000; outage < 14_000; outage += 100) {
		const world = new TunnelWorld({seed: outage, links: [{delay: 100}, {delay: 120}]}).start();
		world.run(1000);
		world.send();
		world.run(2000);
		const outages = [{from: world.now, until: world.now + outage}];
		for (const path of [0, 1]) world.configure(path, {outages});
		world.send();
		world.run(2000 + outage);
		const before = world.clientEvents.length;
		world.run(world.now + 2000);
		const sessions = world.clientEvents
			.slice(before)
			.filter(({event}) => event.type === 'session-up');
		t.true(sessions.length <= 1, `${sessions.length} resumes after an outage of ${outage} ms`);
		resumes += sessions.length;
	}
	t.true(resumes > 0);
});
