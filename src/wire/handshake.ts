/*
 * Handshake packets. INIT is always 256 bytes, so that no answer is longer than what caused it.
 * Everything before the ciphertext is clear and mixed into the handshake hash.
 *
 *   INIT    10 | version 1 | client's session id 4 | key hint 4 | e 32 | ciphertext 182 | tag 16
 *           | mac 8 | cookie mac 8
 *   RESP    20 | version 1 | client's session id 4 | e 32 | ciphertext | tag 16
 *   RETRY   30 | version 1 | client's session id 4 | cookie 16 | mac 16
 *   RESET   50 | session id 4 | packet number 6
 *   BACK    70 | session id 4 | token 16
 *   VERSION 60 | version 1 | client's session id 4 | count 1 | versions | mac 16
 *
 *   INIT plaintext  kind 1 | client id 16 | time 6 | resumed session id 4 | proof 32 | parameters
 *                   | zeros
 *   RESP plaintext  status 1 | server's session id 4 | epoch 1 | parameters
 *
 * A parameter is: type varint | length varint | value. Type 0 ends the list; unknown ones are
 * skipped.
 */
import {Cursor, readUint32, writeUint32, writeUint48} from '../bytes/cursor.ts';
import {writeVarint} from '../bytes/varint.ts';
import {CLIENT_ID_LENGTH, PacketType, VERSION} from './constants.ts';

/** Bytes of every INIT. */
export const INIT_LENGTH = 256;
/** Bytes of the ephemeral public key `e`. */
const KEY_LENGTH = 32;
/** Bytes of the tag behind a ciphertext. */
const TAG_LENGTH = 16;
/** Versions up to this one have no macs: their INIT ends with the tag. */
const LAST_VERSION_WITHOUT_MAC = 2;

/** Bytes of INIT's clear header, before `e`. */
export const INIT_HEADER_LENGTH = 10;
/** Bytes of RESP's clear header, before `e`. */
export const RESP_HEADER_LENGTH = 6;
/** Bytes of RETRY. */
export const RETRY_LENGTH = 38;
/** Bytes of RESET: never more than the shortest packet that causes one. */
export const RESET_LENGTH = 11;
/** Bytes of BACK. */
export const BACK_LENGTH = 21;
/** Bytes of a cookie and of the macs of RETRY and VERSION. */
export const COOKIE_LENGTH = 16;
/** Bytes of a resume proof. */
export const PROOF_LENGTH = 32;

/** Bytes of each of the two macs at the end of INIT. */
export const INIT_MAC_LENGTH = 8;
/** Offsets of the two macs. */
export const INIT_COOKIE_MAC: number = INIT_LENGTH - INIT_MAC_LENGTH;
export const INIT_MAC: number = INIT_COOKIE_MAC - INIT_MAC_LENGTH;

const INIT_PLAINTEXT_LENGTH = INIT_MAC - INIT_HEADER_LENGTH - KEY_LENGTH - TAG_LENGTH;

/** Requests in an INIT. */
export const InitKind = {FRESH: 0, RESUME: 1} as const;

/** Answers in a RESP. */
export const RespStatus = {
	/** A new session. */
	FRESH: 0,
	/** The next epoch of the session that the INIT named. */
	RESUMED: 1,
	/** MPTUNNEL_ENCRYPT differs: there is no session. */
	ENCRYPTION_DIFFERS: 2,
	/** The server has no room for one more session. */
	FULL: 3,
	/** The user has as many sessions as it may have. */
	USER_FULL: 4,
	/** There is no session: another client has this client id, and was there before. */
	ID_IN_USE: 5,
} as const;

const Parameter = {END: 0, ENCRYPT: 1, FRAMES: 2} as const;

/** Parameters of an end, in the encrypted part of its handshake packet. */
export interface HandshakeParameters {
	/** True when this end encrypts payloads (MPTUNNEL_ENCRYPT). */
	readonly encrypt: boolean;
	/** Frame types from 0x30 up that this end understands. */
	readonly frames: readonly number[];
}

/** The encrypted part of INIT. */
export interface InitPayload {
	/** One of InitKind. */
	readonly kind: number;
	readonly clientId: Uint8Array;
	/** The client's wall clock in milliseconds since 1970. */
	readonly time: number;
	/** The server's id of the session to resume, else 0. */
	readonly resumeId: number;
	/** HMAC(exporter key of that session, handshake hash), else zeros. */
	readonly proof: Uint8Array;
	readonly parameters: HandshakeParameters;
}

/** The encrypted part of RESP. */
export interface RespPayload {
	/** One of RespStatus. */
	readonly status: number;
	readonly sessionId: number;
	readonly epoch: number;
	readonly parameters: HandshakeParameters;
}

/** Returns the clear header of an INIT. */
export function encodeInitHeader(version: number, sessionId: number, hint: number): Uint8Array {
	const bytes = new Uint8Array(INIT_HEADER_LENGTH);
	bytes[0] = PacketType.INIT << 4;
	bytes[1] = version;
	writeUint32(bytes, writeUint32(bytes, 2, sessionId), hint);
	return bytes;
}

