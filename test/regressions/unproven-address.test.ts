import test from 'ava';
import {PacketType} from '../../src/wire/constants.ts';
import {spoofedAddress} from '../support/operations/operation-watch.ts';
import {TunnelWorld} from '../support/world/tunnel-world.ts';

test('copies from an address that has proven nothing are no evidence for the path', (t) => {
	const copies: Uint8Array[] = [];
	let mode: 'normal' | 'divert' | 'dead' = 'normal';
	const spoofed = spoofedAddress(0);
	const world: TunnelWorld = new TunnelWorld({
		seed: 5,
		links: [{delay: 10}, {delay: 20}],
		intercept: ({bytes}, path, up) => {
			if (!up || mode === 'normal') return true;
			if (path === 1) copies.push(bytes);
			// One fresh packet of path 0 makes its sender's address known, not proven.
			else if (mode === 'divert')
				world.at(world.now, () => world.inject('server', 0, bytes, spoofed));
			return path === 1;
		},
	}).start();
	world.run(1000);
	mode = 'divert';
	world.send();
	world.run(world.now + 200);
	mode = 'dead';
	copies.length = 0;
	const received = () => world.server!.status(world.now).sessions[0]!.paths[0]!.receiving.packets;
	for (let i = 0; i < 20; i++) world.send();
	const data = copies.filter((bytes) => bytes[0]! >> 4 === PacketType.DATA);
	// All of them arrive over path 1 first.
	world.run(world.now + 100);
	const before = received();
	t.true(data.length >= 20);
	t.regex(world.server!.status(world.now).sessions[0]!.paths[0]!.remote, /10\.66\.0\.0/);
	for (const bytes of data) world.inject('server', 0, bytes, spoofed);
	t.is(received(), before);
});
