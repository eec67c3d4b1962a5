import {ClientHandshake} from '../../../src/core/client/client-handshake.ts';
import type {Environment} from '../../../src/core/environment.ts';
import {ServerHandshake} from '../../../src/core/server/server-handshake.ts';
import type {Aead} from '../../../src/crypto/aead.ts';
import {DATA_OVERHEAD, HEADER_LENGTH} from '../../../src/wire/constants.ts';
import {DATAGRAM_FRAMES, STREAM_FRAMES} from '../../../src/wire/frames/frame-type.ts';
import {associatedData, encodeHeader, headerPacketNumber} from '../../../src/wire/header.ts';

const ANYWHERE = {key: '0|192.0.2.1|9', socket: 0, host: '192.0.2.1', port: 9};
const FRAMES: readonly number[] = [...STREAM_FRAMES, ...DATAGRAM_FRAMES];

/** One end of a session whose frames a test writes itself: genuine packets, whatever they say. */
export class RawSession {
	/** The number of the next packet. */
	next = 0;
	readonly #sealing: Aead;
	readonly #opening: Aead;
	readonly #peerId: number;
	readonly #encrypt: boolean;

	/** @param peerId the id that the other end chose for the session */
	constructor(sealing: Aead, opening: Aead, peerId: number, encrypt = true) {
		this.#sealing = sealing;
		this.#opening = opening;
		this.#peerId = peerId;
		this.#encrypt = encrypt;
	}

	/** A packet with these frames. */
	packet(frames: Uint8Array | readonly number[], number: number = this.next++): Uint8Array {
		const packet = new Uint8Array(DATA_OVERHEAD + frames.length);
		const end = HEADER_LENGTH + frames.length;
		encodeHeader(packet, 0, 0, this.#peerId, number);
		packet.set(frames, HEADER_LENGTH);
		const ad = associatedData(packet, 0, end, this.#encrypt);
		this.#sealing.seal(number, ad, packet, this.#encrypt ? HEADER_LENGTH : end, end);
		return packet;
	}

	/** The frames of a packet from the other end; undefined when it does not open. */
	open(bytes: Uint8Array): Uint8Array | undefined {
		const packet = bytes.slice();
		const end = packet.length - (DATA_OVERHEAD - HEADER_LENGTH);
		const ad = associatedData(packet, 0, end, this.#encrypt);
		const from = this.#encrypt ? HEADER_LENGTH : end;
		const isGenuine = this.#opening.open(headerPacketNumber(packet, 0), ad, packet, from, end);
		return isGenuine ? packet.subarray(HEADER_LENGTH, end) : undefined;
	}
}

/** Whose key, and what the wall clock shows. */
export interface RawEnd {
	readonly environment: Environment;
	readonly psk: Uint8Array;
	readonly clientId?: Uint8Array;
	readonly encrypt?: boolean;
	/** Frame types that it announces. Absent: those of streams and datagrams. */
	readonly frames?: readonly number[];
}

/**
 * Makes a session with a server as its client: `exchange` hands over INIT and returns RESP. Throws
 * when the server gives none.
 */
export function connectRaw(
	{
		environment,
		psk,
		clientId = new Uint8Array(16).fill(9),
		encrypt = true,
		frames = FRAMES,
	}: RawEnd,
	now: number,
	exchange: (init: Uint8Array) => Uint8Array | undefined,
): RawSession {
	const handshake = new ClientHandshake(environment, psk, clientId, encrypt, frames);
	handshake.begin(undefined, now);
	const answer = exchange(handshake.poll(now)!.bytes);
	const result = answer && handshake.receiveResp(answer, 0, answer.length);
	if (result === undefined) throw new Error('no session');
	const {aead} = environment;
	const {initiatorKey, responderKey} = result.keys;
	return new RawSession(aead(initiatorKey), aead(responderKey), result.resp.sessionId, encrypt);
}

/** Makes a session with a client as its server, from the client's INIT; RESP is `answer`. */
export function acceptRaw(
	{environment, psk, encrypt = true}: RawEnd,
	init: Uint8Array,
	now: number,
): {readonly session: RawSession; readonly answer: Uint8Array} {
	const handshake = new ServerHandshake(environment, [{name: 'user', psk}]);
	const outcome = handshake.receive(init.slice(), 0, init.length, ANYWHERE, now);
	if (outcome.type !== 'verified') throw new Error(`INIT was ${outcome.type}`);
	const {init: verified} = outcome;
	const parameters = {encrypt, frames: FRAMES};
	const resp = {status: 0, sessionId: environment.random.uint32(), epoch: 0, parameters};
	const answer = handshake.respond(verified, resp, now);
	if (answer === undefined) throw new Error('no answer');
	const {initiatorKey, responderKey} = verified.noise.split();
	const {aead} = environment;
	const keys = [aead(responderKey), aead(initiatorKey)] as const;
	return {session: new RawSession(...keys, verified.clientSession, encrypt), answer};
}
