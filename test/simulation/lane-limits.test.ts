/*
 * What an operator allows a user is what its lanes get: traffic, lanes and memory.
 */
import {crc32} from 'node:zlib';
import test from 'ava';
import {createCoding} from '../../src/core/coding.ts';
import type {UserConfig} from '../../src/core/endpoint.ts';
import {SYMBOL_SLOT} from '../../src/fec/symbol-memory.ts';
import {parseBuiltIn} from '../../src/policy/built-in.ts';
import type {FlowFacts, Policy} from '../../src/policy/policy.ts';
import {codedPolicy, laneWorld, links} from '../support/lanes/lane-world.ts';
import {randomLoss, type TunnelWorld} from '../support/world/tunnel-world.ts';

const LOSSY = links(3, {delay: 20, loss: randomLoss(0.15)});
/** Bytes of a datagram, and the most that are around it in a packet. */
const SIZE = 500;
const AROUND = 100;

/** A world of a user with limits, whose targets have the policies of their numbers. */
class Limited {
	readonly world: TunnelWorld;
	readonly #targets: number;
	/** Packets of datagrams, their copies and repairs, that left each end. */
	readonly #packets = {client: 0, server: 0};

	constructor(limits: Partial<UserConfig>, policies: readonly Policy[]) {
		this.#targets = policies.length;
		const choose = ({host = '0'}: FlowFacts): Policy => policies[Number(host.at(-1))]!;
		this.world = laneWorld(policies[0]!, LOSSY, {
			client: {policies: {choose}},
			server: {users: [{name: 'user', psk: new Uint8Array(32).fill(7), ...limits}]},
			observe: (from, {length}) => {
				if (length > SIZE && length < SIZE + AROUND) this.#packets[from]++;
			},
		});
		this.world.run(1000);
	}

	/** Sends datagrams that are answered; returns the packets for each, of both ends. */
	factors(count = 4000): {readonly client: number; readonly server: number} {
		const {world} = this;
		const {client, server} = this.#packets;
		const answers = world.atServer.length;
		for (let i = 0; i < count; i++) {
			world.run(world.now + 2);
			world.sendTo(i % this.#targets, 0, SIZE);
		}
		world.run(world.now + 500);
		return {
			client: (this.#packets.client - client) / count,
			server: (this.#packets.server - server) / (world.atServer.length - answers),
		};
	}

	/** Traffic factor of the user as its server shows it. */
	get shown(): number {
		const {server, now} = this.world;
		return server!.status(now).users![0]!.traffic!.factor;
	}
}

function near(value: number, expected: number): boolean {
	return Math.abs(value - expected) < 0.05 * expected;
}

test('a limit of traffic holds for the answers of a policy with a code, and for these alone', (t) => {
	const limited = new Limited({trafficLimit: 1.5}, [codedPolicy({name: 'fec 3', traffic: 3})]);
	const {client, server} = limited.factors();
	t.true(near(client, 3), `${client}`);
	t.true(near(server, 1.5) && near(limited.shown, 1.5), `${server}, ${limited.shown}`);
	const [lane] = limited.world.server!.status(limited.world.now).sessions[0]!.lanes;
	t.like(lane!.sending!.promise, {traffic: 1.5, floor: 1.5});
});

test('with a limit of 1 a policy with a code has no repairs', (t) => {
	const limited = new Limited({trafficLimit: 1}, [codedPolicy({name: 'fec 3', traffic: 3})]);
	const {server} = limited.factors();
	t.true(near(server, 1) && near(limited.shown, 1), `${server}, ${limited.shown}`);
});

test('a limit of traffic holds for copies: of lane 0, of a number of paths, of a path in doubt', (t) => {
	for (const name of ['redundant', 'redundant 3', 'best']) {
		for (const trafficLimit of [1.9, 2.5]) {
			const limited = new Limited({trafficLimit}, [parseBuiltIn(name)!]);
			const {client, server} = limited.factors(2000);
			if (name !== 'best') t.true(near(client, 3), `${name}: ${client}`);
			t.true(server < trafficLimit, `${name}: ${server} of ${trafficLimit}`);
			t.true(limited.shown < trafficLimit, `${name}: ${limited.shown} of ${trafficLimit}`);
			if (trafficLimit > 2 && name !== 'best') t.true(server > 1.95, `${name}: ${server}`);
			t.deepEqual(limited.world.faults, []);
		}
	}
});

test('a policy that is one too many is no way around the limit of traffic', (t) => {
	const policies = [1, 2, 3].map((number) => codedPolicy({name: `fec ${number}`, traffic: 3}));
	const limited = new Limited({trafficLimit: 1.5, laneLimit: 1}, policies);
	const {server} = limited.factors(6000);
	t.true(server < 1.5, `${server}`);
	const {lanes} = limited.world.server!.status(limited.world.now).sessions[0]!;
	t.is(lanes.filter(({sending}) => sending !== undefined).length, 1);
	t.is(lanes.filter(({obstacle}) => obstacle === 'too-many').length, 2);
});

test('a limit of copies leaves streams all paths', (t) => {
	const {world} = new Limited({trafficLimit: 1}, [parseBuiltIn('redundant')!]);
	world.stream(100, 500);
	const {paths} = world.server!.status(world.now).sessions[0]!;
	t.is(paths.filter(({state}) => state === 'up').length, 3);
	t.deepEqual(world.faults, []);
});

test('lanes take no more memory than there is, and say what they lack', (t) => {
	const coding = createCoding(crc32, 400 * SYMBOL_SLOT);
	const {memory} = coding;
	const policies = [1, 2, 3, 4].map((number) => codedPolicy({name: `fec ${number}`, within: 500}));
	const choose = ({host}: FlowFacts): Policy => policies[Number(host!.at(-1))]!;
	const client = {policies: {choose}};
	const world = laneWorld(policies[0]!, LOSSY, {client, coding: () => coding});
	for (let i = 0; i < 6000; i++) {
		world.run(world.now + 0.5);
		world.sendTo(i % 4, 0, SIZE);
		if (memory.used > 400) t.fail(`${memory.used}`);
	}
	t.true(memory.used > 300, `${memory.used}`);
	const {lanes} = world.client!.status(world.now).sessions[0]!;
	t.true(lanes.some(({receiving}) => receiving?.recovers === false));
	t.deepEqual(world.faults, []);
});
