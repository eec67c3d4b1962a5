import test from 'ava';
import {MAX_OPEN_PACKETS, type OpenPacket, OpenPackets} from '../../src/core/open-packets.ts';

/** Open packets that note their names when they are sent. */
function newSet() {
	const sent: string[] = [];
	const packet = (name: string, session = 1): OpenPacket => ({
		session,
		flush: () => sent.push(name),
	});
	return {open: new OpenPackets(), sent, packet};
}

test('packets of one session wait together and go in the order in which they were opened', (t) => {
	const {open, sent, packet} = newSet();
	const [a, b] = [packet('a'), packet('b')];
	for (const each of [a, b, b, a, b]) open.add(each, 0);
	t.is(open.session, 1);
	t.deepEqual(sent, []);
	open.flush(0);
	t.deepEqual(sent, ['a', 'b']);
	t.is(open.session, undefined);
	open.flush(0);
	t.is(sent.length, 2);
	open.add(a, 0);
	open.flush(0);
	t.deepEqual(sent, ['a', 'b', 'a']);
});

test('a datagram of another session sends off what waits', (t) => {
	const {open, sent, packet} = newSet();
	open.add(packet('a', 1), 0);
	open.add(packet('b', 1), 0);
	open.add(packet('c', 0), 0);
	t.deepEqual(sent, ['a', 'b']);
	t.is(open.session, 0);
	open.add(packet('d', 1), 0);
	t.deepEqual(sent, ['a', 'b', 'c']);
});

test('no more wait than the outbox has places for', (t) => {
	const {open, sent, packet} = newSet();
	for (let i = 0; i < MAX_OPEN_PACKETS; i++) open.add(packet(`${i}`), 0);
	t.deepEqual(sent, []);
	open.add(packet('one more'), 0);
	t.is(sent.length, MAX_OPEN_PACKETS);
});

test('a flush inside a flush sends nothing twice', (t) => {
	const {open, sent, packet} = newSet();
	const waiting = new Set(['a', 'b', 'c']);
	for (const name of ['a', 'b', 'c']) {
		const flush = () => {
			if (!waiting.delete(name)) return;
			sent.push(name);
			// As after an exception, which has everything sent that is complete.
			open.flush(0);
		};
		open.add({session: 1, flush}, 0);
	}
	open.flush(0);
	t.deepEqual(sent, ['a', 'b', 'c']);
	open.add(packet('d'), 0);
	open.flush(0);
	t.deepEqual(sent, ['a', 'b', 'c', 'd']);
});
