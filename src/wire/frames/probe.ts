/*
 * PROBE and PONG, which travel on one path only and never twice:
 *
 *   type 1 | path id 1 | flags 1 | sent time 4 | packets sent on this path 4 |
 *   datagrams sent in the session 4
 *   [echo: time that the peer wrote 4 | time it arrived here 4 |
 *    packets received on this path by then 4]                            flag 1
 *   [challenge 8]                                                        flag 2
 *   [response 8]                                                         flag 4
 *   count 1 | count x (path id 1 | packets received 4 | probes received 2)
 *
 * Times are microseconds modulo 2^32 on the writer's own clock; a writer never uses the same one
 * twice on a path, so an echo names what it echoes. A PONG answers a PROBE at once and echoes it; a
 * PROBE echoes the newest PONG, so both ends measure round trip and one-way delays. The list at the
 * end covers all paths, so that each path is reported over any path.
 */
import {type Cursor, copyBytes, writeUint16, writeUint32} from '../../bytes/cursor.ts';
import {MAX_PATHS} from '../constants.ts';
import type {FrameCodec} from './codec.ts';
import {FrameType} from './frame-type.ts';

/** Bytes of a challenge and its response. */
export const CHALLENGE_LENGTH = 8;

const Flag = {ECHO: 1, CHALLENGE: 2, RESPONSE: 4} as const;

/** A PROBE or PONG; one object is filled again and again. */
export class Probe {
	/** True in a PONG, the answer to a PROBE. */
	isAnswer = false;
	pathId = 0;
	/** Microseconds modulo 2^32 on the sender's clock. */
	sentTime = 0;
	/** Packets the sender has sent on this path, this one included, modulo 2^32. */
	sentPackets = 0;
	/** Application datagrams the sender has put into the session, modulo 2^32. */
	sentDatagrams = 0;
	hasEcho = false;
	/** `sentTime` of the newest PROBE or PONG that the sender got on this path. */
	echoTime = 0;
	/** Time at which that one arrived, on the sender's clock. */
	echoArrival = 0;
	/** Packets received on this path when that one arrived, it included, modulo 2^32. */
	echoPackets = 0;
	challenge: Uint8Array | undefined = undefined;
	response: Uint8Array | undefined = undefined;
	/** Entries in the three lists below. */
	count = 0;
	readonly pathIds: Uint8Array = new Uint8Array(MAX_PATHS);
	/** Packets received on that path, copies included, modulo 2^32. */
	readonly packets: Uint32Array = new Uint32Array(MAX_PATHS);
	/** Probes received on that path, modulo 2^16. */
	readonly probes: Uint16Array = new Uint16Array(MAX_PATHS);
}

/** Entries behind the fields of a probe: path id, packets, probes. */
const ENTRY_LENGTH = 7;

function encode(bytes: Uint8Array, start: number, type: number, probe: Readonly<Probe>): number {
	bytes[start] = type;
	bytes[start + 1] = probe.pathId;
	let at = start + 2;
	bytes[at++] =
		(probe.hasEcho ? Flag.ECHO : 0) |
		(probe.challenge ? Flag.CHALLENGE : 0) |
		(probe.response ? Flag.RESPONSE : 0);
	at = writeUint32(bytes, at, probe.sentTime);
	at = writeUint32(bytes, at, probe.sentPackets);
	at = writeUint32(bytes, at, probe.sentDatagrams);
	if (probe.hasEcho) {
		at = writeUint32(bytes, at, probe.echoTime);
		at = writeUint32(bytes, at, probe.echoArrival);
		at = writeUint32(bytes, at, probe.echoPackets);
	}
	if (probe.challenge) at = copyBytes(bytes, at, probe.challenge, 0, CHALLENGE_LENGTH);
	if (probe.response) at = copyBytes(bytes, at, probe.response, 0, CHALLENGE_LENGTH);
	bytes[at++] = probe.count;
	for (let i = 0; i < probe.count; i++) {
		bytes[at++] = probe.pathIds[i]!;
		at = writeUint32(bytes, at, probe.packets[i]!);
		at = writeUint16(bytes, at, probe.probes[i]!);
	}
	return at;
}

function decode(cursor: Cursor, probe: Probe): boolean {
	probe.pathId = cursor.uint8();
	const flags = cursor.uint8();
	probe.sentTime = cursor.uint32();
	probe.sentPackets = cursor.uint32();
	probe.sentDatagrams = cursor.uint32();
	probe.hasEcho = (flags & Flag.ECHO) !== 0;
	probe.echoTime = probe.hasEcho ? cursor.uint32() : 0;
	probe.echoArrival = probe.hasEcho ? cursor.uint32() : 0;
	probe.echoPackets = probe.hasEcho ? cursor.uint32() : 0;
	probe.challenge = flags & Flag.CHALLENGE ? cursor.copy(CHALLENGE_LENGTH) : undefined;
	probe.response = flags & Flag.RESPONSE ? cursor.copy(CHALLENGE_LENGTH) : undefined;
	probe.count = cursor.uint8();
	if (probe.count > MAX_PATHS || probe.pathId >= MAX_PATHS || flags > 7) return false;
	for (let i = 0; i < probe.count; i++) {
		probe.pathIds[i] = cursor.uint8();
		probe.packets[i] = cursor.uint32();
		probe.probes[i] = cursor.uint16();
	}
	return !cursor.failed;
}

function probeCodec(type: number, isAnswer: boolean): FrameCodec<Probe> {
	return {
		type,
		length: ({hasEcho, challenge, response, count}) =>
			16 +
			(hasEcho ? 12 : 0) +
			(challenge ? CHALLENGE_LENGTH : 0) +
			(response ? CHALLENGE_LENGTH : 0) +
			count * ENTRY_LENGTH,
		encode: (bytes, at, probe) => encode(bytes, at, type, probe),
		decode(cursor, probe) {
			probe.isAnswer = isAnswer;
			return decode(cursor, probe);
		},
	};
}

/** PROBE: asks for an answer. */
export const probeFrame: FrameCodec<Probe> = probeCodec(FrameType.PROBE, false);

/** PONG: answers a PROBE. */
export const pongFrame: FrameCodec<Probe> = probeCodec(FrameType.PONG, true);
