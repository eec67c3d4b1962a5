import test from 'ava';
import {Cursor, writeUint48} from '../../../src/bytes/cursor.ts';
import {writeVarint} from '../../../src/bytes/varint.ts';
import {SendBuffer} from '../../../src/core/stream/send-buffer.ts';
import {Prng} from '../../../src/sim/prng.ts';
import {PacketType} from '../../../src/wire/constants.ts';
import {encodeFrame, type FrameCodec} from '../../../src/wire/frames/codec.ts';
import {
	encodeFeedbackHead,
	encodePathReport,
	PathReport,
} from '../../../src/wire/frames/feedback.ts';
import {FrameType} from '../../../src/wire/frames/frame-type.ts';
import {pathsFrame} from '../../../src/wire/frames/paths.ts';
import {Probe, pongFrame, probeFrame} from '../../../src/wire/frames/probe.ts';
import {streamFinFrame, streamFrame, streamOpenFrame} from '../../../src/wire/frames/stream.ts';
import {headerPacketNumber, packetType} from '../../../src/wire/header.ts';
import {WorkCounter} from '../../support/machine/work-counter.ts';
import type {RawSession} from '../../support/world/raw-session.ts';
import {ServerBench} from '../../support/world/server-bench.ts';
import {remoteOf} from '../session/core-fixtures.ts';

