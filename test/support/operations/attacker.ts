import {writeUint32, writeUint48} from '../../../src/bytes/cursor.ts';
import type {RemoteAddress} from '../../../src/core/remote-address.ts';
import {Prng} from '../../../src/sim/prng.ts';
import {PacketType} from '../../../src/wire/constants.ts';
import {encodeReset, INIT_COOKIE_MAC, INIT_LENGTH} from '../../../src/wire/handshake.ts';
import {headerPacketNumber, headerSessionId} from '../../../src/wire/header.ts';
import type {End} from '../world/datagram-ledger.ts';
import type {TunnelWorld} from '../world/tunnel-world.ts';
import {flipBit} from './impairments.ts';
import {type Capture, spoofedAddress, type Watch} from './operation-watch.ts';

/** Somebody who sees all packets, may send any from anywhere, and has no key. */
export class Attacker {
	readonly #world: TunnelWorld;
	readonly #watch: Watch;
	readonly #random: Prng;
	#spoofs = 0;

	constructor(world: TunnelWorld, watch: Watch) {
		this.#world = world;
		this.#watch = watch;
		this.#random = new Prng(`attacker ${world.options.seed}`);
	}

	/** Sends bytes to an end; `source` 0 = the path's own address, 1 = another path's, 2 = spoofed. */
	send(end: End, path: number, bytes: Uint8Array, source: number, genuine = false): void {
		const world = this.#world;
		const other = (path + source) % world.remotes.length;
		if (end === 'client') {
			world.inject('client', other, bytes);
			return;
		}
		const remote: RemoteAddress =
			source === 2 ? spoofedAddress(this.#spoofs++) : world.remotes[other]!;
		this.#watch.injected(remote, bytes, genuine);
		world.inject('server', path, bytes, remote);
	}

	/** Random bytes behind a chosen first one. */
	random(end: End, path: number, length: number, first: number): void {
		const bytes = new Uint8Array(length);
		this.#random.fill(bytes);
		bytes[0] = first;
		this.send(end, path, bytes, 0);
	}

	/** A captured packet, unchanged. */
	replay(end: End, path: number, index: number, source: number): void {
		const capture = this.#watch.capture(index);
		if (capture === undefined) return;
		this.send(end, path, capture.bytes, source, capture.from === 'client');
	}

	/** A captured packet, cut short. */
	cut(end: End, path: number, index: number, source: number, length: number): void {
		const capture = this.#watch.capture(index);
		if (capture === undefined || capture.bytes.length <= length) return;
		this.send(end, path, capture.bytes.slice(0, length), source);
	}

	/** A captured packet with one bit flipped. */
	flip(end: End, path: number, index: number, source: number, bit: number): void {
		const capture = this.#watch.capture(index);
		if (capture === undefined) return;
		const bytes = flipBit(capture.bytes, bit);
		this.send(end, path, bytes, source, isGenuineInit(capture, bytes));
	}

	/** A captured packet with a packet number that nobody will reach. */
	huge(end: End, path: number, index: number, source: number): void {
		const capture = this.#watch.capture(index);
		if (capture === undefined || capture.bytes.length < 28) return;
		const bytes = capture.bytes.slice();
		if (bytes[0]! >> 4 !== PacketType.DATA) return;
		writeUint48(bytes, 5, index % 2 ? 2 ** 48 - 1 : headerPacketNumber(bytes, 0) + 70_000);
		this.send(end, path, bytes, source);
	}

	/** A RESET of the attacker's making for the client. */
	reset(path: number, kind: number): void {
		const capture = this.#watch.captureOf('client', PacketType.DATA);
		if (capture === undefined) return;
		const id = headerSessionId(capture.bytes, 0);
		const number = headerPacketNumber(capture.bytes, 0);
		const guess = [number, this.#random.integer(1000), number + 2 ** 30, number][kind]!;
		const bytes = encodeReset(id, guess);
		if (kind === 3) writeUint32(bytes, 1, (id + 1) >>> 0);
		const before = this.#clientState();
		this.send('client', path, bytes, 0);
		const believed = this.#clientState() === 'restarting' && before !== 'restarting';
		// Nothing was ever sent with that number, or to that session.
		if (kind >= 2 && believed) this.#world.faults.push('a forged RESET was believed');
	}

	#clientState(): string | undefined {
		return this.#world.client?.status(this.#world.now).sessions[0]?.state;
	}
}

/** True for an INIT that was only given another cookie mac: its own mac does not cover that. */
function isGenuineInit({from, bytes: original}: Capture, bytes: Uint8Array): boolean {
	const isInit = original[0]! >> 4 === PacketType.INIT && original.length === INIT_LENGTH;
	if (from !== 'client' || !isInit) return false;
	return original.subarray(0, INIT_COOKIE_MAC).every((byte, at) => byte === bytes[at]);
}
