import test from 'ava';
import {encodeFrame} from '../../../src/wire/frames/codec.ts';
import {FrameType} from '../../../src/wire/frames/frame-type.ts';
import {streamFrame, streamOpenFrame} from '../../../src/wire/frames/stream.ts';
import type {RawSession} from '../../support/world/raw-session.ts';
import {ServerBench} from '../../support/world/server-bench.ts';
import {remoteOf} from '../session/core-fixtures.ts';

const PROBE = [FrameType.PROBE, 0, 0, ...new Array<number>(12).fill(0), 0];
const TARGET = Uint8Array.of(1, 192, 0, 2, 1, 0, 80);
/** A packet of streams is reported after so many ms at most. */
const REPORT_DELAY = 25;

/** Two clients, each with a stream; nothing of theirs is due but their probes. */
function twoClients() {
	const bench = new ServerBench('deadlines');
	const clients = [0, 1].map((index) => ({
		remote: remoteOf(index + 1),
		session: bench.connect(index, index, remoteOf(index + 1)),
	}));
	const open = encodeFrame(streamOpenFrame, {id: 0, window: 1000, address: TARGET});
	// An address that proved nothing gets no more than three times what came from it.
	const padding = new Array<number>(1000).fill(FrameType.PADDING);
	for (const {session, remote} of clients) {
		bench.receive(session.packet([...PROBE, ...open, ...padding]), remote);
	}
	bench.run(100);
	bench.sent.length = 0;
	return {bench, clients};
}

/** A packet with a byte of the stream. */
function streamByte(session: RawSession, offset: number): Uint8Array {
	const data = {id: 0, offset, bytes: Uint8Array.of(7), start: 0, end: 1};
	return session.packet(encodeFrame(streamFrame, data));
}

test('what inputs make due in their sessions is done in time, whichever came last', (t) => {
	for (const order of [
		[0, 1],
		[1, 0],
		[0, 1, 0],
	]) {
		const {bench, clients} = twoClients();
		for (const [offset, index] of order.entries()) {
			const {session, remote} = clients[index]!;
			t.is(bench.receive(streamByte(session, offset), remote), undefined);
		}
		t.true(bench.server.nextTimeout() <= bench.now + REPORT_DELAY);
		bench.run(REPORT_DELAY);
		const reported = clients.map(({session, remote}) => {
			const sent = bench.sent.filter(({to}) => to.key === remote.key);
			return sent.filter(({bytes}) => session.open(bytes)?.[0] === FrameType.FEEDBACK).length;
		});
		t.deepEqual(reported, [1, 1], `${order}`);
	}
});
