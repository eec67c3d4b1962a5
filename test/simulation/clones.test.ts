import test from 'ava';
import type {EndpointEvent} from '../../src/core/events.ts';
import {PacketType} from '../../src/wire/constants.ts';
import {Crowd, type Member} from '../support/world/crowd.ts';
import {type Flight, TunnelWorld} from '../support/world/tunnel-world.ts';
import type {WorldOptions} from '../support/world/world-options.ts';

const SIZE = 100;
const KEYLESS = {client: {keyless: true, psk: new Uint8Array(32)}, server: {exit: false}};
/** Datagrams of each client: one in so many ms. */
const EVERY = 10;

/** The client of a world, and others with the same client id that join it. */
class Clones {
	readonly world: TunnelWorld;
	readonly crowd: Crowd;
	/** Sequences of what each client sent; the first is the world's own. */
	readonly sent: number[][] = [[]];
	/** Nothing reaches the others until then. */
	deafUntil = 0;

	constructor(
		seed: number,
		links: WorldOptions['links'],
		{client, server}: Pick<WorldOptions, 'client' | 'server'> = {},
	) {
		this.world = new TunnelWorld({
			seed,
			links,
			client: client ?? {},
			server: server ?? {},
			echo: true,
			observe: (from, bytes, to) => {
				if (from === 'server' && this.world.now >= this.deafUntil) this.crowd.observe(bytes, to);
			},
		});
		this.crowd = new Crowd(this.world, this.world.clientConfig.psk);
		this.world.start();
		this.#send();
	}

	join(): Member {
		this.sent.push([]);
		return this.crowd.join(this.world.clientConfig.clientId);
	}

	#send(): void {
		const {world, crowd, sent} = this;
		sent[0]!.push(world.send(0, SIZE));
		for (const [index, member] of crowd.members.entries()) {
			const {sequence, bytes} = world.make(index + 1, SIZE);
			sent[index + 1]!.push(sequence);
			crowd.send(member, 50_000 + index, SIZE, bytes);
		}
		world.at(world.now + EVERY, () => this.#send());
	}

	/** What client number `index` sent from a time on and did not arrive. */
	lost(index: number, from: number, to: number): number[] {
		return this.sent[index]!.filter((sequence) => {
			const at = this.world.sentAt(sequence);
			return at >= from && at < to && !this.world.arrived('server', sequence);
		});
	}

	warnings(): readonly {readonly at: number; readonly event: EndpointEvent}[] {
		return this.world.serverEvents.filter(({event}) => isClone(event));
	}
}

function isClone(event: EndpointEvent): boolean {
	return event.type === 'warning' && event.code === 'clone';
}

function renamed(events: readonly EndpointEvent[]): number {
	return events.filter(({type}) => type === 'client-id').length;
}

for (const [age, name, config] of [
	[2000, 'has just begun', {}],
	[700_000, 'has run for long', {}],
	[2000, 'has no key', KEYLESS],
] as const) {
	test(`of two clients with one id the later one takes another, and all is well: the server ${name}`, (t) => {
		const clones = new Clones(90, [{delay: 20}, {delay: 30}], config);
		const {world} = clones;
		world.run(age);
		const {flow} = world.atServer.at(-1)!;
		const joined = world.now;
		const clone = clones.join();
		world.run(joined + 60_000);
		const [warning, ...others] = clones.warnings();
		t.deepEqual(others, []);
		t.is(clone.events.filter(isClone).length, 1);
		t.is(renamed(clone.events), 1);
		t.is(renamed(world.clientEvents.map(({event}) => event)), 0);
		t.true(warning!.at - joined <= 500, `seen after ${warning!.at - joined} ms`);
		// What was under way to the session that ended with it.
		const settled = warning!.at + 150;
		t.deepEqual(clones.lost(0, settled, world.now - 200), []);
		t.deepEqual(clones.lost(1, settled, world.now - 200), []);
		t.true(clone.received >= (world.now - settled) / EVERY - 50);
		const {sessions, users} = world.server!.status(world.now);
		t.is(sessions.length, 2);
		t.is(users![0]!.sessions, 2);
		t.is(world.atServer.findLast(({application}) => application === 0)!.flow, flow);
		t.deepEqual(world.faults, []);
	});
}

