import test from 'ava';
import type {ClientPathConfig, ClientSettings} from '../../src/core/endpoint.ts';
import type {Policy} from '../../src/policy/policy.ts';
import {REDUNDANT} from '../../src/policy/policy.ts';
import {always} from '../support/world/always.ts';
import {StreamWorld, serve} from '../support/world/stream-world.ts';

const LINKS = [{delay: 10}, {delay: 15}, {delay: 20}, {delay: 12}];
const FEC: Policy = {
	name: 'fec',
	kind: 'fec',
	residual: 1e-4,
	within: 40,
	traffic: 2,
	floor: 1.125,
	cheap: false,
	rate: 0,
	paths: [],
};

interface Changing {
	readonly world: StreamWorld;
	/** Gives the running client other settings, and opens the paths that are new. */
	readonly change: (settings: Partial<ClientSettings>) => void;
}

/** A world of four links in which paths come and go. */
function changing(policy: Policy, served = 0): Changing {
	const client = {policies: always(policy)};
	const world = new StreamWorld(
		{seed: 3, links: LINKS, lanes: true, echo: true, client},
		serve(() => served),
	);
	let settings: ClientSettings = world.clientConfig;
	world.start();
	const change = (changed: Partial<ClientSettings>) => {
		const before = new Set(settings.paths.map(({id}) => id));
		settings = {...settings, ...changed};
		world.poke('client', () => {
			world.client!.reconfigure(settings, world.now);
			for (const {id} of settings.paths) {
				if (!before.has(id)) world.client!.pathOpened(id, world.now);
			}
		});
	};
	return {world, change};
}

function pathsOf({world}: Changing, end: 'client' | 'server'): readonly string[] {
	const [session] = world[end]!.status(world.now).sessions;
	return session!.paths.map(({name}) => name).sort();
}

/** Copies that the client sends on a path in two seconds of traffic. */
function copiesOn({world}: Changing, path: number): number {
	const before = world.copies[path]!;
	world.stream(200, 2000);
	return world.copies[path]! - before;
}

for (const policy of [REDUNDANT, {name: 'best', kind: 'best'} as const, FEC]) {
	test(`paths come and go under traffic of ${policy.name}, and nothing is lost`, (t) => {
		const changed = changing(policy, 3_000_000);
		const {world, change} = changed;
		const all = world.clientConfig.paths;
		world.stream(500, 2000);
		const download = world.open(2000, 10);
		for (let round = 0; round < 40; round++) {
			// Two stay, two go; those that come back have been away for a moment.
			change({paths: all.filter(({id}) => id === round % 4 || id === (round + 1) % 4)});
			world.stream(500, 300);
		}
		change({paths: all});
		world.stream(500, 1000);
		world.run(world.now + 2000);
		t.deepEqual(world.lostAtServer(0), []);
		t.deepEqual(world.lostAtClient(0), []);
		t.is(download.received, 3_000_000);
		t.deepEqual(world.faults, []);
		t.is(world.clientEvents.filter(({event}) => event.type === 'session-up').length, 1);
		t.deepEqual(pathsOf(changed, 'server'), pathsOf(changed, 'client'));
	});
}

test('a path that is removed carries nothing any more, and is gone at both ends', (t) => {
	const changed = changing(REDUNDANT);
	const {world, change} = changed;
	world.stream(200, 2000);
	change({paths: world.clientConfig.paths.slice(1)});
	world.run(world.now + 100);
	t.is(copiesOn(changed, 0), 0);
	for (const end of ['client', 'server'] as const) {
		t.deepEqual(pathsOf(changed, end), ['path 2', 'path 3', 'path 4']);
	}
});

