import {encodeFrame} from '../../../src/wire/frames/codec.ts';
import {FrameType} from '../../../src/wire/frames/frame-type.ts';
import {
	flowLaneFrame,
	LaneKind,
	LaneReport,
	type LaneTerms,
	laneFrame,
	laneReportFrame,
	lanesFrame,
	lanesKnownFrame,
	repairFrame,
} from '../../../src/wire/frames/lane.ts';

/** Kinds of frames that {@link hostileLaneFrames} makes. */
export const HOSTILE_LANE_KINDS = 14;

const PROBE = [FrameType.PROBE, 0, 0, ...new Array<number>(12).fill(0), 0];
const FAR = 0x7fff_fff0;

/** Terms of a coded lane, as absurd as they can be. */
function absurdTerms(lane: number, parts: Partial<LaneTerms> = {}): LaneTerms {
	const numbers = {residual: 0, within: 0, traffic: 65_535, floor: 65_535, rate: 1, paths: 0};
	return {lane, kind: LaneKind.CODED, number: 0, cheap: false, ...numbers, name: 'x', ...parts};
}

/** LANES with so many coded lanes, whose ids begin with `first`. */
export function describeLanes(sequence: number, first: number, count: number): Uint8Array {
	const lanes = Array.from({length: count}, (_, index) => absurdTerms(first + index));
	return encodeFrame(lanesFrame, {sequence, lanes});
}

/** REPAIR with a symbol that nobody computed. */
export function falseRepair(
	lane: number,
	newest: number,
	count: number,
	length = 1200,
): Uint8Array {
	const bytes = Uint8Array.from({length}, (_, i) => (i * 37 + newest) & 0xff);
	return encodeFrame(repairFrame, {lane, newest, count, bytes, start: 0, end: length});
}

/** LANE, which begins a source. */
export function sourceHead(lane: number, sequence: number): Uint8Array {
	return encodeFrame(laneFrame, {lane, sequence});
}

function lie(counter: number): Uint8Array {
	const report = new LaneReport();
	report.lane = 1;
	report.newest = counter;
	report.received = counter;
	report.missing = counter >>> 1;
	report.count = 16;
	for (let i = 0; i < 16; i++) {
		report.pathIds[i] = 15 - (i >> 1);
		report.packets[i] = counter;
		report.pathNewest[i] = counter ^ FAR;
	}
	return encodeFrame(laneReportFrame, report);
}

/** Genuine frames of lanes that no client would send; nothing of them is a datagram of the world. */
export function hostileLaneFrames(kind: number): Uint8Array | number[] {
	switch (kind) {
		case 0:
			return describeLanes(1, 1, 31);
		case 1:
			return describeLanes(2, 33, 31);
		case 2:
			return [FrameType.LANES, 3, 255];
		case 3:
			return [...sourceHead(1, 0), FrameType.PADDING];
		case 4:
			return [...sourceHead(1, 3), ...PROBE];
		case 5:
			return falseRepair(1, 2, 0);
		case 6:
			return falseRepair(1, FAR, 255);
		case 7:
			return falseRepair(1, 5, 3, 1400);
		case 8:
			return falseRepair(1, 4, 65, 1);
		case 9:
			return lie(0xffff_fff0);
		case 10:
			return lie(7);
		case 11:
			return encodeFrame(flowLaneFrame, {flow: 99_999, reference: 70_000, lane: 63});
		case 12:
			return [...sourceHead(1, FAR), FrameType.PADDING];
		default:
			return encodeFrame(lanesKnownFrame, {sequence: 200});
	}
}
