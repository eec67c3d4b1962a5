import test from 'ava';
import fc from 'fast-check';
import {LinkClients} from '../../../src/net/link/clients.ts';

interface Client {
	readonly host: string;
	readonly name: string;
	readonly admittedAt: number;
}

/** A table and who is in it, by name. */
class World {
	readonly inside = new Map<string, Client>();
	readonly answered = new Set<string>();
	readonly table: LinkClients<Client>;

	constructor(limit: number) {
		this.table = new LinkClients<Client>(limit, ({name}) => this.inside.delete(name));
	}

	/** A datagram of somebody new; whether he was let in. */
	comes(name: string, host: string, now: number): boolean {
		if (!this.table.makeRoom(host, now)) return false;
		const client = {name, host, admittedAt: now};
		this.inside.set(name, client);
		this.table.add(client);
		return true;
	}

	answer(name: string): void {
		const client = this.inside.get(name);
		if (client === undefined) return;
		this.table.answered(client);
		this.answered.add(name);
	}

	leaves(name: string): void {
		const client = this.inside.get(name);
		if (client === undefined) return;
		this.inside.delete(name);
		this.table.delete(client);
	}
}

test('who fills it from one address keeps no other address out', (t) => {
	const world = new World(1024);
	world.comes('friend', '192.0.2.1', 0);
	world.answer('friend');
	let refused = 0;
	for (let i = 0; i < 5000; i++) if (!world.comes(`flood ${i}`, '198.51.100.1', 1)) refused++;
	t.is(refused, 5000 - 1023);
	for (let i = 0; i < 500; i++) t.true(world.comes(`new ${i}`, '203.0.113.1', 1));
	t.true(world.inside.has('friend'));
	t.false(world.inside.has('flood 0'));
	t.true(world.inside.has('flood 1022'));
	t.is(world.inside.size, 1024);
});

test('the same address gets in when the others had time for an answer', (t) => {
	const world = new World(3);
	for (const name of ['a', 'b', 'c']) world.comes(name, '192.0.2.1', 0);
	world.answer('a');
	t.false(world.comes('d', '192.0.2.1', 999));
	t.true(world.comes('d', '192.0.2.1', 1000));
	t.deepEqual([...world.inside.keys()], ['a', 'c', 'd']);
});

test('addresses that are forged each leave time for an answer', (t) => {
	const world = new World(64);
	for (let i = 0; i < 64; i++) world.comes(`forged ${i}`, `192.0.2.${i}`, 0);
	t.false(world.comes('friend', '203.0.113.1', 999));
	t.true(world.comes('friend', '203.0.113.1', 1000));
	for (let i = 0; i < 64; i++) world.comes(`again ${i}`, `198.51.100.${i}`, 1000);
	t.true(world.inside.has('friend'));
	t.is(world.inside.size, 64);
});

test('the addresses of one /64 count as one, with and without a zone', (t) => {
	const world = new World(32);
	for (let i = 0; i < 32; i++) world.comes(`flood ${i}`, `2001:db8::${i.toString(16)}`, 0);
	t.false(world.comes('flood', '2001:db8::ffff', 0));
	t.true(world.comes('friend', 'fe80::1%eth0', 0));
	t.true(world.inside.has('friend'));
});

test('whoever was answered stays until it leaves', (t) => {
	const world = new World(2);
	for (const name of ['a', 'b']) {
		world.comes(name, '192.0.2.1', 0);
		world.answer(name);
	}
	t.false(world.comes('c', '203.0.113.1', 1e9));
	world.leaves('a');
	t.true(world.comes('c', '203.0.113.1', 1e9));
});

const STEP = fc.record({
	kind: fc.constantFrom('comes', 'comes', 'comes', 'answer', 'leaves'),
	host: fc.integer({min: 1, max: 4}),
	name: fc.integer({min: 0, max: 40}),
	passes: fc.integer({min: 0, max: 600}),
});

test('never more than the limit, never an answered one replaced, never a larger address', (t) => {
	const steps = fc.array(STEP, {maxLength: 300});
	const property = fc.property(steps, fc.integer({min: 1, max: 8}), (all, limit) => {
		const world = new World(limit);
		let now = 0;
		const count = (host: string) =>
			[...world.inside.values()].filter((one) => one.host === host && !world.answered.has(one.name))
				.length;
		for (const {kind, host: number, name: label, passes} of all) {
			now += passes;
			const host = `192.0.2.${number}`;
			const name = `${number}:${label}`;
			if (kind === 'answer') world.answer(name);
			else if (kind === 'leaves') {
				world.leaves(name);
				world.answered.delete(name);
			} else if (!world.inside.has(name)) {
				const before = new Map(world.inside);
				const counts = new Map([1, 2, 3, 4].map((n) => [`192.0.2.${n}`, count(`192.0.2.${n}`)]));
				const most = Math.max(...counts.values());
				const isFull = before.size === limit;
				const entered = world.comes(name, host, now);
				const gone = [...before.values()].filter((one) => !world.inside.has(one.name));
				t.is(gone.length, isFull && entered ? 1 : 0);
				for (const one of gone) {
					t.false(world.answered.has(one.name));
					const isFair = counts.get(one.host) === most && most > counts.get(host)! + 1;
					t.true(isFair || now - one.admittedAt >= 1000);
				}
				t.true(world.inside.size <= limit);
				if (!isFull || most > counts.get(host)! + 1) t.true(entered);
			}
		}
	});
	fc.assert(property, {numRuns: 300});
});
