/*
 * FEEDBACK: what arrived on each path, so that the sender of streams can judge losses and rates.
 *
 *   22 | paths 1 | paths x entry
 *   entry: path id 1 | largest 6 | arrival 4 | packets 4 | bitmap length 1 | bitmap
 *
 * `largest` is the largest packet number that came over the path, `arrival` when it came, in
 * microseconds of the sender of the frame modulo 2^32, `packets` how many came in all, modulo 2^32.
 * Bit i of the bitmap (bit 0 = lowest of the first byte) stands for packet `largest` - 1 - i.
 */
import {type Cursor, writeUint32, writeUint48} from '../../bytes/cursor.ts';
import {FEEDBACK_SPAN, MAX_PATHS} from '../constants.ts';
import type {FrameCodec} from './codec.ts';
import {FrameType} from './frame-type.ts';

/** Bytes of the longest bitmap. */
export const BITMAP_BYTES: number = FEEDBACK_SPAN / 8;

/** Bytes of the frame in front of the reports. */
export const FEEDBACK_HEAD_LENGTH = 2;

/** Bytes of a report in front of its bitmap. */
const REPORT_LENGTH = 16;

/** Packets received over one path. */
export class PathReport {
	pathId = 0;
	largest = 0;
	/** Microseconds modulo 2^32. */
	arrival = 0;
	packets = 0;
	/** Bytes of `bitmap` in use. */
	length = 0;
	readonly bitmap: Uint8Array = new Uint8Array(BITMAP_BYTES);

	/** True when a packet number is reported as received. */
	covers(number: number): boolean {
		const index = this.largest - 1 - number;
		if (index < 0) return index === -1;
		return index < this.length * 8 && ((this.bitmap[index >> 3]! >> (index & 7)) & 1) === 1;
	}
}

/** Writes one path's part at `at`; the offset behind it. */
export function encodePathReport(bytes: Uint8Array, at: number, report: PathReport): number {
	bytes[at] = report.pathId;
	let end = writeUint48(bytes, at + 1, report.largest);
	end = writeUint32(bytes, end, report.arrival);
	end = writeUint32(bytes, end, report.packets);
	bytes[end++] = report.length;
	for (let i = 0; i < report.length; i++) bytes[end++] = report.bitmap[i]!;
	return end;
}

/** Writes the beginning of the frame at `at`; the offset of the first path's part. */
export function encodeFeedbackHead(bytes: Uint8Array, at: number, paths: number): number {
	bytes[at] = FrameType.FEEDBACK;
	bytes[at + 1] = paths;
	return at + FEEDBACK_HEAD_LENGTH;
}

/** Reads how many reports follow; 0 with the cursor failed when that cannot be. */
function decodeFeedbackHead(cursor: Cursor): number {
	const paths = cursor.uint8();
	if (paths === 0 || paths > MAX_PATHS) cursor.failed = true;
	return cursor.failed ? 0 : paths;
}

/** Reads one path's report; false when it is malformed. */
function decodePathReport(cursor: Cursor, report: PathReport): boolean {
	report.pathId = cursor.uint8();
	report.largest = cursor.uint48();
	report.arrival = cursor.uint32();
	report.packets = cursor.uint32();
	report.length = cursor.uint8();
	if (report.length > BITMAP_BYTES || report.pathId >= MAX_PATHS) cursor.failed = true;
	const at = cursor.skip(report.length);
	for (let i = 0; at >= 0 && i < report.length; i++) report.bitmap[i] = cursor.bytes[at + i]!;
	return !cursor.failed;
}

/** Packets received over several paths. */
export interface Feedback {
	/** Reports that count, 1 to MAX_PATHS. */
	count: number;
	readonly reports: readonly PathReport[];
}

/** Returns a record with room for all paths. */
export function createFeedback(): Feedback {
	return {count: 0, reports: Array.from({length: MAX_PATHS}, () => new PathReport())};
}

/** FEEDBACK: which packets came over which path. */
export const feedbackFrame: FrameCodec<Feedback> = {
	type: FrameType.FEEDBACK,
	length({count, reports}) {
		let length = FEEDBACK_HEAD_LENGTH;
		for (let i = 0; i < count; i++) length += REPORT_LENGTH + reports[i]!.length;
		return length;
	},
	encode(bytes, at, {count, reports}) {
		let end = encodeFeedbackHead(bytes, at, count);
		for (let i = 0; i < count; i++) end = encodePathReport(bytes, end, reports[i]!);
		return end;
	},
	decode(cursor, frame) {
		frame.count = decodeFeedbackHead(cursor);
		for (let i = 0; i < frame.count; i++) {
			if (!decodePathReport(cursor, frame.reports[i]!)) return false;
		}
		return !cursor.failed;
	},
};
