/*
 * PATHS: the client's settings of its paths, for the server's direction. Sent again until
 * PATHS_KNOWN with the same sequence came back.
 *
 *   28 | sequence 1 | copies 1 | count 1 | count x entry
 *   entry: path id 1 | flags 1 (1 metered, 2 backup, 4 held) | rate up 4 | rate down 4 |
 *          name length 1 | name
 *
 * Rates are kbit/s, 0 = not limited; copies 0 = all paths.
 */
import {type Cursor, writeUint32} from '../../bytes/cursor.ts';
import {MAX_PATHS} from '../constants.ts';
import type {FrameCodec} from './codec.ts';
import {FrameType} from './frame-type.ts';

/** The longest path name, in bytes. */
export const MAX_PATH_NAME = 32;

/** A user's settings of one path. */
export interface PathSettings {
	readonly id: number;
	/** Printable ASCII, at most MAX_PATH_NAME characters. */
	readonly name: string;
	/** Bytes cost money: probed once a second, once a minute when idle. */
	readonly metered: boolean;
	/** Carries copies only while fewer than `copies` other paths are up. */
	readonly backup: boolean;
	/** True while it carries nothing but probes. Absent: false. */
	readonly held?: boolean;
	/** Limit from client to server in kbit/s, 0 = none. */
	readonly rateUp: number;
	/** Limit from server to client in kbit/s, 0 = none. */
	readonly rateDown: number;
}

/** The content of PATHS. */
export interface Paths {
	/** Number of this content. */
	sequence: number;
	/** Paths that each packet of the server goes on. 0: all. */
	copies: number;
	/** At most MAX_PATHS. */
	paths: readonly PathSettings[];
}

/** The number of a PATHS that arrived. */
export interface PathsKnown {
	sequence: number;
}

/** Bytes of an entry around the name. */
const ENTRY_LENGTH = 11;

const Flag = {METERED: 1, BACKUP: 2, HELD: 4} as const;

function flagsOf({metered, backup, held}: PathSettings): number {
	const plain = (metered ? Flag.METERED : 0) | (backup ? Flag.BACKUP : 0);
	return plain | (held === true ? Flag.HELD : 0);
}

function writeEntry(bytes: Uint8Array, start: number, path: PathSettings): number {
	let at = start;
	bytes[at++] = path.id;
	bytes[at++] = flagsOf(path);
	at = writeUint32(bytes, writeUint32(bytes, at, path.rateUp), path.rateDown);
	const length = Math.min(path.name.length, MAX_PATH_NAME);
	bytes[at++] = length;
	for (let i = 0; i < length; i++) bytes[at++] = path.name.charCodeAt(i) & 0x7f;
	return at;
}

/** Reads an entry; `undefined`: it is malformed. */
function readEntry(cursor: Cursor): PathSettings | undefined {
	const id = cursor.uint8();
	const flags = cursor.uint8();
	const rateUp = cursor.uint32();
	const rateDown = cursor.uint32();
	const name = cursor.copy(cursor.uint8());
	if (cursor.failed || id >= MAX_PATHS || name.length > MAX_PATH_NAME) return undefined;
	if (name.some((code) => code < 0x20 || code > 0x7e)) return undefined;
	return {
		id,
		name: String.fromCharCode(...name),
		metered: (flags & Flag.METERED) !== 0,
		backup: (flags & Flag.BACKUP) !== 0,
		...((flags & Flag.HELD) === 0 ? {} : {held: true}),
		rateUp,
		rateDown,
	};
}

/** PATHS: from the client, until PATHS_KNOWN comes. At most 692 bytes. */
export const pathsFrame: FrameCodec<Paths> = {
	type: FrameType.PATHS,
	length({paths}) {
		let length = 4;
		for (const {name} of paths) length += ENTRY_LENGTH + Math.min(name.length, MAX_PATH_NAME);
		return length;
	},
	encode(bytes, start, {sequence, copies, paths}) {
		let at = start;
		bytes[at++] = FrameType.PATHS;
		bytes[at++] = sequence;
		bytes[at++] = copies;
		bytes[at++] = paths.length;
		for (const path of paths) at = writeEntry(bytes, at, path);
		return at;
	},
	decode(cursor, frame) {
		frame.sequence = cursor.uint8();
		frame.copies = cursor.uint8();
		const count = cursor.uint8();
		if (count > MAX_PATHS || frame.copies > MAX_PATHS) return false;
		const paths: PathSettings[] = [];
		for (let i = 0; i < count; i++) {
			const path = readEntry(cursor);
			if (path === undefined) return false;
			paths.push(path);
		}
		frame.paths = paths;
		return !cursor.failed;
	},
};

/** PATHS_KNOWN: from the server, when PATHS came. */
export const pathsKnownFrame: FrameCodec<PathsKnown> = {
	type: FrameType.PATHS_KNOWN,
	length: () => 2,
	encode(bytes, at, {sequence}) {
		bytes[at] = FrameType.PATHS_KNOWN;
		bytes[at + 1] = sequence;
		return at + 2;
	},
	decode(cursor, frame) {
		frame.sequence = cursor.uint8();
		return !cursor.failed;
	},
};
