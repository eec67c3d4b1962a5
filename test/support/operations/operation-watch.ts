import {readUint32} from '../../../src/bytes/cursor.ts';
import type {Millis} from '../../../src/bytes/time.ts';
import type {EndpointStatus} from '../../../src/core/events.ts';
import type {RemoteAddress} from '../../../src/core/remote-address.ts';
import type {AeadFactory} from '../../../src/crypto/aead.ts';
import {MAX_PACKET_SIZE, PacketType} from '../../../src/wire/constants.ts';
import type {End} from '../world/datagram-ledger.ts';
import type {TunnelWorld} from '../world/tunnel-world.ts';

/** A packet as an eavesdropper has it. */
export interface Capture {
	readonly from: End;
	readonly bytes: Uint8Array;
}

const OLDEST = 16;
const NEWEST = 64;
/** What a closed end still says: CLOSE, and once more. */
const GOODBYE: Millis = 21;
const QUIET: Millis = 2000;
/** 10 a second in windows that may lie anywhere. */
const RESETS_PER_SECOND = 20;

/** An address that no client has: what an attacker writes into its packets. */
export function spoofedAddress(index: number): RemoteAddress {
	const host = `10.66.0.${index % 5}`;
	return {key: `0|${host}|6666`, socket: 0, host, port: 6666};
}

function isSpoofed(remote: RemoteAddress): boolean {
	return remote.host.startsWith('10.66.');
}

/** Looks at everything that leaves the ends of a world and tells of what must never happen. */
export class Watch {
	world!: TunnelWorld;
	/** When an end said goodbye; it has to be silent from then on. */
	readonly closedAt: Record<End, Millis> = {client: Infinity, server: Infinity};
	clientStarted: Millis = 0;
	readonly #oldest: Capture[] = [];
	readonly #newest: Capture[] = [];
	#captured = 0;
	readonly #latestUp: Uint8Array[] = [];
	readonly #latestDown: Uint8Array[] = [];
	readonly #strays = new Map<string, {received: number; sent: number; genuine: boolean}>();
	readonly #resets = new Map<string, number>();
	/** How many events the servers before this one had. */
	#serverEvents = 0;
	readonly #sealed = new Map<string, Map<number, number>>();

