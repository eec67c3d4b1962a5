/*
 * What a datagram of the load begins with, little-endian:
 *
 *      0 run 4, sequence 4, when it was sent 8 (a double, ms of the shared clock), kind 1
 */

/** Bytes of it: the shortest datagram of the load. */
export const HEADER_LENGTH = 17;

/** What the sink does with a datagram. */
export const KIND = {
	/** Counts it. */
	count: 1,
	/** Counts it and sends it back. */
	echo: 2,
	/** Sent by the sink itself, for the generator to count. */
	push: 3,
} as const;
export type Kind = (typeof KIND)[keyof typeof KIND];

/** A view of the memory that bytes lie in; the last one is kept. */
export function viewOf({buffer}: Uint8Array): DataView {
	if (lastView.buffer !== buffer) lastView = new DataView(buffer);
	return lastView;
}
let lastView: DataView = new DataView(new ArrayBuffer(0));

export function writeHeader(
	view: DataView,
	at: number,
	run: number,
	sequence: number,
	sentAt: number,
	kind: Kind,
): void {
	view.setUint32(at, run, true);
	view.setUint32(at + 4, sequence, true);
	view.setFloat64(at + 8, sentAt, true);
	view.setUint8(at + 16, kind);
}

export function runAt(view: DataView, at: number): number {
	return view.getUint32(at, true);
}

export function sequenceAt(view: DataView, at: number): number {
	return view.getUint32(at + 4, true);
}

export function sentAt(view: DataView, at: number): number {
	return view.getFloat64(at + 8, true);
}

export function kindAt(view: DataView, at: number): number {
	return view.getUint8(at + 16);
}
