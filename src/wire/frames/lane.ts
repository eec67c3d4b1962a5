/*
 * Frames of lanes:
 *
 *   LANE         40 | lane varint | sequence 4
 *   REPAIR       41 | lane varint | newest 4 | count 1 | symbol
 *   LANE_REPORT  42 | lane varint | newest 4 | flags 1 (1 no decoder) | received 4 | recovered 4 |
 *                missing 4 | late 4 | count 1 | count x (path id 1 | packets 4 | path newest 4)
 *   LANES        43 | sequence 1 | count 1 | count x entry
 *   FLOW_LANE    44 | flow varint | reference varint | lane varint
 *   LANES_KNOWN  45 | sequence 1
 *
 *   entry: lane 1 | kind 1 | number 1 | flags 1 (1 cheap) | residual 4 | within 2 | traffic 2 |
 *          floor 2 | rate 4 | paths 2 | name length 1 | name
 *
 * LANE is the first frame of a packet whose other frames a repair may bring back. The symbol of a
 * REPAIR takes the rest of its packet (wire/symbol.ts).
 */
import {type Cursor, copyBytes, writeUint16, writeUint32} from '../../bytes/cursor.ts';
import {varintLength, writeVarint} from '../../bytes/varint.ts';
import {MAX_PATHS} from '../constants.ts';
import {type FrameCodec, type Payload, type PayloadCodec, takePayload} from './codec.ts';
import {FrameType} from './frame-type.ts';

/** Lane ids are below. */
export const MAX_LANE_ID = 64;
/** The most lanes that LANES describes, so that it fits into every packet. */
export const MAX_LANES = 31;
/** Bytes of the longest name of a policy that travels; longer ones are cut. */
export const MAX_POLICY_NAME = 16;
/** Sources that one repair covers at most. */
export const MAX_REPAIR_COUNT = 64;
/** Bytes of LANE, for lane ids below 64. */
export const LANE_LENGTH = 6;
/** Bytes of REPAIR in front of its symbol. */
export const REPAIR_HEAD_LENGTH = 7;

/** Kinds of promise of a lane. */
export const LaneKind = {REDUNDANT: 0, BEST: 1, PIN: 2, CODED: 3} as const;
/** One of {@link LaneKind}. */
export type LaneKind = (typeof LaneKind)[keyof typeof LaneKind];

/** The place of a packet in its lane. */
export interface LanePlace {
	/** 0 to 63. */
	lane: number;
	/** Modulo 2^32. */
	sequence: number;
}

/** A linear combination of the last sources of a lane. */
export interface RepairFrame extends Payload {
	lane: number;
	/** Largest sequence that it covers; the others are the `count` - 1 before it. */
	newest: number;
	/** 1 to 64; others are the decoder's to refuse. */
	count: number;
}

/** Counts of one direction of a lane, by its receiver; all are modulo 2^32. */
export class LaneReport {
	lane = 0;
	/** Largest sequence seen. */
	newest = 0;
	/** True: the receiver recovers nothing, so that repairs are for nothing. */
	noDecoder = false;
	received = 0;
	recovered = 0;
	missing = 0;
	late = 0;
	/** Entries of the lists below. */
	count = 0;
	readonly pathIds: Uint8Array = new Uint8Array(MAX_PATHS);
	/** Packets of the lane that arrived over the path, repairs included. */
	readonly packets: Uint32Array = new Uint32Array(MAX_PATHS);
	/** Largest sequence that they carried, or covered. */
	readonly pathNewest: Uint32Array = new Uint32Array(MAX_PATHS);
}

/** A lane as the client describes it to the server. */
export interface LaneTerms {
	/** 1 to 63. */
	readonly lane: number;
	readonly kind: LaneKind;
	/** Copies of REDUNDANT (0: all), path id of PIN, else 0. */
	readonly number: number;
	readonly cheap: boolean;
	/** Parts in 10^9 that may be lost or late. */
	readonly residual: number;
	/** Milliseconds from due to late, at most 65,535. */
	readonly within: number;
	/** Largest and standing traffic factor, in 1/256. */
	readonly traffic: number;
	readonly floor: number;
	/** Most kbit/s. 0: no limit. */
	readonly rate: number;
	/** Paths that it may use, as bits by path id. 0: all. */
	readonly paths: number;
	/** Name of its policy, printable ASCII, at most MAX_POLICY_NAME characters. */
	readonly name: string;
}

