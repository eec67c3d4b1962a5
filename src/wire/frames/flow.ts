/*
 * Frames about flows, in both directions:
 *
 *   TARGET_KNOWN    14 | flow varint | reference varint
 *   TARGET_UNKNOWN  15 | flow varint | reference varint
 *   FLOW_CLOSE      16 | flow varint
 *   FLOW_REFUSED    17 | flow varint | code 1
 *   TARGET_REFUSED  18 | flow varint | reference varint | code 1
 */
import {varintLength, writeVarint} from '../../bytes/varint.ts';
import type {FrameCodec} from './codec.ts';
import {FrameType} from './frame-type.ts';

/** A flow by its number. */
export interface FlowId {
	flow: number;
}

/** A target of a flow by their numbers. */
export interface FlowTarget extends FlowId {
	reference: number;
}

/** A flow that cannot be had. */
export interface FlowRefusal extends FlowId {
	/** One of RefusalCode. */
	code: number;
}

/** A target of a flow that cannot be had. */
export interface TargetRefusal extends FlowTarget, FlowRefusal {}

function targetCodec(type: number): FrameCodec<FlowTarget> {
	return {
		type,
		length: ({flow, reference}) => 1 + varintLength(flow) + varintLength(reference),
		encode(bytes, at, {flow, reference}) {
			bytes[at] = type;
			return writeVarint(bytes, writeVarint(bytes, at + 1, flow), reference);
		},
		decode(cursor, frame) {
			frame.flow = cursor.varint();
			frame.reference = cursor.varint();
			return !cursor.failed;
		},
	};
}

/** TARGET_KNOWN: the reference alone will do from now on. */
export const targetKnownFrame: FrameCodec<FlowTarget> = targetCodec(FrameType.TARGET_KNOWN);

/** TARGET_UNKNOWN: the target has to be announced again. */
export const targetUnknownFrame: FrameCodec<FlowTarget> = targetCodec(FrameType.TARGET_UNKNOWN);

/** FLOW_CLOSE: the flow ends. */
export const flowCloseFrame: FrameCodec<FlowId> = {
	type: FrameType.FLOW_CLOSE,
	length: ({flow}) => 1 + varintLength(flow),
	encode(bytes, at, {flow}) {
		bytes[at] = FrameType.FLOW_CLOSE;
		return writeVarint(bytes, at + 1, flow);
	},
	decode(cursor, frame) {
		frame.flow = cursor.varint();
		return !cursor.failed;
	},
};

/** FLOW_REFUSED: the flow cannot be had. */
export const flowRefusedFrame: FrameCodec<FlowRefusal> = {
	type: FrameType.FLOW_REFUSED,
	length: ({flow}) => 1 + varintLength(flow) + 1,
	encode(bytes, at, {flow, code}) {
		bytes[at] = FrameType.FLOW_REFUSED;
		const behind = writeVarint(bytes, at + 1, flow);
		bytes[behind] = code;
		return behind + 1;
	},
	decode(cursor, frame) {
		frame.flow = cursor.varint();
		frame.code = cursor.uint8();
		return !cursor.failed;
	},
};

/** TARGET_REFUSED: one target of a flow cannot be had; the others go on. */
export const targetRefusedFrame: FrameCodec<TargetRefusal> = {
	type: FrameType.TARGET_REFUSED,
	length: ({flow, reference}) => 1 + varintLength(flow) + varintLength(reference) + 1,
	encode(bytes, at, {flow, reference, code}) {
		bytes[at] = FrameType.TARGET_REFUSED;
		const behind = writeVarint(bytes, writeVarint(bytes, at + 1, flow), reference);
		bytes[behind] = code;
		return behind + 1;
	},
	decode(cursor, frame) {
		frame.flow = cursor.varint();
		frame.reference = cursor.varint();
		frame.code = cursor.uint8();
		return !cursor.failed;
	},
};
