import test, {type ExecutionContext} from 'ava';
import {type Policy, REDUNDANT} from '../../src/policy/policy.ts';
import {BASE_PACKET_SIZE, DATA_OVERHEAD} from '../../src/wire/constants.ts';
import {encodeFrame, type FrameCodec} from '../../src/wire/frames/codec.ts';
import {
	elicitsFeedback,
	FrameType,
	isInSymbol,
	LANE_FRAMES,
	onceBit,
} from '../../src/wire/frames/frame-type.ts';
import {
	type FlowLane,
	flowLaneFrame,
	LANE_LENGTH,
	LaneKind,
	type LanePlace,
	LaneReport,
	type LanesFrame,
	type LanesKnown,
	type LaneTerms,
	laneFrame,
	laneReportFrame,
	lanesFrame,
	lanesKnownFrame,
	MAX_LANES,
	MAX_POLICY_NAME,
	REPAIR_HEAD_LENGTH,
	type RepairFrame,
	repairFrame,
} from '../../src/wire/frames/lane.ts';
import {SYMBOL_HEAD_LENGTH} from '../../src/wire/symbol.ts';
import {fromHex, readVectors, toHex} from '../crypto/fixtures.ts';
import {decodeSurrounded} from '../support/reference/surrounded.ts';
import {FRAMES, text} from './layouts.ts';

interface Vector<Frame> {
	readonly name: string;
	readonly frame: Frame;
	readonly hex: string;
}

interface ReportVector {
	readonly noDecoder: boolean;
	readonly paths: readonly {id: number; packets: number; newest: number}[];
}

interface RepairVector {
	readonly lane: number;
	readonly newest: number;
	readonly count: number;
	readonly symbol: string;
}

const vectors = readVectors<{
	lane: Vector<LanePlace>[];
	repair: Vector<RepairVector>[];
	laneReport: Vector<ReportVector>[];
	lanes: Vector<LanesFrame>[];
	flowLane: Vector<FlowLane>[];
	lanesKnown: Vector<LanesKnown>[];
	malformed: {name: string; hex: string}[];
}>('wire-lanes');

const EMPTY = new Uint8Array(0);

function emptyRepair(): RepairFrame {
	return {lane: 0, newest: 0, count: 0, bytes: EMPTY, start: 0, end: 0};
}

/** Compares both directions of a codec with a vector; `record` is what it is read into. */
function compare<Frame>(
	t: ExecutionContext,
	codec: FrameCodec<Frame>,
	{frame, hex}: Pick<Vector<Frame>, 'frame' | 'hex'>,
	record: Frame,
): void {
	t.is(toHex(encodeFrame(codec, frame)), hex);
	const {result, same, contained} = decodeSurrounded(fromHex(hex), (cursor) => {
		t.is(cursor.uint8(), codec.type);
		return codec.decode(cursor, record) && cursor.remaining === 0;
	});
	t.true(result && same && contained);
	t.deepEqual(record, frame);
}

for (const vector of vectors.lane) {
	test(`LANE: ${vector.name}`, (t) => {
		compare(t, laneFrame, vector, {lane: 0, sequence: 0});
	});
}

for (const {name, frame, hex} of vectors.repair) {
	test(`REPAIR: ${name}`, (t) => {
		const bytes = fromHex(frame.symbol);
		const {lane, newest, count} = frame;
		const sent = {lane, newest, count, bytes, start: 0, end: bytes.length};
		t.is(toHex(encodeFrame(repairFrame, sent)), hex);
		const {result, same} = decodeSurrounded(fromHex(hex), (cursor) => {
			const record = emptyRepair();
			t.is(cursor.uint8(), FrameType.REPAIR);
			if (!repairFrame.decode(cursor, record)) return undefined;
			const symbol = toHex(record.bytes.subarray(record.start, record.end));
			return {lane: record.lane, newest: record.newest, count: record.count, symbol};
		});
		t.true(same);
		t.deepEqual(result, {lane, newest, count, symbol: frame.symbol});
	});
}