/** True for a packet of type INIT that has the length and the first byte of one. */
export function isInit(bytes: Uint8Array, start: number, end: number): boolean {
	return end - start === INIT_LENGTH && bytes[start] === PacketType.INIT << 4;
}

/** Returns an INIT without its macs. */
export function encodeInit(header: Uint8Array, e: Uint8Array, ciphertext: Uint8Array): Uint8Array {
	const bytes = new Uint8Array(INIT_LENGTH);
	bytes.set(header, 0);
	bytes.set(e, header.length);
	bytes.set(ciphertext, header.length + e.length);
	return bytes;
}

/** Returns the version of an INIT or of an answer to one. */
export function handshakeVersion(bytes: Uint8Array, start: number): number {
	return bytes[start + 1]!;
}

/** Returns the client's session id, which is in INIT and in every answer to one. */
export function handshakeSessionId(bytes: Uint8Array, start: number): number {
	return readUint32(bytes, start + 2);
}

/** Returns the bytes of the client's session id. */
export function handshakeSessionBytes(packet: Uint8Array): Uint8Array {
	return packet.subarray(2, 6);
}

/** Returns the key hint of an INIT. */
export function initHint(bytes: Uint8Array, start: number): number {
	return readUint32(bytes, start + 6);
}

/** Returns the clear header of an INIT. */
export function initHeader(init: Uint8Array): Uint8Array {
	return init.subarray(0, INIT_HEADER_LENGTH);
}

/** Returns what is sealed in an INIT, `e` in front, by the layout of its version. */
export function initMessage(init: Uint8Array): Uint8Array {
	const hasMac = handshakeVersion(init, 0) > LAST_VERSION_WITHOUT_MAC;
	return init.subarray(INIT_HEADER_LENGTH, hasMac ? INIT_MAC : INIT_LENGTH);
}

/** Returns the ephemeral public key of an INIT. */
export function initEphemeral(init: Uint8Array): Uint8Array {
	return init.subarray(INIT_HEADER_LENGTH, INIT_HEADER_LENGTH + KEY_LENGTH);
}

/** Returns what the mac of an INIT covers. */
export function initCovered(init: Uint8Array): Uint8Array {
	return init.subarray(0, INIT_MAC);
}

/** Returns the mac of an INIT. */
export function initMac(init: Uint8Array): Uint8Array {
	return init.subarray(INIT_MAC, INIT_COOKIE_MAC);
}

/** True for an INIT that shows a cookie: its cookie mac is not zero. */
export function hasCookieMac(init: Uint8Array): boolean {
	let any = 0;
	for (let i = INIT_COOKIE_MAC; i < INIT_LENGTH; i++) any |= init[i]!;
	return any !== 0;
}

/** Returns the clear header of a RESP, RETRY or VERSION. */
export function encodeReplyHeader(type: number, sessionId: number): Uint8Array {
	const bytes = new Uint8Array(RESP_HEADER_LENGTH);
	bytes[0] = type << 4;
	bytes[1] = VERSION;
	writeUint32(bytes, 2, sessionId);
	return bytes;
}

function writeParameters(
	bytes: Uint8Array,
	start: number,
	parameters: HandshakeParameters,
): number {
	let at = writeVarint(bytes, start, Parameter.ENCRYPT);
	at = writeVarint(bytes, at, 1);
	bytes[at++] = parameters.encrypt ? 1 : 0;
	if (parameters.frames.length > 0) {
		at = writeVarint(bytes, at, Parameter.FRAMES);
		at = writeVarint(bytes, at, parameters.frames.length);
		for (const type of parameters.frames) bytes[at++] = type;
	}
	return at;
}

function readParameters(cursor: Cursor): HandshakeParameters | undefined {
	let encrypt: boolean | undefined;
	let frames: number[] = [];
	while (cursor.remaining > 0) {
		const type = cursor.varint();
		if (type === Parameter.END) break;
		const value = cursor.copy(cursor.varint());
		if (cursor.failed) return undefined;
		if (type === Parameter.ENCRYPT) {
			if (value.length !== 1 || value[0]! > 1) return undefined;
			encrypt = value[0] === 1;
		} else if (type === Parameter.FRAMES) frames = [...value];
	}
	return cursor.failed || encrypt === undefined ? undefined : {encrypt, frames};
}

/** Returns the plaintext of an INIT, always of the same length. */
export function encodeInitPayload(payload: InitPayload): Uint8Array {
	const bytes = new Uint8Array(INIT_PLAINTEXT_LENGTH);
	bytes[0] = payload.kind;
	bytes.set(payload.clientId, 1);
	let at = writeUint48(bytes, 1 + CLIENT_ID_LENGTH, payload.time);
	at = writeUint32(bytes, at, payload.resumeId);
	bytes.set(payload.proof, at);
	writeParameters(bytes, at + PROOF_LENGTH, payload.parameters);
	return bytes;
}

