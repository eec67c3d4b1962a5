/*
 * The target of a flow, as it travels inline in DATAGRAM_TO:
 *
 *   fixed target   00 | listener length 1 | listener | application length 1 | application
 *   IPv4           01 | address 4 | port 2
 *   forward        02 | listener length 1 | listener | application length 1 | application |
 *                  IPv4, domain or IPv6
 *   domain         03 | length 1 | name | port 2
 *   IPv6           04 | address 16 | port 2
 *
 * Kind 0 is the server's own fixed target. The listener's name and the application's address (text)
 * are the key by which the flow is found again after a restart of the client. Kind 2 is the same
 * with a target that the client chose. The others are targets that applications choose, byte for
 * byte as SOCKS5 writes them (RFC 1928, section 5).
 */
import type {Cursor} from '../bytes/cursor.ts';

/** Kinds of target. */
export const TargetKind = {FIXED: 0, IPV4: 1, FORWARD: 2, DOMAIN: 3, IPV6: 4} as const;

/** The longest listener name or application address, in bytes. */
export const MAX_NAME = 64;

/** The longest domain name, in bytes (RFC 1035, section 2.3.4, without the dot of the root). */
export const MAX_DOMAIN = 253;

/** The server's own target, and the application of the client that it is for. */
export interface FixedTarget {
	readonly kind: typeof TargetKind.FIXED;
	/** Name of the client's listener. */
	readonly listener: string;
	/** Address of the application at the client, as text. */
	readonly application: string;
}

/** A target that the client chose. */
export interface HostTarget {
	readonly kind: typeof TargetKind.IPV4 | typeof TargetKind.DOMAIN | typeof TargetKind.IPV6;
	/** 4 or 16 bytes of address, or the bytes of a name: letters, digits, '-', '_' and '.'. */
	readonly host: Uint8Array;
	readonly port: number;
	/** The whole as it travels. */
	readonly encoded: Uint8Array;
}

/** The one target of a flow, which the client's configuration chose, and whose flow it is. */
export interface ForwardTarget {
	readonly kind: typeof TargetKind.FORWARD;
	readonly listener: string;
	readonly application: string;
	readonly to: HostTarget;
}

/** A target as the receiver reads it. */
export type Target = FixedTarget | ForwardTarget | HostTarget;

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

/** Encodes a forward's target; `to` is the host target as it travels. */
export function encodeForwardTarget(
	listener: string,
	application: string,
	to: Uint8Array,
): Uint8Array {
	const bytes = new Uint8Array(3 + 2 * MAX_NAME + to.length);
	bytes[0] = TargetKind.FORWARD;
	const end = writeName(bytes, writeName(bytes, 1, listener), application);
	bytes.set(to, end);
	return bytes.slice(0, end + to.length);
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

function isNameByte(code: number): boolean {
	return (
		(code >= 0x61 && code <= 0x7a) ||
		(code >= 0x41 && code <= 0x5a) ||
		(code >= 0x30 && code <= 0x39) ||
		code === 0x2d ||
		code === 0x2e ||
		code === 0x5f
	);
}

function readHost(cursor: Cursor, kind: HostTarget['kind']): HostTarget | undefined {
	const start = cursor.position - 1;
	let length = kind === TargetKind.IPV4 ? 4 : 16;
	if (kind === TargetKind.DOMAIN) {
		length = cursor.uint8();
		if (length === 0 || length > MAX_DOMAIN) cursor.failed = true;
	}
	const host = cursor.copy(length);
	const port = cursor.uint16();
	// A NUL or a space in a name would mean one thing here and another to the resolver.
	if (kind === TargetKind.DOMAIN && !host.every(isNameByte)) cursor.failed = true;
	if (cursor.failed) return undefined;
	return {kind, host, port, encoded: cursor.bytes.slice(start, cursor.position)};
}

/**
 * Reads a target; undefined, with the cursor failed, when it is malformed or of an unknown kind.
 */
export function decodeTarget(cursor: Cursor): Target | undefined {
	const kind = cursor.uint8();
	switch (kind) {
		case TargetKind.FIXED: {
			const listener = readName(cursor);
			const application = readName(cursor);
			return cursor.failed ? undefined : {kind, listener, application};
		}
		case TargetKind.FORWARD: {
			const listener = readName(cursor);
			const application = readName(cursor);
			const to = decodeHostTarget(cursor);
			return to === undefined ? undefined : {kind, listener, application, to};
		}
		default:
			return readHostOf(cursor, kind);
	}
}

/** Reads a target that is a host; undefined, with the cursor failed, when it is anything else. */
export function decodeHostTarget(cursor: Cursor): HostTarget | undefined {
	return readHostOf(cursor, cursor.uint8());
}

function readHostOf(cursor: Cursor, kind: number): HostTarget | undefined {
	switch (kind) {
		case TargetKind.IPV4:
		case TargetKind.DOMAIN:
		case TargetKind.IPV6:
			return readHost(cursor, kind);
		default:
			cursor.failed = true;
			return undefined;
	}
}
