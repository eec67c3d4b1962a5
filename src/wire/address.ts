/*
 * The target of a flow, as it travels inline in DATAGRAM_TO:
 *
 *   fixed target   00 | listener length 1 | listener | application length 1 | application
 *
 * The server's own fixed target. The listener's name and the application's address (text) are the
 * key by which the flow is found again after a restart of the client. Kinds 1 (IPv4), 3 (domain)
 * and 4 (IPv6) are those of SOCKS5 and reserved for targets chosen by the client.
 */
import type {Cursor} from '../bytes/cursor.ts';

/** Kinds of target. */
export const TargetKind = {FIXED: 0} as const;

/** The longest listener name or application address, in bytes. */
export const MAX_NAME = 64;

/** A target as the server reads it. */
export interface Target {
	/** One of TargetKind. */
	readonly kind: number;
	/** Name of the client's listener. */
	readonly listener: string;
	/** Address of the application at the client, as text. */
	readonly application: string;
}

function writeName(bytes: Uint8Array, start: number, name: string): number {
	const length = Math.min(name.length, MAX_NAME);
	bytes[start] = length;
	for (let i = 0; i < length; i++) bytes[start + 1 + i] = name.charCodeAt(i) & 0x7f;
	return start + 1 + length;
}

/** Encodes a fixed target; names are ASCII and cut at MAX_NAME bytes. */
export function encodeFixedTarget(listener: string, application: string): Uint8Array {
	const bytes = new Uint8Array(3 + 2 * MAX_NAME);
	bytes[0] = TargetKind.FIXED;
	return bytes.slice(0, writeName(bytes, writeName(bytes, 1, listener), application));
}

function readName(cursor: Cursor): string {
	const length = cursor.uint8();
	if (length > MAX_NAME) cursor.failed = true;
	const at = cursor.skip(length);
	let name = '';
	for (let i = 0; at >= 0 && i < length; i++) {
		const code = cursor.bytes[at + i]!;
		// Printable ASCII only: the name ends up in logs and keys.
		if (code < 0x20 || code > 0x7e) cursor.failed = true;
		name += String.fromCharCode(code);
	}
	return name;
}

/** Reads a target; undefined, with the cursor failed, when it is malformed or of an unknown kind. */
export function decodeTarget(cursor: Cursor): Target | undefined {
	const kind = cursor.uint8();
	if (kind !== TargetKind.FIXED) cursor.failed = true;
	const listener = readName(cursor);
	const application = readName(cursor);
	return cursor.failed ? undefined : {kind, listener, application};
}