/** All lanes of a client that are not lane 0. */
export interface LanesFrame {
	/** Number of this content. */
	sequence: number;
	/** At most MAX_LANES. */
	lanes: readonly LaneTerms[];
}

/** The number of a LANES that arrived. */
export interface LanesKnown {
	sequence: number;
}

/** Lane of a flow, or of one target of it. */
export interface FlowLane {
	flow: number;
	reference: number;
	lane: number;
}

const REPORT_ENTRY = 9;
const LANES_ENTRY = 21;
const ReportFlag = {NO_DECODER: 1} as const;
const TermsFlag = {CHEAP: 1} as const;

function readLane(cursor: Cursor): number {
	const lane = cursor.varint();
	if (lane >= MAX_LANE_ID) cursor.failed = true;
	return lane;
}

/** LANE: begins a packet of a coded lane. */
export const laneFrame: FrameCodec<LanePlace> = {
	type: FrameType.LANE,
	length: ({lane}) => 5 + varintLength(lane),
	encode(bytes, at, {lane, sequence}) {
		bytes[at] = FrameType.LANE;
		return writeUint32(bytes, writeVarint(bytes, at + 1, lane), sequence);
	},
	decode(cursor, frame) {
		frame.lane = readLane(cursor);
		frame.sequence = cursor.uint32();
		return !cursor.failed;
	},
};

/** REPAIR: brings back a source that is lost, together with others. */
export const repairFrame: PayloadCodec<RepairFrame> = {
	type: FrameType.REPAIR,
	length: (frame) => 6 + varintLength(frame.lane) + frame.end - frame.start,
	encode(bytes, at, frame) {
		return copyBytes(bytes, this.encodeHead(bytes, at, frame), frame.bytes, frame.start, frame.end);
	},
	decode(cursor, frame) {
		frame.lane = readLane(cursor);
		frame.newest = cursor.uint32();
		frame.count = cursor.uint8();
		return takePayload(cursor, frame, cursor.remaining);
	},
	headLength: ({lane}) => 6 + varintLength(lane),
	encodeHead(bytes, at, {lane, newest, count}) {
		bytes[at] = FrameType.REPAIR;
		const behind = writeUint32(bytes, writeVarint(bytes, at + 1, lane), newest);
		bytes[behind] = count;
		return behind + 1;
	},
};

/** LANE_REPORT: what became of the packets of a lane. */
export const laneReportFrame: FrameCodec<LaneReport> = {
	type: FrameType.LANE_REPORT,
	length: ({lane, count}) => 23 + varintLength(lane) + count * REPORT_ENTRY,
	encode(bytes, at, report) {
		bytes[at] = FrameType.LANE_REPORT;
		let end = writeUint32(bytes, writeVarint(bytes, at + 1, report.lane), report.newest);
		bytes[end++] = report.noDecoder ? ReportFlag.NO_DECODER : 0;
		end = writeUint32(bytes, end, report.received);
		end = writeUint32(bytes, end, report.recovered);
		end = writeUint32(bytes, end, report.missing);
		end = writeUint32(bytes, end, report.late);
		bytes[end++] = report.count;
		for (let i = 0; i < report.count; i++) {
			bytes[end++] = report.pathIds[i]!;
			end = writeUint32(bytes, end, report.packets[i]!);
			end = writeUint32(bytes, end, report.pathNewest[i]!);
		}
		return end;
	},
	decode(cursor, report) {
		report.lane = readLane(cursor);
		report.newest = cursor.uint32();
		report.noDecoder = (cursor.uint8() & ReportFlag.NO_DECODER) !== 0;
		report.received = cursor.uint32();
		report.recovered = cursor.uint32();
		report.missing = cursor.uint32();
		report.late = cursor.uint32();
		report.count = cursor.uint8();
		if (report.count > MAX_PATHS) return false;
		for (let i = 0; i < report.count; i++) {
			report.pathIds[i] = cursor.uint8();
			report.packets[i] = cursor.uint32();
			report.pathNewest[i] = cursor.uint32();
			if (report.pathIds[i]! >= MAX_PATHS) return false;
		}
		return !cursor.failed;
	},
};