for (const {name, frame, hex} of vectors.laneReport) {
	test(`LANE_REPORT: ${name}`, (t) => {
		const {paths, ...head} = frame;
		const report = Object.assign(new LaneReport(), {...head, count: paths.length});
		for (const [i, {id, packets, newest}] of paths.entries()) {
			report.pathIds[i] = id;
			report.packets[i] = packets;
			report.pathNewest[i] = newest;
		}
		compare(t, laneReportFrame, {frame: report, hex}, new LaneReport());
	});
}

for (const vector of vectors.lanes) {
	test(`LANES: ${vector.name}`, (t) => {
		compare(t, lanesFrame, vector, {sequence: 0, lanes: []});
	});
}

for (const vector of vectors.flowLane) {
	test(`FLOW_LANE: ${vector.name}`, (t) => {
		compare(t, flowLaneFrame, vector, {flow: 0, reference: 0, lane: 0});
	});
}

for (const vector of vectors.lanesKnown) {
	test(`LANES_KNOWN: ${vector.name}`, (t) => {
		compare(t, lanesKnownFrame, vector, {sequence: 0});
	});
}

/** True when the frame, type byte included, is well formed. */
function isRead(hex: string): boolean {
	const {result, same, contained} = decodeSurrounded(fromHex(hex), (cursor) => {
		switch (cursor.uint8()) {
			case FrameType.LANE:
				return laneFrame.decode(cursor, {lane: 0, sequence: 0});
			case FrameType.REPAIR:
				return repairFrame.decode(cursor, emptyRepair());
			case FrameType.LANE_REPORT:
				return laneReportFrame.decode(cursor, new LaneReport());
			case FrameType.LANES:
				return lanesFrame.decode(cursor, {sequence: 0, lanes: []});
			case FrameType.FLOW_LANE:
				return flowLaneFrame.decode(cursor, {flow: 0, reference: 0, lane: 0});
			case FrameType.LANES_KNOWN:
				return lanesKnownFrame.decode(cursor, {sequence: 0});
			default:
				throw new Error('no frame of lanes');
		}
	});
	if (!same || !contained) throw new Error(`read beyond the end: ${hex}`);
	return result;
}

test('every frame of lanes has vectors, and each of them is read', (t) => {
	const {malformed, lane, repair, laneReport, lanes, flowLane, lanesKnown} = vectors;
	const valid = [...lane, ...repair, ...laneReport, ...lanes, ...flowLane, ...lanesKnown];
	t.true(valid.every(({hex}) => isRead(hex)));
	const types = (list: readonly {readonly hex: string}[]) =>
		[...new Set(list.map(({hex}) => fromHex(hex)[0]!))].toSorted((a, b) => a - b);
	t.deepEqual(types(valid), [...LANE_FRAMES]);
	t.deepEqual(types(malformed), [...LANE_FRAMES]);
});

for (const {name, hex} of vectors.malformed) {
	test(`refuses ${name}`, (t) => {
		t.false(isRead(hex));
	});
}

const TERMS: LaneTerms = {
	...{lane: 1, kind: 3, number: 0, cheap: false, residual: 100_000, within: 30},
	...{traffic: 768, floor: 384, rate: 0, paths: 0, name: 'n'.repeat(MAX_POLICY_NAME)},
};

test('the longest LANES fits into every packet', (t) => {
	const lanes = Array.from({length: MAX_LANES}, (_, i) => ({...TERMS, lane: i + 1}));
	const length = lanesFrame.length({sequence: 0, lanes});
	t.is(length, 1150);
	t.true(length <= BASE_PACKET_SIZE - DATA_OVERHEAD);
});