test('a stream goes on when the only path that it had is replaced', (t) => {
	const changed = changing(REDUNDANT, 5_000_000);
	const {world, change} = changed;
	const [first, second] = world.clientConfig.paths as [ClientPathConfig, ClientPathConfig];
	change({paths: [first]});
	world.run(2000);
	const download = world.open(2000, 10);
	while (download.received === 0) world.run(world.now + 10);
	t.true(download.received < 5_000_000);
	change({paths: [second]});
	world.run(20_000);
	t.is(download.received, 5_000_000);
	t.deepEqual(world.faults, []);
});

test('a held path carries probes alone in both directions until it is released', (t) => {
	const changed = changing(REDUNDANT);
	const {world, change} = changed;
	const all = world.clientConfig.paths;
	world.stream(200, 2000);
	change({paths: all.map((path) => ({...path, held: path.id === 1}))});
	world.run(world.now + 200);
	const held = copiesOn(changed, 1);
	t.true(held > 0 && held < 50, `${held}`);
	for (const end of ['client', 'server'] as const) {
		const [session] = world[end]!.status(world.now).sessions;
		const path = session!.paths.find(({id}) => id === 1)!;
		t.is(path.state, 'up');
		t.true(path.held);
	}
	change({paths: all});
	world.run(world.now + 200);
	t.true(copiesOn(changed, 1) >= 400);
	world.run(world.now + 200);
	t.deepEqual(world.lostAtServer(0), []);
});

test('with another policy the flows that run change their lanes, at both ends', (t) => {
	const changed = changing(REDUNDANT);
	const {world, change} = changed;
	world.stream(200, 2000);
	world.sendTo(1, 5);
	const quick: Policy = {...FEC, within: 20};
	for (const policy of [{name: 'best', kind: 'best'} as const, FEC, quick, REDUNDANT, FEC]) {
		change({policies: always(policy)});
		world.run(world.now + 700);
		const before = world.copies.reduce((sum, count) => sum + count);
		world.stream(200, 2000);
		const copies = world.copies.reduce((sum, count) => sum + count) - before;
		// 400 datagrams and some probes: four of each, or about one.
		t.true(policy === REDUNDANT ? copies > 1600 : copies < 1000, `${policy.name}: ${copies}`);
	}
	world.run(world.now + 200);
	const [session] = world.server!.status(world.now).sessions;
	const lanes = session!.lanes.map(({policy}) => policy).sort();
	// A policy with other terms has a lane of its own, one that comes back the one that it had.
	t.deepEqual(lanes, ['best', 'fec', 'fec', 'redundant']);
	t.deepEqual(world.lostAtServer(0), []);
	t.deepEqual(world.lostAtClient(0), []);
	t.deepEqual(world.faults, []);
});

test('the flows of a listener that changes end, others go on', (t) => {
	const changed = changing(REDUNDANT);
	const {world, change} = changed;
	const targets = [1, 2].map((host) => Uint8Array.of(1, 198, 51, 100, host, 0, 53));
	const forwards = targets.map((target, index) => ({name: `udp ${index}`, target}));
	change({listeners: [...world.clientConfig.listeners, forwards[0], forwards[1]]});
	world.run(1000);
	world.stream(100, 500);
	const put = (listener: number, port: number) => {
		const from = {key: `${listener} ${port}`, socket: listener, host: '127.0.0.1', port};
		const span = {bytes: new Uint8Array(50), start: 0, end: 50};
		world.poke('client', () => {
			world.client!.sendDatagram({...span, listener, application: from}, world.now);
		});
		world.run(world.now + 200);
		return world.client!.status(world.now).sessions[0]!.flows;
	};
	t.is(put(2, 7001), 2);
	t.is(put(3, 7002), 3);
	change({
		listeners: [...world.clientConfig.listeners, undefined, {...forwards[1]!, target: targets[0]}],
	});
	world.run(world.now + 500);
	for (const end of ['client', 'server'] as const) {
		t.is(world[end]!.status(world.now).sessions[0]!.flows, 1, end);
	}
	t.is(put(3, 7002), 2);
	t.deepEqual(world.lostAtClient(0), []);
});