function writeTerms(bytes: Uint8Array, start: number, terms: LaneTerms): number {
	let at = start;
	bytes[at++] = terms.lane;
	bytes[at++] = terms.kind;
	bytes[at++] = terms.number;
	bytes[at++] = terms.cheap ? TermsFlag.CHEAP : 0;
	at = writeUint32(bytes, at, terms.residual);
	at = writeUint16(bytes, at, terms.within);
	at = writeUint16(bytes, at, terms.traffic);
	at = writeUint16(bytes, at, terms.floor);
	at = writeUint32(bytes, at, terms.rate);
	at = writeUint16(bytes, at, terms.paths);
	const length = Math.min(terms.name.length, MAX_POLICY_NAME);
	bytes[at++] = length;
	for (let i = 0; i < length; i++) bytes[at++] = terms.name.charCodeAt(i) & 0x7f;
	return at;
}

/** Reads an entry; `undefined`: it is malformed. */
function readTerms(cursor: Cursor): LaneTerms | undefined {
	const lane = cursor.uint8();
	const kind = cursor.uint8();
	const number = cursor.uint8();
	const flags = cursor.uint8();
	const terms = {
		lane,
		kind: kind as LaneKind,
		number,
		cheap: (flags & TermsFlag.CHEAP) !== 0,
		residual: cursor.uint32(),
		within: cursor.uint16(),
		traffic: cursor.uint16(),
		floor: cursor.uint16(),
		rate: cursor.uint32(),
		paths: cursor.uint16(),
	};
	const name = cursor.copy(cursor.uint8());
	if (cursor.failed || lane === 0 || lane >= MAX_LANE_ID || kind > LaneKind.CODED) return undefined;
	if (number > MAX_PATHS || name.length > MAX_POLICY_NAME) return undefined;
	if (name.some((code) => code < 0x20 || code > 0x7e)) return undefined;
	return {...terms, name: String.fromCharCode(...name)};
}

/** LANES: from the client, until LANES_KNOWN comes. At most 1,150 bytes. */
export const lanesFrame: FrameCodec<LanesFrame> = {
	type: FrameType.LANES,
	length({lanes}) {
		let length = 3;
		for (const {name} of lanes) length += LANES_ENTRY + Math.min(name.length, MAX_POLICY_NAME);
		return length;
	},
	encode(bytes, at, {sequence, lanes}) {
		bytes[at] = FrameType.LANES;
		bytes[at + 1] = sequence;
		bytes[at + 2] = lanes.length;
		let end = at + 3;
		for (const terms of lanes) end = writeTerms(bytes, end, terms);
		return end;
	},
	decode(cursor, frame) {
		frame.sequence = cursor.uint8();
		const count = cursor.uint8();
		if (count > MAX_LANES) return false;
		const lanes: LaneTerms[] = [];
		for (let i = 0; i < count; i++) {
			const terms = readTerms(cursor);
			if (terms === undefined) return false;
			lanes.push(terms);
		}
		frame.lanes = lanes;
		return !cursor.failed;
	},
};

/** FLOW_LANE: in front of a DATAGRAM_TO, or alone when the lane of a flow changed. */
export const flowLaneFrame: FrameCodec<FlowLane> = {
	type: FrameType.FLOW_LANE,
	length: ({flow, reference, lane}) =>
		1 + varintLength(flow) + varintLength(reference) + varintLength(lane),
	encode(bytes, at, {flow, reference, lane}) {
		bytes[at] = FrameType.FLOW_LANE;
		const behind = writeVarint(bytes, writeVarint(bytes, at + 1, flow), reference);
		return writeVarint(bytes, behind, lane);
	},
	decode(cursor, frame) {
		frame.flow = cursor.varint();
		frame.reference = cursor.varint();
		frame.lane = readLane(cursor);
		return !cursor.failed;
	},
};

/** LANES_KNOWN: from the server, when LANES came. */
export const lanesKnownFrame: FrameCodec<LanesKnown> = {
	type: FrameType.LANES_KNOWN,
	length: () => 2,
	encode(bytes, at, {sequence}) {
		bytes[at] = FrameType.LANES_KNOWN;
		bytes[at + 1] = sequence;
		return at + 2;
	},
	decode(cursor, frame) {
		frame.sequence = cursor.uint8();
		return !cursor.failed;
	},
};
