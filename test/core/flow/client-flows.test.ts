import test from 'ava';
import {Cursor} from '../../../src/bytes/cursor.ts';
import {ClientFlows} from '../../../src/core/flow/client-flows.ts';
import {Delivery} from '../../../src/core/transmit.ts';
import {decodeTarget} from '../../../src/wire/address.ts';
import {remoteOf} from '../core-fixtures.ts';

const IDLE = 300_000;

function newFlows(): ClientFlows {
	return new ClientFlows(['classic', 'second'], IDLE);
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
	t.is(decodeTarget(cursor)?.application, `${host} 65535`);
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

test('delivers to the application of the flow', (t) => {
	const flows = newFlows();
	const {id} = flows.find(1, remoteOf(9), 0)!;
	const delivery = new Delivery();
	const bytes = new Uint8Array(9);
	t.is(
		flows.deliver(id, () => delivery, bytes, 2, 7, 0),
		undefined,
	);
	const {application, ...rest} = delivery;
	t.is(application?.port, 9);
	t.deepEqual(rest, {flow: id, listener: 1, bytes, start: 2, end: 7});
});

test('a datagram of an unknown flow is delivered to nobody', (t) => {
	const reason = newFlows().deliver(5, () => t.fail() as never, new Uint8Array(1), 0, 1, 0);
	t.is(reason, 'unknown-flow');
});

test('a target is known until a new session or the server says otherwise', (t) => {
	const flows = newFlows();
	const flow = flows.find(0, remoteOf(1), 0)!;
	t.false(flow.known);
	flows.setKnown(flow.id, true);
	t.true(flow.known);
	flows.setKnown(flow.id, false);
	t.false(flow.known);
	flows.setKnown(flow.id, true);
	flows.forgetKnown();
	t.false(flow.known);
	t.notThrows(() => flows.setKnown(999, true));
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

test('datagrams in either direction keep a flow', (t) => {
	const flows = newFlows();
	const sending = flows.find(0, remoteOf(1), 0)!;
	const receiving = flows.find(0, remoteOf(2), 0)!;
	const silent = flows.find(0, remoteOf(3), 0)!;
	flows.find(0, remoteOf(1), IDLE);
	flows.deliver(receiving.id, () => new Delivery(), new Uint8Array(1), 0, 1, IDLE);
	t.deepEqual(flows.expire(IDLE), []);
	t.deepEqual(flows.expire(IDLE + 1), [silent.id]);
	t.deepEqual(flows.expire(2 * IDLE + 1), [sending.id, receiving.id]);
	t.is(flows.size, 0);
});
