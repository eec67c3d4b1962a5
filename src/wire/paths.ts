/*
 * PATHS: what the client says of its paths, for the server's direction. Sent again until PATHS_KNOWN
 * with the same sequence came back.
 *
 *   28 | sequence 1 | copies 1 | count 1 | count x entry
 *   entry: path id 1 | flags 1 (1 metered, 2 backup) | rate up 4 | rate down 4 | name length 1 | name
 *
 * Rates are kbit/s, 0 = not limited; copies 0 = all paths.
 */
import {type Cursor, writeUint32} from '../bytes/cursor.ts';
import {FrameType, MAX_PATHS} from './constants.ts';

/** The longest path name, in bytes. */
export const MAX_PATH_NAME = 32;

/** What a user says of one path. */
export interface PathSettings {
	readonly id: number;
	/** Printable ASCII, at most MAX_PATH_NAME characters. */
	readonly name: string;
	/** Bytes cost money: probed once a second, once a minute when idle. */
	readonly metered: boolean;
	/** Carries copies only while fewer than `copies` other paths are up. */
	readonly backup: boolean;
	/** Limit from client to server in kbit/s, 0 = none. */
	readonly rateUp: number;
	/** Limit from server to client in kbit/s, 0 = none. */
	readonly rateDown: number;
}

/** The content of a PATHS frame. */
export interface PathsFrame {
	readonly sequence: number;
	/** On how many paths each packet goes, 0 = on all. */
	readonly copies: number;
	readonly paths: readonly PathSettings[];
}

/** Encodes the whole frame, type included: at most 692 bytes. */
export function encodePaths(frame: PathsFrame): Uint8Array {
	const bytes = new Uint8Array(4 + MAX_PATHS * (11 + MAX_PATH_NAME));
	bytes[0] = FrameType.PATHS;
	bytes[1] = frame.sequence;
	bytes[2] = frame.copies;
	bytes[3] = frame.paths.length;
	let at = 4;
	for (const path of frame.paths) {
		bytes[at++] = path.id;
		bytes[at++] = (path.metered ? 1 : 0) | (path.backup ? 2 : 0);
		at = writeUint32(bytes, writeUint32(bytes, at, path.rateUp), path.rateDown);
		const length = Math.min(path.name.length, MAX_PATH_NAME);
		bytes[at++] = length;
		for (let i = 0; i < length; i++) bytes[at++] = path.name.charCodeAt(i) & 0x7f;
	}
	return bytes.slice(0, at);
}

/** Reads the frame behind its type byte; undefined when it is malformed. */
export function decodePaths(cursor: Cursor): PathsFrame | undefined {
	const sequence = cursor.uint8();
	const copies = cursor.uint8();
	const count = cursor.uint8();
	if (count > MAX_PATHS || copies > MAX_PATHS) return undefined;
	const paths: PathSettings[] = [];
	for (let i = 0; i < count && !cursor.failed; i++) {
		const id = cursor.uint8();
		const flags = cursor.uint8();
		const rateUp = cursor.uint32();
		const rateDown = cursor.uint32();
		const name = cursor.copy(cursor.uint8());
		if (id >= MAX_PATHS || name.length > MAX_PATH_NAME) return undefined;
		if (name.some((code) => code < 0x20 || code > 0x7e)) return undefined;
		paths.push({
			id,
			name: String.fromCharCode(...name),
			metered: (flags & 1) !== 0,
			backup: (flags & 2) !== 0,
			rateUp,
			rateDown,
		});
	}
	return cursor.failed ? undefined : {sequence, copies, paths};
}
