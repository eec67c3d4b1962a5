import test from 'ava';
import type {LaneOwner} from '../../../src/core/lane/lane.ts';
import {Lanes} from '../../../src/core/lane/lanes.ts';
import {Outgoing} from '../../../src/core/lane/outgoing.ts';
import {KeySchedule} from '../../../src/core/packets/key-schedule.ts';
import {PacketSender} from '../../../src/core/packets/packet-sender.ts';
import {PathSet} from '../../../src/core/path/path-set.ts';
import {type Policy, REDUNDANT} from '../../../src/policy/policy.ts';
import {SlotCount} from '../../support/world/slot-count.ts';
import {readableContext, remoteOf, settingsOf} from '../session/core-fixtures.ts';

const BEST: Policy = {name: 'best', kind: 'best'};

/** The lanes of a session over so many paths that are up, the first the quickest. */
function newLanes(pathCount: number) {
	const context = readableContext('lanes');
	const slots = new SlotCount(context.outbox.pool);
	const aead = context.environment.aead(new Uint8Array(32));
	const paths = new PathSet(context, 7);
	const sender = new PacketSender(context, new KeySchedule(aead, aead, 0), paths, 1);
	const failures: unknown[] = [];
	const owner = {
		sending: () => {
			count.sending++;
		},
		fail: (error: unknown) => failures.push(error),
		sendControl: () => {},
	};
	const count = {sending: 0};
	const init = {context, paths, sender, owner: owner satisfies LaneOwner, joining: true};
	const lanes = new Lanes({...init, number: 7, localId: 70, coding: undefined, limits: {}, now: 0});
	for (let id = 0; id < pathCount; id++) {
		const path = paths.configure(settingsOf(id), 0);
		paths.learn(path, remoteOf(id), 0)!.validated = true;
		path.judge.state = 'up';
		path.rtt.sample(10 * (id + 1));
	}
	paths.changed(0);
	return {context, slots, paths, sender, lanes, failures, count};
}

/** The paths of each packet that waits for the driver. */
function routes({context}: Pick<ReturnType<typeof newLanes>, 'context'>): number[][] {
	const routes: number[][] = [];
	for (let out = context.outbox.poll(); out !== undefined; out = context.outbox.poll()) {
		routes.push([...out.paths.subarray(0, out.count)]);
		context.outbox.pool.release(out.slot);
	}
	return routes;
}

const datagram = (length: number) =>
	Object.assign(new Outgoing(), {flow: 3, bytes: new Uint8Array(length), end: length});

test('one lane for each policy, made when it is wanted', (t) => {
	const {lanes} = newLanes(2);
	t.is(lanes.get(REDUNDANT, 0), lanes.first);
	const best = lanes.get(BEST, 0);
	t.not(best, lanes.first);
	t.is(lanes.get(BEST, 0), best);
});

test('each lane sends where its policy leads, also one that was made late', (t) => {
	const world = newLanes(3);
	const {lanes, context, paths, count} = world;
	for (const policy of [REDUNDANT, BEST]) {
		t.is(lanes.get(policy, 0).write(datagram(10), 0), undefined);
	}
	t.deepEqual(routes(world), []);
	context.open.flush(0);
	t.deepEqual(routes(world), [[0, 1, 2], [0]]);
	t.is(count.sending, 2);
	paths.get(0)!.judge.state = 'down';
	paths.changed(0);
	for (const policy of [BEST, REDUNDANT]) lanes.get(policy, 0).write(datagram(10), 0);
	context.open.flush(0);
	t.deepEqual(routes(world), [[1], [1, 2]]);
});

test('a path is in use while any lane sends on it', (t) => {
	const {lanes, paths} = newLanes(3);
	lanes.redundant.copies = 1;
	paths.changed(0);
	t.true(lanes.carry(paths.get(0)!));
	t.false(lanes.carry(paths.get(1)!));
	// The best lane keeps to the path that leads while it is in doubt, the other one leaves it.
	lanes.get(BEST, 0);
	paths.get(0)!.judge.state = 'suspect';
	paths.changed(0);
	t.deepEqual(
		lanes.redundant.paths.map(({id}) => id),
		[1],
	);
	t.true(lanes.carry(paths.get(0)!));
	t.true(lanes.carry(paths.get(1)!));
	t.false(lanes.carry(paths.get(2)!));
});

test('a lane is usable while one of its paths is', (t) => {
	const {lanes, paths} = newLanes(1);
	const all = [lanes.first, lanes.get(BEST, 0)];
	t.true(all.every(({isUsable}) => isUsable));
	paths.get(0)!.judge.state = 'down';
	paths.changed(0);
	t.false(all.some(({isUsable}) => isUsable));
});

test('what waits in any lane goes at once, or is dropped when the session ends', (t) => {
	const world = newLanes(1);
	const {lanes, context, sender} = world;
	const write = () => {
		lanes.first.write(datagram(10), 0);
		lanes.get(BEST, 0).write(datagram(20), 0);
	};
	write();
	lanes.flush(0);
	t.is(routes(world).length, 2);
	write();
	lanes.end();
	sender.ended = true;
	context.open.flush(0);
	t.deepEqual(routes(world), []);
	t.is(context.drops.get('no-session'), 2);
	t.is(lanes.first.write(datagram(10), 0), 'no-session');
	t.is(world.slots.out, 0);
});

test('datagrams in parts are counted for all lanes', (t) => {
	const world = newLanes(1);
	const {lanes} = world;
	lanes.first.write(datagram(2000), 0);
	lanes.get(BEST, 0).write(datagram(3000), 0);
	t.is(lanes.split, 2);
	t.is(routes(world).length, 2 + 3);
});

test('an exception while packets are flushed ends one session, and flushing goes on', (t) => {
	const world = newLanes(1);
	const {lanes, context, failures} = world;
	const best = lanes.get(BEST, 0);
	lanes.first.write(datagram(10), 0);
	best.write(datagram(10), 0);
	const error = new Error('planted');
	lanes.redundant.route = () => {
		throw error;
	};
	context.open.flush(0);
	t.deepEqual(failures, [error]);
	t.is(routes(world).length, 1);
});