	#fault(text: string): void {
		this.world.faults.push(text);
	}

	/** One of the first or of the latest packets; undefined before the first. */
	capture(index: number): Capture | undefined {
		const all = this.#oldest.length + this.#newest.length;
		if (all === 0) return undefined;
		const at = index % all;
		return this.#oldest[at] ?? this.#newest[at - this.#oldest.length];
	}

	/** The latest packet of that type from an end. */
	captureOf(from: End, type: number): Capture | undefined {
		const fits = (capture: Capture) => capture.from === from && capture.bytes[0]! >> 4 === type;
		for (let i = 1; i <= this.#newest.length; i++) {
			const capture = this.#newest[(this.#captured - i + NEWEST) % NEWEST];
			if (capture !== undefined && fits(capture)) return capture;
		}
		return this.#oldest.find(fits);
	}

	/**
	 * The same key and packet number must never seal two different texts: that would give both
	 * away. The tag covers everything, so it stands for the packet; handshakes are covered as well.
	 */
	guard(factory: AeadFactory): AeadFactory {
		return (key) => {
			const aead = factory(key);
			const name = String.fromCharCode(...key);
			return {
				seal: (packetNumber, ad, bytes, textStart, textEnd) => {
					aead.seal(packetNumber, ad, bytes, textStart, textEnd);
					this.#note(name, packetNumber, readUint32(bytes, textEnd));
				},
				open: (packetNumber, ad, bytes, textStart, textEnd) =>
					aead.open(packetNumber, ad, bytes, textStart, textEnd),
			};
		};
	}

	#note(key: string, packetNumber: number, tag: number): void {
		let numbers = this.#sealed.get(key);
		if (numbers === undefined) {
			numbers = new Map();
			this.#sealed.set(key, numbers);
		}
		const before = numbers.get(packetNumber);
		if (before !== undefined && before !== tag) {
			this.#fault(`packet number ${packetNumber} sealed two texts under one key`);
		}
		numbers.set(packetNumber, tag);
	}

	/** A copy leaves an end. */
	departed(from: End, bytes: Uint8Array, to: RemoteAddress | undefined): void {
		const {now} = this.world;
		if (bytes.length === 0) this.#fault(`${from} sent an empty packet`);
		if (bytes.length > MAX_PACKET_SIZE) this.#fault(`${from} sent ${bytes.length} bytes`);
		if (now > this.closedAt[from] + GOODBYE) this.#fault(`${from} speaks after its goodbye`);
		if (from === 'client') this.#checkQuiet(now);
		if (to !== undefined) this.#checkReset(bytes, to, now);
		if (to !== undefined && isSpoofed(to)) this.#checkStray(bytes, to);
		const capture = {from, bytes};
		if (this.#oldest.length < OLDEST) this.#oldest.push(capture);
		else this.#newest[this.#captured++ % NEWEST] = capture;
	}

	#checkQuiet(now: Millis): void {
		const last = this.world.clientEvents.at(-1);
		if (last?.event.type !== 'session-down' || last.at < this.clientStarted) return;
		if (last.event.reason === 'the server stops' && now < last.at + QUIET) {
			this.#fault(`the client speaks ${now - last.at} ms after the server asked for silence`);
		}
	}

	#checkReset(bytes: Uint8Array, to: RemoteAddress, now: Millis): void {
		if (bytes[0]! >> 4 !== PacketType.RESET) return;
		const key = `${to.host} ${Math.floor(now / 1000)}`;
		const count = (this.#resets.get(key) ?? 0) + 1;
		this.#resets.set(key, count);
		if (count > RESETS_PER_SECOND) this.#fault(`${count} RESETs a second to ${to.host}`);
	}

	/** A new server counts its RESETs anew. */
	serverStarted(): void {
		this.#resets.clear();
		this.#serverEvents = this.world.serverEvents.length;
	}

	/** An attacker sends a packet to the server. */
	injected(remote: RemoteAddress, bytes: Uint8Array, genuine: boolean): void {
		if (!isSpoofed(remote)) return;
		const stray = this.#strays.get(remote.key) ?? {received: 0, sent: 0, genuine: false};
		this.#strays.set(remote.key, stray);
		stray.received += bytes.length;
		stray.genuine ||= genuine;
	}

	#checkStray(bytes: Uint8Array, to: RemoteAddress): void {
		const stray = this.#strays.get(to.key);
		if (stray === undefined) {
			this.#fault('the server wrote to an address that never spoke');
			return;
		}
		stray.sent += bytes.length;
		if (stray.sent > 3 * stray.received) {
			this.#fault(`${stray.sent} bytes to an address that sent ${stray.received}`);
		}
		if (!stray.genuine && bytes[0]! >> 4 !== PacketType.RESET) {
			this.#fault('the server answered a stranger');
		}
	}

	/** A copy goes to a path: each packet at most once. */
	onPath(bytes: Uint8Array, path: number, up: boolean): void {
		const latest = up ? this.#latestUp : this.#latestDown;
		if (latest[path] === bytes) this.#fault(`a packet went twice to path ${path}`);
		latest[path] = bytes;
	}

	/** The server has the sessions that it said are up, and no other. */
	#checkSessions(status: EndpointStatus): void {
		const up = new Set<number>();
		for (const {event} of this.world.serverEvents.slice(this.#serverEvents)) {
			if (event.type === 'session-up') up.add(event.session);
			else if (event.type === 'session-down') up.delete(event.session);
			else if (event.type === 'fault') this.#fault(`an exception: ${event.text}`);
		}
		const listed = status.sessions.map(({session}) => session);
		if (new Set(listed).size !== listed.length || listed.some((session) => !up.delete(session))) {
			this.#fault(`the server lists sessions ${listed.join()}`);
		}
		if (up.size > 0) this.#fault(`the server lost sessions ${[...up].join()}`);
		if (!((status.halfOpen ?? -1) >= 0)) this.#fault(`${status.halfOpen} sessions are half open`);
	}

	/** Compares what an end counted with what it was handed, and looks at its status. */
	checkCounters(end: End): void {
		const endpoint = this.world[end];
		if (endpoint === undefined) return;
		const status = endpoint.status(this.world.now);
		if (end === 'server') this.#checkSessions(status);
		for (const [reason, count] of this.world.handed[end]) {
			if (reason !== 'taken' && (status.drops[reason] ?? 0) < count) {
				this.#fault(`${end} did not count all drops as ${reason}`);
			}
		}
		if (status.waiting > 256 * Math.max(1, status.sessions.length)) {
			this.#fault(`${end} holds ${status.waiting} datagrams`);
		}
		for (const {paths, residualLoss} of status.sessions) {
			if (residualLoss !== undefined && !(residualLoss >= 0 && residualLoss <= 1)) {
				this.#fault(`${end} measured a residual loss of ${residualLoss}`);
			}
			for (const path of paths) {
				const sane =
					(path.rtt ?? 0) >= 0 &&
					(path.sending.loss ?? 0) >= 0 &&
					(path.receiving.loss ?? 0) <= 1 &&
					path.mtu <= MAX_PACKET_SIZE &&
					path.remote.split(', ').length <= 4;
				if (!sane) this.#fault(`${end} shows a path as ${JSON.stringify(path)}`);
			}
		}
	}
}