test('a clone that does not get the CLOSE is told by the answer to its next INIT', (t) => {
	const clones = new Clones(91, [{delay: 20}]);
	const {world} = clones;
	world.run(2000);
	const clone = clones.join();
	while (!clone.events.some(({type}) => type === 'session-up')) world.run(world.now + 1);
	clones.deafUntil = Number.POSITIVE_INFINITY;
	while (clones.warnings().length === 0) world.run(world.now + 1);
	clones.deafUntil = world.now + 300;
	const from = world.now + 5000;
	world.run(from + 10_000);
	t.is(clones.warnings().length, 1);
	t.is(renamed(clone.events), 1);
	t.deepEqual(clones.lost(0, from, world.now - 200), []);
	t.deepEqual(clones.lost(1, from, world.now - 200), []);
	t.deepEqual(world.faults, []);
});

test('of four clients with one id three take others', (t) => {
	const clones = new Clones(92, [{delay: 20}]);
	const {world} = clones;
	world.run(2000);
	for (let i = 0; i < 3; i++) clones.join();
	world.run(10_000);
	const from = world.now;
	world.run(from + 20_000);
	const names = [
		renamed(world.clientEvents.map(({event}) => event)),
		...clones.crowd.members.map(({events}) => renamed(events)),
	];
	t.is(
		names.reduce((sum, each) => sum + each),
		3,
		names.join(),
	);
	for (let i = 0; i < 4; i++) t.deepEqual(clones.lost(i, from, world.now - 200), []);
	t.is(world.server!.status(world.now).sessions.length, 4);
	t.deepEqual(world.faults, []);
});

test('a client that is killed and started three times in ten seconds keeps its id and its flow', (t) => {
	const world = new TunnelWorld({seed: 93, links: [{delay: 20}, {delay: 400}], echo: true});
	world.start();
	world.run(1000);
	world.stream(100, 1000);
	const {flow} = world.atServer.at(-1)!;
	for (let i = 0; i < 3; i++) {
		world.killClient();
		world.run(world.now + 300);
		world.startClient();
		world.run(world.now + 1000);
		const from = world.sent;
		world.stream(100, 2000);
		world.run(world.now + 100);
		t.deepEqual(world.lostAtServer(from), []);
		t.is(world.atServer.at(-1)!.flow, flow);
	}
	const events = [...world.serverEvents, ...world.clientEvents].map(({event}) => event);
	t.false(events.some((event) => isClone(event) || event.type === 'client-id'));
	t.is(world.server!.status(world.now).sessions.length, 1);
	t.deepEqual(world.faults, []);
});

test('a resume of the former process that comes late, or is recorded, is no second client', (t) => {
	const kept: Flight[] = [];
	let keeps = false;
	const world = new TunnelWorld({
		seed: 94,
		links: [{delay: 20}],
		client: {rekeyInterval: 3000},
		intercept: (flight, _, up) => {
			const isInit = flight.bytes[0]! >> 4 === PacketType.INIT;
			if (!keeps || !up || !isInit) return true;
			kept.push(flight);
			return false;
		},
	}).start();
	world.run(2000);
	world.send();
	keeps = true;
	// The due resume is under way when the process is killed.
	world.run(4000);
	t.true(kept.length > 0);
	keeps = false;
	world.killClient();
	world.startClient();
	world.run(world.now + 500);
	const answers = world.server!.status(world.now).drops['stale-handshake'] ?? 0;
	for (const {bytes, remote} of kept) world.inject('server', 0, bytes, remote);
	t.true(world.server!.status(world.now).drops['stale-handshake']! > answers);
	const from = world.sent;
	world.stream(100, 5000);
	world.run(world.now + 100);
	t.deepEqual(world.lostAtServer(from), []);
	t.false(world.serverEvents.some(({event}) => isClone(event)));
	t.is(world.server!.status(world.now).sessions.length, 1);
	t.deepEqual(world.faults, []);
});
