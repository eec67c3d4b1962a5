import type {RemoteAddress} from '../../../src/core/remote-address.ts';
import {encodeFixedTarget} from '../../../src/wire/address.ts';
import {CloseCode} from '../../../src/wire/constants.ts';
import {encodeFrame} from '../../../src/wire/frames/codec.ts';
import {FrameType, LANE_FRAMES} from '../../../src/wire/frames/frame-type.ts';
import {streamOpenFrame} from '../../../src/wire/frames/stream.ts';
import {environmentOf} from '../../core/session/core-fixtures.ts';
import {connectRaw, type RawSession} from '../world/raw-session.ts';
import {AEAD, type TunnelWorld} from '../world/tunnel-world.ts';
import {hostileLaneFrames} from './lane-insider.ts';

const REMOTE: RemoteAddress = {key: '0|10.77.0.1|7777', socket: 0, host: '10.77.0.1', port: 7777};
const CLOSE = [FrameType.CLOSE, CloseCode.STOPPING, 0];
const PROBE = [FrameType.PROBE, 0, 0, ...new Array<number>(12).fill(0), 0];

/** The key of {@link Insider}. */
export const INSIDER_PSK: Uint8Array = new Uint8Array(32).fill(8);

/** Somebody with a key of its own, who sends genuine packets that no client would. */
export class Insider {
	readonly #world: TunnelWorld;
	#answer: Uint8Array | undefined;
	#session: RawSession | undefined;
	#clients = 0;

	constructor(world: TunnelWorld) {
		this.#world = world;
	}

	/** A packet leaves the server. */
	departed(bytes: Uint8Array, to: RemoteAddress | undefined): void {
		if (to?.key === REMOTE.key) this.#answer = bytes;
	}

	/** Sends one of the packets, in a new session if there is none or `fresh` says so. */
	act(kind: number, fresh: number): void {
		this.#say(framesOf(kind), fresh);
	}

	/** Sends hostile frames of lanes, in a new session if there is none or `fresh` says so. */
	actInLane(kind: number, fresh: number): void {
		this.#say(hostileLaneFrames(kind), fresh);
	}

	#say(frames: Uint8Array | readonly number[], fresh: number): void {
		if (this.#session === undefined || fresh === 1) this.#connect();
		const session = this.#session;
		if (session === undefined) return;
		const bytes = session.packet(frames);
		this.#world.inject('server', 0, bytes, REMOTE);
	}

	#connect(): void {
		const world = this.#world;
		const seed = `insider ${world.options.seed} ${++this.#clients}`;
		const wallTime = (now: number) => 1_000_000 + now + this.#clients;
		const environment = environmentOf(seed, {aead: AEAD, wallTime});
		const clientId = new Uint8Array(16).fill(this.#clients & 3);
		const {encrypt} = world.serverConfig;
		this.#session = undefined;
		try {
			const frames = world.options.lanes ? {frames: LANE_FRAMES} : {};
			const end = {environment, psk: INSIDER_PSK, clientId, encrypt, ...frames};
			this.#session = connectRaw(end, world.now, (init) => {
				this.#answer = undefined;
				world.inject('server', 0, init, REMOTE);
				return this.#answer;
			});
		} catch {
			// The server is not there, or wants a cookie.
		}
	}
}

function framesOf(kind: number): number[] {
	switch (kind) {
		case 0:
			return CLOSE;
		case 1:
			// Whatever comes out of it would be a datagram that nobody sent.
			return [...CLOSE, FrameType.DATAGRAM_TO, 0, 0, ...encodeFixedTarget('a', 'b'), 1, 2, 3];
		case 2:
			return [...CLOSE, ...streamOpen()];
		case 3:
			return [0xff];
		case 4:
			return [...PROBE, ...CLOSE];
		case 5:
			return [...PROBE, ...PROBE];
		default:
			return PROBE;
	}
}

function streamOpen(): Uint8Array {
	const address = Uint8Array.of(1, 192, 0, 2, 1, 0, 80);
	return encodeFrame(streamOpenFrame, {id: 0, window: 1000, address});
}