const counter = new WorkCounter(/\/build\/src\/(?:core|wire|bytes)\//);
test.after(() => counter.stop());

/** Steps of one packet at most: a step takes 1 to 2 ns, and no packet may take more than 200 us. */
const MOST = 80_000;
/** The same on average in a batch of 64, where dear packets are beside cheap ones. */
const MOST_IN_BATCH = 25_000;
/** Steps that a packet of the program's own takes. */
const ANSWER = 450;
const PATHS = 10;
const STREAMS = 900;
const FLOWS = 2000;
/** Bytes of frames in the longest packet. */
const ROOM = 1445;
const TARGET = Uint8Array.of(1, 192, 0, 2, 1, 0, 80);

const random = new Prng('packet work');

function varint(value: number): number[] {
	const bytes = new Uint8Array(8);
	return [...bytes.subarray(0, writeVarint(bytes, 0, value))];
}

function uint48(value: number): number[] {
	const bytes = new Uint8Array(6);
	writeUint48(bytes, 0, value);
	return [...bytes];
}

function streamOpen(id: number): number[] {
	return [...encodeFrame(streamOpenFrame, {id, window: 2 ** 29, address: TARGET})];
}

function streamBytes(id: number, offset: number, length: number, fin = false): number[] {
	const bytes = new Uint8Array(length).fill(7);
	const data = {id, offset, bytes, start: 0, end: length};
	return [...encodeFrame(fin ? streamFinFrame : streamFrame, data)];
}

/** A session with tables as full as its user can make them. */
class FullSession {
	readonly bench = new ServerBench(
		'full',
		{flowRate: 1e9, flowLimit: 16_384},
		{
			aead: () => ({seal: () => {}, open: () => true}),
		},
	);
	readonly session: RawSession = this.bench.connect(0, 0, remoteOf(100));
	/** Numbers of packets with parts of streams that came over each path, and are not acknowledged. */
	readonly out: number[][] = Array.from({length: PATHS}, () => []);
	streams = 0;
	flows = 0;
	#read = 0;
	readonly #packets = new Array<number>(PATHS).fill(0);
	readonly #probes = new Array<number>(PATHS).fill(0);

	constructor() {
		for (let path = 0; path < PATHS; path++) this.send(this.probe(path, probeFrame), path);
		for (let round = 0; round < 20; round++) this.pass(20);
		while (this.flows < FLOWS) this.send(this.datagramTo(this.flows++));
		while (this.streams < STREAMS) {
			this.send(streamOpen(this.streams++));
			this.bench.run(10);
		}
		for (const stream of this.bench.streams) stream.accept(TARGET);
		for (let i = 0; i < 9000; i += 8) {
			this.send(Array.from({length: 8}, (_, j) => streamBytes(0, 2 * (i + j) + 1, 1)).flat());
		}
		for (let i = 0; i < 64; i++) {
			this.send([FrameType.FRAGMENT, 0, 3, ...new Array<number>(1000).fill(0)]);
			this.session.next += 3;
		}
		this.write();
	}

	/** Fills the windows of all paths with packets of eight streams that nothing is known of. */
	write(): void {
		for (let round = 0; round < 20; round++) {
			for (const stream of this.bench.streams.slice(1, 9)) {
				for (let i = 0; i < 500; i++) stream.write(new Uint8Array(1 + random.integer(300)));
			}
			this.pass(10);
			if (round < 12)
				while (this.out.some(({length}) => length > 0)) this.send(this.feedback(() => true));
		}
	}

	datagramTo(flow: number): number[] {
		return [FrameType.DATAGRAM_TO, ...varint(flow), ...varint(flow), ...TARGET, 1, 2, 3];
	}

	send(frames: readonly number[], path = 0): string | undefined {
		return this.bench.receive(this.session.packet(frames), remoteOf(100 + path));
	}

	/** A PROBE or PONG; `of` is what it echoes. */
	probe(pathId: number, codec: FrameCodec<Probe>, of?: Probe): number[] {
		const probe = new Probe();
		probe.pathId = pathId;
		probe.sentTime = (this.bench.now * 1000) >>> 0;
		probe.hasEcho = of !== undefined;
		probe.echoTime = of?.sentTime ?? 0;
		probe.echoArrival = probe.sentTime;
		probe.response = of?.challenge;
		probe.count = PATHS;
		for (let path = 0; path < PATHS; path++) {
			probe.pathIds[path] = path;
			probe.packets[path] = this.#packets[path]!;
			probe.probes[path] = this.#probes[path]!;
		}
		probe.echoPackets = this.#packets[pathId]!;
		return [...encodeFrame(codec, probe)];
	}

	/** Lets time pass, answers probes and notes what came over which path. */
	pass(duration: number): void {
		this.bench.server.pumpStreams(this.bench.now);
		this.bench.drain();
		this.bench.run(duration);
		const {sent} = this.bench;
		const news = sent.slice(this.#read);
		this.#read = sent.length;
		for (const {to, bytes} of news) {
			const frames = this.session.open(bytes);
			const path = to.port - 100;
			if (packetType(bytes, 0) !== PacketType.DATA || frames === undefined) continue;
			this.#packets[path]!++;
			const cursor = new Cursor();
			cursor.reset(frames, 0, frames.length);
			const type = cursor.uint8();
			if (type === FrameType.PROBE || type === FrameType.PONG) this.#probes[path]!++;
			if (type === FrameType.PROBE) {
				const probe = new Probe();
				if (!probeFrame.decode(cursor, probe)) continue;
				this.send(this.probe(path, pongFrame, probe), path);
			} else if (type >= FrameType.STREAM_OPEN) this.out[path]!.push(headerPacketNumber(bytes, 0));
		}
	}

	/** A FEEDBACK of the oldest that is out on every path, as far as it comes. */
	feedback(comes: (number: number) => boolean): number[] {
		const bytes = new Uint8Array(4096);
		const told = this.out
			.map((numbers, path) => ({numbers, path}))
			.filter(({numbers}) => numbers.length > 0);
		if (told.length === 0) return [];
		let at = encodeFeedbackHead(bytes, 0, told.length);
		for (const {numbers, path} of told.reverse()) {
			const report = new PathReport();
			const first = numbers[0]!;
			const taken = numbers.findLastIndex((number) => number - first < 1023) + 1;
			report.pathId = path;
			report.largest = numbers[taken - 1]!;
			report.length = Math.min(128, Math.ceil((report.largest - first) / 8));
			for (const number of numbers.splice(0, taken)) {
				const bit = report.largest - 1 - number;
				if (bit >= 0 && comes(number)) report.bitmap[bit >> 3]! |= 1 << (bit & 7);
			}
			at = encodePathReport(bytes, at, report);
		}
		return [...bytes.subarray(0, Math.min(at, ROOM))];
	}
}

const full = new FullSession();
const PATHS_FRAME = [...encodeFrame(pathsFrame, {sequence: 1, copies: 0, paths: []})];

function id(limit: number): number[] {
	return varint(random.integer(limit));
}

/** The longest packet of frames that `make` makes. */
function fill(make: () => number[], most = ROOM): number[] {
	const frames: number[] = [];
	for (let count = 0; count < most; count++) {
		const frame = make();
		if (frames.length + frame.length > ROOM) break;
		frames.push(...frame);
	}
	return frames;
}

/** How many of the last kinds end flows or streams. */
const ENDINGS = 5;
/** Packets that cost most, by what is in them; what ends flows and streams comes last. */
const PACKETS: Readonly<Record<string, () => number[]>> = {
	'a datagram': () => [FrameType.DATAGRAM, ...id(FLOWS), 0, ...new Array<number>(1200).fill(1)],
	datagrams: () => fill(() => [FrameType.DATAGRAM_LEN, ...id(FLOWS), 0, 1, 7], 16),
	'a new flow': () => full.datagramTo(full.flows++),
	'a piece of a whole': () => [FrameType.FRAGMENT, 1, 3, ...new Array<number>(1200).fill(0)],
	PROBE: () => full.probe(random.integer(PATHS), probeFrame),
	PONG: () => full.probe(random.integer(PATHS), pongFrame),
	'PATHS, PATHS_KNOWN and CLIENT': () => {
		const client = [FrameType.CLIENT, ...new Array<number>(16).fill(3)];
		return [...PATHS_FRAME, FrameType.PATHS_KNOWN, 1, ...client];
	},
	TARGET_KNOWN: () => fill(() => [FrameType.TARGET_KNOWN, ...id(FLOWS), ...id(64)]),
	TARGET_UNKNOWN: () => fill(() => [FrameType.TARGET_UNKNOWN, ...id(FLOWS), ...id(64)]),
	FLOW_REFUSED: () => fill(() => [FrameType.FLOW_REFUSED, ...id(FLOWS), 1]),
	TARGET_REFUSED: () => fill(() => [FrameType.TARGET_REFUSED, ...id(FLOWS), 0, 1]),
	'alternate receipts': () => full.feedback((number) => number % 2 === 0),
	'all receipts': () => full.feedback(() => true),
	losses: () => full.feedback(() => false),
	STREAM_OPEN: () => fill(() => streamOpen(full.streams++)),
	STREAM_ACCEPT: () => fill(() => [FrameType.STREAM_ACCEPT, ...id(STREAMS), 1, ...TARGET]),
	'bytes far apart': () =>
		fill(() => streamBytes(20 + random.integer(4), random.integer(16_000), 1)),
	'bytes in new holes': () => fill(() => streamBytes(0, 2 * random.integer(8000) + 1, 1)),
	'bytes in old holes': () => fill(() => streamBytes(0, 2 * random.integer(8000), 1)),
	STREAM_WINDOW: () => fill(() => [FrameType.STREAM_WINDOW, ...id(STREAMS), ...uint48(2 ** 30)]),
	STREAM_STOP: () => fill(() => [FrameType.STREAM_STOP, ...id(STREAMS)]),
	STREAM_FIN: () => fill(() => streamBytes(30 + random.integer(STREAMS - 30), 10, 1, true)),
	STREAM_REJECT: () => fill(() => [FrameType.STREAM_REJECT, ...id(STREAMS), 1]),
	FLOW_CLOSE: () => fill(() => [FrameType.FLOW_CLOSE, ...id(FLOWS)]),
	STREAM_RESET: () => fill(() => [FrameType.STREAM_RESET, ...id(STREAMS), 1]),
};

/** Steps of these packets in one batch, without those of the packets that they draw. */
function work(packets: readonly Uint8Array[]): number {
	const {bench} = full;
	const before = bench.sent.length;
	counter.take();
	for (const packet of packets) {
		bench.server.receive(remoteOf(100), packet, 0, packet.length, bench.now);
	}
	bench.drain();
	return counter.take() - ANSWER * (bench.sent.length - before);
}

function isAlive(): boolean {
	return full.bench.server.status(full.bench.now).sessions.length === 1;
}

test.serial(
	'a loss costs the same however many ranges are acknowledged, wherever they are',
	(t) => {
		const ranges = 16_000;
		const buffer = new SendBuffer();
		buffer.append(new Uint8Array(2 * ranges + 1));
		buffer.next = buffer.end;
		counter.take();
		// The last ones first, so that each goes before all others.
		for (let i = ranges - 1; i >= 0; i--) buffer.acknowledge(2 * i + 1, 1);
		const receipts = counter.take();
		for (let i = 0; i < ranges; i++) buffer.lose(2 * i, 1);
		const losses = counter.take();
		t.is(buffer.lost.size, ranges);
		t.true(receipts < 100 * ranges, `${receipts / ranges} steps a receipt`);
		t.true(losses < 200 * ranges, `${losses / ranges} steps a loss`);
	},
);

test.serial('no batch of genuine packets takes more steps than its packets may', (t) => {
	const makers = Object.values(PACKETS).slice(0, -ENDINGS);
	for (let batch = 0; batch < 6; batch++) {
		full.write();
		const packets = Array.from({length: 64}, () => {
			const frames = makers[random.integer(makers.length)]!();
			return full.session.packet(frames.length > 0 ? frames : [FrameType.PADDING]);
		});
		const steps = work(packets);
		t.true(isAlive());
		t.true(steps <= 64 * MOST_IN_BATCH, `${steps} steps`);
	}
});

test.serial(
	'no genuine packet takes more than 80,000 steps, in a session with full tables',
	(t) => {
		for (const [name, make] of Object.entries(PACKETS)) {
			if (/receipts|losses/.test(name)) full.write();
			let most = 0;
			for (let i = 0; i < 3; i++) {
				const frames = make();
				const packet = full.session.packet(frames);
				most = Math.max(most, work([packet]));
				t.true(isAlive(), name);
			}
			t.true(most <= MOST, `${name}: ${most} steps`);
		}
	},
);
