import test from 'ava';
import {parseBuiltIn} from '../../src/policy/built-in.ts';
import {FrameType} from '../../src/wire/frames/frame-type.ts';
import {always} from '../support/world/always.ts';
import {TunnelWorld} from '../support/world/tunnel-world.ts';

const CODED = parseBuiltIn('fec 2')!;

test('what was read before its lane was described is not recovered a second time', (t) => {
	let early = 0;
	for (let seed = 1; seed <= 30; seed++) {
		// The description is lost at first, and then overtakes sources on the slow path.
		const world = new TunnelWorld({
			seed,
			links: [{delay: 5}, {delay: 8}, {delay: 20, jitter: 20, jitterReorders: true}],
			lanes: true,
			client: {policies: always(CODED)},
			aead: () => ({seal: () => {}, open: () => true}),
			intercept: ({bytes}, path, up, now) => {
				if (!up || bytes[11] !== FrameType.LANES) return true;
				return now > 300 + 5 * seed && path !== 2;
			},
		}).start();
		world.run(200);
		world.stream(500, 2000);
		world.run(world.now + 500);
		const [lane] = world.server!.status(world.now).sessions[0]!.lanes;
		early += world.atServer.length - lane!.receiving!.received - lane!.receiving!.recovered;
		t.deepEqual(world.lostAtServer(), []);
		t.deepEqual(world.faults, []);
	}
	t.true(early > 1000, `${early} came early`);
});
