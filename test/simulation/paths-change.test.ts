import test from 'ava';
import {encodeFrame} from '../../src/wire/frames/codec.ts';
import {pathsFrame} from '../../src/wire/frames/paths.ts';
import {ServerBench} from '../support/world/server-bench.ts';
import {TunnelWorld} from '../support/world/tunnel-world.ts';

type Flags = readonly {
	readonly name: string;
	readonly backup: boolean;
	readonly metered: boolean;
}[];

/** What an end says of its paths. */
function flagsOf(end: TunnelWorld['client'] | TunnelWorld['server'], now: number): Flags {
	const paths = end?.status(now).sessions[0]?.paths ?? [];
	return paths.map(({name, backup, metered}) => ({name, backup, metered}));
}

test('other settings of the paths of a running client reach the server, again and again', (t) => {
	const world = new TunnelWorld({
		seed: 5,
		links: [{delay: 10}, {delay: 20, loss: {kind: 'random', loss: 0.3}}],
	});
	world.start();
	world.run(2000);
	const plain = world.clientConfig.paths;
	const before = flagsOf(world.server, world.now);
	t.deepEqual(before, flagsOf(world.client, world.now));
	t.deepEqual(
		before.map(({backup}) => backup),
		[false, false],
	);
	// More changes than a sequence has values.
	for (let round = 1; round <= 300; round++) {
		const paths = plain.map((path, index) => ({
			...path,
			name: `round ${round} ${index}`,
			backup: index === round % 2,
			metered: round % 3 === 0,
		}));
		world.client!.reconfigure({...world.clientConfig, paths, copies: 1}, world.now);
		world.run(world.now + 1000);
		const expected = paths.map(({name, backup, metered}) => ({name, backup, metered}));
		t.deepEqual(flagsOf(world.client, world.now), expected);
		t.deepEqual(flagsOf(world.server, world.now), expected, `round ${round}`);
	}
	t.is(world.server!.status(world.now).sessions.length, 1);
});

test('a late copy of an older PATHS undoes nothing', (t) => {
	const bench = new ServerBench('late paths');
	const session = bench.connect(0);
	const send = (sequence: number, name: string) => {
		const path = {id: 0, name, metered: false, backup: false, rateUp: 0, rateDown: 0};
		bench.receive(session.packet(encodeFrame(pathsFrame, {sequence, copies: 0, paths: [path]})));
		return bench.server.status(bench.now).sessions[0]?.paths[0]?.name;
	};
	t.is(send(255, 'first'), 'first');
	t.is(send(0, 'second'), 'second');
	t.is(send(255, 'first'), 'second');
	t.is(send(0, 'second'), 'second');
	t.is(send(1, 'third'), 'third');
});
