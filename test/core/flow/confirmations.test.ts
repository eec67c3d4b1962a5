import test from 'ava';
import {Confirmations} from '../../../src/core/flow/confirmations.ts';
import {FrameType} from '../../../src/wire/frames/frame-type.ts';

const {TARGET_KNOWN} = FrameType;

test('a few go in front of a datagram, and then nothing is due', (t) => {
	const confirmations = new Confirmations();
	t.is(confirmations.takePrefix(), undefined);
	confirmations.add(1, 2, 100);
	confirmations.add(300, 0, 101);
	t.is(confirmations.due, 103);
	t.deepEqual(
		confirmations.takePrefix(),
		Uint8Array.of(TARGET_KNOWN, 1, 2, TARGET_KNOWN, 0x41, 44, 0),
	);
	t.is(confirmations.due, Number.POSITIVE_INFINITY);
	t.is(confirmations.take(), undefined);
});

test('many go together in one packet, and no more than fit', (t) => {
	const confirmations = new Confirmations();
	for (let flow = 0; flow < 1000; flow++) confirmations.add(flow, 0, 0);
	t.is(confirmations.takePrefix(), undefined, 'too long in front of a datagram');
	const frames = confirmations.take()!;
	t.true(frames.length > 200 && frames.length <= 256);
	t.is(frames[0], TARGET_KNOWN);
});