/** Reads the plaintext of an INIT. `undefined`: it is malformed. */
export function decodeInitPayload(bytes: Uint8Array): InitPayload | undefined {
	const cursor = new Cursor();
	cursor.reset(bytes, 0, bytes.length);
	const kind = cursor.uint8();
	const clientId = cursor.copy(CLIENT_ID_LENGTH);
	const time = cursor.uint48();
	const resumeId = cursor.uint32();
	const proof = cursor.copy(PROOF_LENGTH);
	const parameters = readParameters(cursor);
	if (cursor.failed || parameters === undefined || kind > InitKind.RESUME) return undefined;
	return {kind, clientId, time, resumeId, proof, parameters};
}

/** Returns the plaintext of a RESP. */
export function encodeRespPayload(payload: RespPayload): Uint8Array {
	const bytes = new Uint8Array(64);
	bytes[0] = payload.status;
	let at = writeUint32(bytes, 1, payload.sessionId);
	bytes[at++] = payload.epoch;
	at = writeParameters(bytes, at, payload.parameters);
	return bytes.slice(0, at);
}

/** Reads the plaintext of a RESP. `undefined`: it is malformed. */
export function decodeRespPayload(bytes: Uint8Array): RespPayload | undefined {
	const cursor = new Cursor();
	cursor.reset(bytes, 0, bytes.length);
	const status = cursor.uint8();
	const sessionId = cursor.uint32();
	const epoch = cursor.uint8();
	const parameters = readParameters(cursor);
	if (cursor.failed || parameters === undefined) return undefined;
	if (status > RespStatus.ID_IN_USE || epoch > 15) return undefined;
	return {status, sessionId, epoch, parameters};
}

/** Returns a BACK for the client whose session has that id of its own. */
export function encodeBack(sessionId: number, token: Uint8Array): Uint8Array {
	const bytes = new Uint8Array(BACK_LENGTH);
	bytes[0] = PacketType.BACK << 4;
	bytes.set(token, writeUint32(bytes, 1, sessionId));
	return bytes;
}

/** Returns a RESET that echoes the packet which met no session. */
export function encodeReset(sessionId: number, packetNumber: number): Uint8Array {
	const bytes = new Uint8Array(RESET_LENGTH);
	bytes[0] = PacketType.RESET << 4;
	writeUint48(bytes, writeUint32(bytes, 1, sessionId), packetNumber);
	return bytes;
}

/** Returns header and message of a RESP; `undefined`: it is shorter than any. */
export function splitResp(
	packet: Uint8Array,
): {readonly header: Uint8Array; readonly message: Uint8Array} | undefined {
	if (packet.length < RESP_HEADER_LENGTH + KEY_LENGTH + TAG_LENGTH) return undefined;
	return {
		header: packet.subarray(0, RESP_HEADER_LENGTH),
		message: packet.subarray(RESP_HEADER_LENGTH),
	};
}

/** Returns a RETRY without its mac. */
export function encodeRetry(sessionId: number, cookie: Uint8Array): Uint8Array {
	return joinBytes(encodeReplyHeader(PacketType.RETRY, sessionId), cookie);
}

/** Returns a copy of the cookie in a RETRY; `undefined`: it has not the length of one. */
export function retryCookie(packet: Uint8Array): Uint8Array | undefined {
	if (packet.length !== RETRY_LENGTH) return undefined;
	return packet.slice(RESP_HEADER_LENGTH, RESP_HEADER_LENGTH + COOKIE_LENGTH);
}

/** Returns a VERSION without its mac. */
export function encodeVersion(sessionId: number, versions: readonly number[]): Uint8Array {
	const list = Uint8Array.of(versions.length, ...versions);
	return joinBytes(encodeReplyHeader(PacketType.VERSION, sessionId), list);
}

/** Returns the versions in a VERSION; `undefined`: their count does not agree with its length. */
export function versionsIn(packet: Uint8Array): number[] | undefined {
	const start = RESP_HEADER_LENGTH + 1;
	if (packet.length < start + COOKIE_LENGTH || packet.length > INIT_LENGTH) return undefined;
	const versions = packet.subarray(start, packet.length - COOKIE_LENGTH);
	return packet[RESP_HEADER_LENGTH] === versions.length ? [...versions] : undefined;
}

/** Returns what the mac of a RETRY or VERSION covers of it. */
export function replyCovered(packet: Uint8Array): Uint8Array {
	return packet.subarray(0, packet.length - COOKIE_LENGTH);
}

/** Returns the mac of a RETRY or VERSION. */
export function replyMac(packet: Uint8Array): Uint8Array {
	return packet.subarray(packet.length - COOKIE_LENGTH);
}

/** Returns the head of a packet with the rest behind it. */
export function joinBytes(head: Uint8Array, tail: Uint8Array): Uint8Array {
	const bytes = new Uint8Array(head.length + tail.length);
	bytes.set(head, 0);
	bytes.set(tail, head.length);
	return bytes;
}
