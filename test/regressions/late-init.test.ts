import test from 'ava';
import {PacketType} from '../../src/wire/constants.ts';
import {TunnelWorld} from '../support/world/tunnel-world.ts';

const DELAY = 20;

test('a late copy of an INIT that was given up does not replace the keys of the newer one', (t) => {
	let givenUp: Uint8Array | undefined;
	let late = 0;
	// Without a key the server knows no client id here, so nothing but the session tells old from new.
	const world: TunnelWorld = new TunnelWorld({
		seed: 8,
		links: [{delay: DELAY}],
		client: {keyless: true, psk: new Uint8Array(32), rekeyInterval: 5000},
		intercept: ({bytes}, path, up, now) => {
			if (!up || now < 4000 || bytes[0]! >> 4 !== PacketType.INIT) return true;
			givenUp ??= bytes;
			const old = givenUp;
			if (bytes.every((byte, index) => byte === old[index])) return false;
			// It arrives between the newer INIT and the first packet under the newer keys.
			if (late++ === 0) world.at(now + 1.5 * DELAY, () => world.inject('server', path, old));
			return true;
		},
	}).start();
	world.run(1000);
	world.stream(100, 12_000);
	world.run(world.now + 1000);
	t.true(late > 0);
	t.true(world.server!.status(world.now).sessions[0]!.rekeys > 0);
	t.deepEqual(world.faults, []);
	t.deepEqual(world.lostAtServer(), []);
});