test('a name is cut at its longest', (t) => {
	const frame = {sequence: 1, lanes: [{...TERMS, name: 'n'.repeat(40)}]};
	const hex = toHex(encodeFrame(lanesFrame, frame));
	t.is(hex, toHex(encodeFrame(lanesFrame, {sequence: 1, lanes: [TERMS]})));
});

test('the room of a source leaves that of a repair over it', (t) => {
	t.is(laneFrame.length({lane: 63, sequence: 0}), LANE_LENGTH);
	t.is(repairFrame.headLength({...emptyRepair(), lane: 63}), REPAIR_HEAD_LENGTH);
	t.true(LANE_LENGTH <= REPAIR_HEAD_LENGTH + SYMBOL_HEAD_LENGTH);
	const [, less] = /less (\d+): a repair over them has to fit/.exec(text.replaceAll(/\s+/g, ' '))!;
	t.is(DATA_OVERHEAD + REPAIR_HEAD_LENGTH + SYMBOL_HEAD_LENGTH, Number(less));
});

/** How a policy of each kind is called in LANES. */
const KINDS: Readonly<Record<Policy['kind'], LaneKind>> = {
	redundant: LaneKind.REDUNDANT,
	best: LaneKind.BEST,
	pin: LaneKind.PIN,
	fec: LaneKind.CODED,
};

test('every kind of policy has one of LANES, and the usual policy a name that it takes', (t) => {
	t.deepEqual(Object.values(KINDS).toSorted(), Object.values(LaneKind).toSorted());
	t.true(REDUNDANT.name.length <= MAX_POLICY_NAME);
	const terms = {...TERMS, kind: KINDS[REDUNDANT.kind], name: REDUNDANT.name};
	t.true(isRead(toHex(encodeFrame(lanesFrame, {sequence: 0, lanes: [terms]}))!));
});

const TYPES = Array.from({length: 256}, (_, type) => type);

function hexNumbers(pattern: RegExp): readonly number[] {
	return pattern.exec(text.replaceAll(/\s+/g, ' '))!.slice(1).map(Number);
}

test('an end that knows lanes lists all of their frames', (t) => {
	const [from, to] = hexNumbers(/frames of lanes \((0x4\d) to (0x4\d)\) an end lists all or none/);
	t.deepEqual(
		[...LANE_FRAMES],
		TYPES.filter((type) => type >= from! && type <= to!),
	);
	t.true(LANE_FRAMES.every((type) => FRAMES.some((frame) => frame.type === type)));
});

test('the frames that may stand behind LANE are those of the document', (t) => {
	const list = /only these may stand: ([A-Z_, ]+)\./.exec(text.replaceAll(/\s+/g, ' '))![1]!;
	const names = list.split(', ');
	t.is(names.length, 7);
	t.deepEqual(
		TYPES.filter(isInSymbol),
		FRAMES.filter(({name}) => names.includes(name)).map(({type}) => type),
	);
});

test('the frames that a packet holds once are those of the document', (t) => {
	const [a, b, c, d] = hexNumbers(
		/second frame of one of the types (0x2\d) to (0x2b) or (0x4\d) to (0x4\d) in a packet/,
	);
	const once = TYPES.filter((type) => (type >= a! && type <= b!) || (type >= c! && type <= d!));
	t.deepEqual(
		TYPES.filter((type) => onceBit(type) !== 0),
		once,
	);
	const bits = once.filter((type) => type !== FrameType.PONG).map(onceBit);
	t.is(new Set(bits).size, bits.length);
	t.is(
		bits.reduce((sum, bit) => sum + bit, 0),
		bits.reduce((all, bit) => all | bit, 0),
	);
	t.is(onceBit(FrameType.PONG), onceBit(FrameType.PROBE));
});

test('only the frames of streams draw FEEDBACK', (t) => {
	const drawing = FRAMES.filter(({type}) => elicitsFeedback(type)).map(({name}) => name);
	t.deepEqual(
		drawing,
		FRAMES.map(({name}) => name).filter((name) => name.startsWith('STREAM')),
	);
});
