import test from 'ava';
import {encodeFrame} from '../../../src/wire/frames/codec.ts';
import {FrameType} from '../../../src/wire/frames/frame-type.ts';
import {streamOpenFrame} from '../../../src/wire/frames/stream.ts';
import {WorkCounter} from '../../support/machine/work-counter.ts';
import {ServerBench} from '../../support/world/server-bench.ts';
import {remoteOf} from '../session/core-fixtures.ts';

const counter = new WorkCounter(/\/build\/src\/core\//);
test.after(() => counter.stop());

const PROBE = [FrameType.PROBE, 0, 0, ...new Array<number>(12).fill(0), 0];
const PADDING = new Array<number>(1000).fill(FrameType.PADDING);
const TARGET = Uint8Array.of(1, 192, 0, 2, 1, 0, 80);

function streamOpen(): number[] {
	return [...encodeFrame(streamOpenFrame, {id: 0, window: 2 ** 20, address: TARGET})];
}

/** A server with so many sessions, each with one open stream. */
function serverWith(sessions: number): ServerBench {
	const bench = new ServerBench('pump', {sessionLimit: 4 * sessions});
	for (let client = 0; client < sessions; client++) {
		const remote = remoteOf(client + 1);
		const session = bench.connect(client % 2, client, remote);
		bench.receive(session.packet(PROBE), remote);
		bench.receive(session.packet(streamOpen()), remote);
		// An address that proved nothing gets no more than three times what came from it.
		for (let i = 0; i < 4; i++) bench.receive(session.packet(PADDING), remote);
	}
	for (const stream of bench.streams) stream.accept(TARGET);
	bench.server.pumpStreams(bench.now);
	bench.drain();
	return bench;
}

/** Steps that the server takes for one of its streams that has bytes to send. */
function stepsForOne(bench: ServerBench): number {
	const before = bench.sent.length;
	counter.take();
	bench.streams[0]!.write(new Uint8Array(10));
	bench.server.pumpStreams(bench.now);
	const steps = counter.take();
	bench.drain();
	if (bench.sent.length === before) throw new Error('nothing was sent');
	return steps;
}

test('a stream that changed costs no more beside many other sessions', (t) => {
	const few = stepsForOne(serverWith(2));
	const many = stepsForOne(serverWith(60));
	t.true(few > 10);
	t.true(many <= few, `${few} steps beside one other session, ${many} beside 59`);
});

test('streams of several sessions that changed before one pump are all served', (t) => {
	const bench = serverWith(10);
	const before = bench.sent.length;
	for (const index of [1, 4, 7]) bench.streams[index]!.write(new Uint8Array(10));
	bench.server.pumpStreams(bench.now);
	bench.drain();
	const ports = bench.sent.slice(before).map(({to}) => to.key);
	t.deepEqual(
		ports,
		[2, 5, 8].map((index) => remoteOf(index).key),
	);
});

test('a session that ended before its changed stream was pumped sends nothing', (t) => {
	const bench = new ServerBench('ended');
	const session = bench.connect(0);
	bench.receive(session.packet(PROBE));
	bench.receive(session.packet(streamOpen()));
	bench.streams[0]!.accept(TARGET);
	bench.receive(session.packet([FrameType.CLOSE, 0, 0]));
	const before = bench.sent.length;
	bench.server.pumpStreams(bench.now);
	bench.drain();
	t.is(bench.sent.length, before);
});
