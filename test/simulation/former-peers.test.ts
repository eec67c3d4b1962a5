import type {ExecutionContext} from 'ava';
import type {EndpointEvent} from '../../src/core/events.ts';
import {parseBuiltIn} from '../../src/policy/built-in.ts';
import type {Policy} from '../../src/policy/policy.ts';
import type {LinkConfig} from '../../src/sim/link-config.ts';
import {needing} from '../support/e2e/needs.ts';
import {always} from '../support/world/always.ts';
import {formerEnds} from '../support/world/former-ends.ts';
import {randomLoss, TunnelWorld} from '../support/world/tunnel-world.ts';
import type {WorldEnds, WorldOptions} from '../support/world/world-options.ts';

/** Ends of the build from before lanes, made when the first test wants them. */
let former: Promise<Required<WorldEnds>> | undefined;

type End = 'client' | 'server';

async function only(end: End): Promise<WorldEnds> {
	former ??= formerEnds();
	const {[end]: make} = await former;
	return {[end]: make};
}

/** Policies, and the paths on which the client's datagrams then go to such a server. */
const POLICIES: readonly (readonly [name: string, paths: readonly number[]])[] = [
	['redundant', [0, 1, 2]],
	['fec', [0, 1, 2]],
	['fec 1.5', [0, 1, 2]],
	['fec cheap', [0, 1, 2]],
	['best', [0]],
	['pin second', [1]],
	['redundant 2', [0, 1]],
];

function policyOf(name: string): Policy {
	return parseBuiltIn(name)!;
}

/** Links of three delays, of which the first is the shortest. */
function linksOf(loss: number): readonly Partial<LinkConfig>[] {
	return [10, 20, 30].map((delay) => ({delay, jitter: 4, loss: randomLoss(loss)}));
}

const PATHS = ['first', 'second', 'third'].map((name) => ({name}));

function newWorld(
	policy: Policy,
	loss: number,
	ends: WorldEnds,
	client: WorldOptions['client'] = {},
): TunnelWorld {
	const policies = always(policy);
	const base = {seed: 1, paths: PATHS, lanes: true, echo: true, ends} as const;
	return new TunnelWorld({...base, links: linksOf(loss), client: {policies, ...client}}).start();
}

/** Datagrams of all sizes to the fixed target and to four that the application names. */
function traffic(world: TunnelWorld, count: number): void {
	for (let i = 0; i < count; i++) {
		world.run(world.now + 5);
		const size = [60, 700, 1150, 1400, 3000][i % 5]!;
		if (i % 2 === 0) world.send(i % 3, size);
		else world.sendTo(i % 4, 3, size);
	}
}

/** Packets that an end could not read. */
function unread({handed}: TunnelWorld): number {
	const tallies = [...handed.client, ...handed.server];
	return tallies.reduce((sum, [reason, n]) => sum + (reason === 'malformed-frame' ? n : 0), 0);
}

function complete(t: ExecutionContext, world: TunnelWorld, most: number, from = 0): void {
	const lost = [world.lostAtServer(from).length, world.lostAtClient(from).length];
	t.true(Math.max(...lost) <= most, `${lost.join(' and ')} of ${world.sent - from} lost`);
	t.deepEqual(world.faults, []);
	t.is(unread(world), 0);
}

function resumed({event}: {readonly event: EndpointEvent}): boolean {
	return event.type === 'session-up' && event.resumed;
}

const HISTORY = {history: true, programs: ['git']} as const;

for (const [name, paths] of POLICIES) {
	needing(HISTORY)(`${name} to a server from before lanes`, async (t) => {
		const world = newWorld(policyOf(name), 0, await only('server'));
		world.run(2000);
		const before = [...world.copies];
		traffic(world, 1000);
		world.run(world.now + 1000);
		complete(t, world, 0);
		// 1,000 datagrams, of which a fifth takes three packets; beside them probes and confirmations.
		world.copies.forEach((copies, path) => {
			const packets = copies - before[path]!;
			if (paths.includes(path)) t.true(packets >= 1400, `${packets} on path ${path}`);
			else t.true(packets < 700, `${packets} on path ${path}`);
		});
	});

	needing(HISTORY)(`${name} to a server from before lanes, with losses and restarts`, async (t) => {
		const client = {rekeyInterval: 3000};
		const world = newWorld(policyOf(name), 0.1, await only('server'), client);
		world.run(2000);
		traffic(world, 1000);
		t.true(world.clientEvents.some(resumed));
		for (const end of ['server', 'client'] as const) {
			if (end === 'server') world.startServer();
			else world.startClient();
			traffic(world, 600);
			const from = world.sent;
			traffic(world, 1000);
			world.run(world.now + 1000);
			// Where a datagram takes one path, one in ten is lost, of three pieces more; there and back.
			complete(t, world, paths.length === 1 ? 350 : paths.length === 2 ? 60 : 20, from);
		}
	});
}

needing(HISTORY)('a client from before lanes gets what it had from the server', async (t) => {
	const world = newWorld(policyOf('redundant'), 0, await only('client'));
	world.run(2000);
	traffic(world, 1000);
	world.run(world.now + 1000);
	complete(t, world, 0);
	t.deepEqual(world.server!.status(world.now).sessions[0]!.lanes, []);
});

needing(HISTORY)('a client from before lanes, with losses and restarts', async (t) => {
	const client = {rekeyInterval: 3000};
	const world = newWorld(policyOf('redundant'), 0.1, await only('client'), client);
	world.run(2000);
	traffic(world, 1000);
	t.true(world.clientEvents.some(resumed));
	for (const end of ['client', 'server'] as const) {
		if (end === 'server') world.startServer();
		else world.startClient();
		// That client may keep the references of a server that is gone: applications of other ports.
		world.endApplication(3);
		traffic(world, 600);
		world.endApplication(3);
		const from = world.sent;
		traffic(world, 1000);
		world.run(world.now + 1000);
		complete(t, world, 20, from);
	}
});

/** Datagrams of the only lane that went out at the client and at the server. */
function sources({client, server, now}: TunnelWorld): readonly number[] {
	return [client!, server!].map((end) => {
		const lanes = end.status(now).sessions.flatMap((session) => session.lanes);
		return lanes[0]?.sending?.sources ?? 0;
	});
}

for (const upgraded of ['server', 'client'] as const) {
	needing(HISTORY)(`lanes come and go as the build of the ${upgraded} does`, async (t) => {
		const {[upgraded]: former} = await only(upgraded);
		let isFormer = true;
		const make = (config: never, environment: never) =>
			isFormer ? former!(config, environment) : undefined;
		const world = newWorld(policyOf('fec 1.5'), 0.02, {[upgraded]: make});
		for (const expected of [false, true, false, true]) {
			isFormer = !expected;
			if (upgraded === 'server') world.startServer();
			else world.startClient();
			world.endApplication(3);
			traffic(world, 600);
			world.endApplication(3);
			const from = world.sent;
			traffic(world, 1000);
			const coded = sources(world);
			world.run(world.now + 1000);
			complete(t, world, expected ? 60 : 4, from);
			for (const count of coded) {
				if (expected) t.true(count > 1200, `${count} sources`);
				else t.is(count, 0);
			}
		}
	});
}
