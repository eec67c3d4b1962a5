import {closeSync, fstatSync, openSync, readSync} from 'node:fs';

/** The largest configuration or key file that is read, in bytes. */
const FILE_LIMIT = 1024 * 1024;

/** Standard input, in place of the path of a file. */
export const STANDARD_INPUT = 0;

/** A file's text, or why there is none (our words, nothing from the file). */
export type TextFile =
	| {readonly ok: true; readonly text: string; readonly othersCanRead: boolean}
	| {readonly ok: false; readonly reason: string; readonly missing: boolean};

/**
 * Reads a file of at most {@link FILE_LIMIT} bytes; pipes (`/dev/fd/63`) work too. Bytes that are
 * not UTF-8 become U+FFFD, which no value may contain but a comment may. A file with a zero byte is
 * none of text: its lines would be called wrong one by one.
 */
export function readTextFile(path: string | typeof STANDARD_INPUT): TextFile {
	let descriptor: number | undefined;
	try {
		descriptor = path === STANDARD_INPUT ? path : openSync(path, 'r');
		const bytes = readAtMost(descriptor, FILE_LIMIT + 1);
		if (bytes.length > FILE_LIMIT) {
			return {ok: false, reason: 'is larger than 1 MiB', missing: false};
		}
		if (bytes.includes(0)) {
			return {ok: false, reason: 'is not a text file', missing: false};
		}
		const status = fstatSync(descriptor);
		// Windows reports modes that say nothing about who can read.
		const modesCount = status.isFile() && process.platform !== 'win32';
		const othersCanRead = modesCount && (status.mode & 0o044) !== 0;
		return {ok: true, text: new TextDecoder().decode(bytes), othersCanRead};
	} catch (error) {
		const missing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
		return {ok: false, reason: `cannot be read: ${systemReason(error)}`, missing};
	} finally {
		if (descriptor !== undefined) closeSync(descriptor);
	}
}

/** A short reason for a failed system call, without the path that Node puts into its messages. */
export function systemReason(error: unknown): string {
	const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
	return REASONS.get(code) ?? code;
}

const REASONS: ReadonlyMap<string, string> = new Map([
	['ENOENT', 'no such file or folder'],
	['EACCES', 'permission denied'],
	['EPERM', 'operation not permitted'],
	['EISDIR', 'it is a folder'],
	['ENOTDIR', 'a part of the path is no folder'],
	['EEXIST', 'it exists already'],
	['EROFS', 'the file system is read-only'],
	['ENOSPC', 'no space left on the device'],
	['ENAMETOOLONG', 'the name is too long'],
	['ELOOP', 'too many symbolic links'],
]);

function readAtMost(descriptor: number, limit: number): Uint8Array {
	const bytes = new Uint8Array(limit);
	let length = 0;
	while (length < limit) {
		const count = readSome(descriptor, bytes, length);
		if (count === 0) break;
		length += count;
	}
	return bytes.subarray(0, length);
}

/** Milliseconds between two attempts to read a pipe that does not block. */
const PAUSE = 10;

function readSome(descriptor: number, bytes: Uint8Array, offset: number): number {
	for (;;) {
		try {
			return readSync(descriptor, bytes, offset, bytes.length - offset, null);
		} catch (error) {
			if (!(error instanceof Error && 'code' in error && error.code === 'EAGAIN')) throw error;
			// Its writer has set so much for its own end, as programs of Node do.
			Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE);
		}
	}
}
