import test from 'ava';
import {KIND, kindAt, runAt, sentAt, sequenceAt, viewOf} from './datagram.ts';
import {Packets} from './packets.ts';

test('the lengths take turns, and the header is what was written', (t) => {
	const packets = new Packets([64, 576, 64]);
	const lengths = [];
	for (let sequence = 0; sequence < 6; sequence++) {
		packets.make(7, sequence, 1234.5, KIND.echo);
		const view = viewOf(packets.bytes);
		lengths.push(packets.end - packets.start);
		t.is(runAt(view, packets.start), 7);
		t.is(sequenceAt(view, packets.start), sequence);
		t.is(sentAt(view, packets.start), 1234.5);
		t.is(kindAt(view, packets.start), KIND.echo);
	}
	t.deepEqual(lengths, [64, 576, 64, 64, 576, 64]);
});

test('256 datagrams can wait at once', (t) => {
	const packets = new Packets([1200]);
	const starts = new Set<number>();
	for (let sequence = 0; sequence < 256; sequence++) {
		packets.make(1, sequence, 0, KIND.count);
		starts.add(packets.start);
	}
	t.is(starts.size, 256);
});

test('there is no datagram without a header', (t) => {
	t.throws(() => new Packets([16]), {instanceOf: RangeError});
});
