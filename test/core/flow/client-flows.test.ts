import test from 'ava';
import {Cursor} from '../../../src/bytes/cursor.ts';
import {ClientFlows} from '../../../src/core/flow/client-flows.ts';
import {decodeTarget} from '../../../src/wire/address.ts';
import {remoteOf} from '../session/core-fixtures.ts';

const IDLE = 300_000;

function newFlows(): ClientFlows {
	return new ClientFlows([{name: 'classic'}, {name: 'second'}, {name: 'socks', open: true}], IDLE);
}

test('one application is one flow, another is another', (t) => {
	const flows = newFlows();
	const first = flows.find(0, remoteOf(1), 0);
	t.is(flows.find(0, remoteOf(1), 5), first);
	t.not(flows.find(0, remoteOf(2), 5), first);
	t.is(flows.size, 2);
});

test('the target names listener and application', (t) => {
	const flow = newFlows().find(1, remoteOf(5000), 0)!;
	const cursor = new Cursor();
	cursor.reset(flow.target, 0, flow.target.length);
	t.like(decodeTarget(cursor), {listener: 'second', application: '192.0.2.1 5000'});
});

test('the longest address with a zone fits the target', (t) => {
	const host = 'fe80:1111:2222:3333:4444:5555:6666:7777%wlp123456789012';
	const flow = newFlows().find(0, remoteOf(65_535, 0, host), 0)!;
	const cursor = new Cursor();
	cursor.reset(flow.target, 0, flow.target.length);
	t.like(decodeTarget(cursor), {application: `${host} 65535`});
});

test('a flow id is never used again', (t) => {
	const flows = newFlows();
	const ids = new Set<number>();
	for (let i = 0; i < 100; i++) {
		const {id} = flows.find(0, remoteOf(i % 3), 0)!;
		t.false(ids.has(id));
		ids.add(id);
		flows.remove(id);
	}
});

test('refuses the 16,385th flow, not one that is there', (t) => {
	const flows = newFlows();
	for (let port = 0; port < 16_384; port++) flows.find(0, remoteOf(port), 0);
	t.is(flows.find(0, remoteOf(20_000), 0), undefined);
	t.not(flows.find(0, remoteOf(7), 0), undefined);
});

test('a flow is found by its id and by its application', (t) => {
	const flows = newFlows();
	const flow = flows.find(1, remoteOf(9), 0)!;
	t.is(flows.get(flow.id), flow);
	t.is(flows.of(remoteOf(9)), flow);
	t.is(flows.get(5), undefined);
	t.is(flows.of(remoteOf(8)), undefined);
});

test('an application of an open listener names its targets, each known by itself', (t) => {
	const flows = newFlows();
	const flow = flows.find(2, remoteOf(9), 0)!;
	const first = flow.targets!.find(Uint8Array.of(1, 9, 9, 9, 9, 0, 53), 0, 7, 0)!;
	const second = flow.targets!.find(Uint8Array.of(1, 9, 9, 9, 9, 0, 54), 0, 7, 0)!;
	flows.setKnown(flow.id, second.reference, true);
	t.deepEqual([first.known, second.known], [false, true]);
	flows.leaveSession();
	t.false(second.known);
});

test('a target is known until a new session or the server says otherwise', (t) => {
	const flows = newFlows();
	const flow = flows.find(0, remoteOf(1), 0)!;
	t.false(flow.known);
	flows.setKnown(flow.id, 0, true);
	t.true(flow.known);
	flows.setKnown(flow.id, 0, false);
	t.false(flow.known);
	flows.setKnown(flow.id, 0, true);
	flows.leaveSession();
	t.false(flow.known);
	t.notThrows(() => flows.setKnown(999, 0, true));
});

test('a refused flow is quiet for a second, and said to be refused once', (t) => {
	const flows = newFlows();
	const flow = flows.find(0, remoteOf(1), 0)!;
	t.true(flows.refuse(flow.id, 10));
	t.is(flow.refusedUntil, 1010);
	t.false(flows.refuse(flow.id, 2000));
	t.false(flows.refuse(77, 0));
});

test('a closed flow makes room for a new one of the same application', (t) => {
	const flows = newFlows();
	const flow = flows.find(0, remoteOf(1), 0)!;
	flows.remove(flow.id);
	t.is(flows.size, 0);
	t.not(flows.find(0, remoteOf(1), 0), flow);
	t.notThrows(() => flows.remove(flow.id));
	t.is(flows.size, 1);
});

test('datagrams in either direction keep a flow to many targets, time alone one to a single target', (t) => {
	const flows = newFlows();
	const single = flows.find(0, remoteOf(4), 0)!;
	const sending = flows.find(2, remoteOf(1), 0)!;
	const receiving = flows.find(2, remoteOf(2), 0)!;
	const silent = flows.find(2, remoteOf(3), 0)!;
	flows.find(2, remoteOf(1), IDLE);
	receiving.active = IDLE;
	t.deepEqual(flows.expire(IDLE), []);
	t.deepEqual(flows.expire(IDLE + 1), [silent.id]);
	t.deepEqual(flows.expire(2 * IDLE + 1), [sending.id, receiving.id]);
	t.deepEqual(flows.expire(1e9), []);
	t.is(flows.get(single.id), single);
	t.is(flows.size, 1);
});
