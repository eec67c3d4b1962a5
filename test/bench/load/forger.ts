import {PacketType} from '../../../src/wire/constants.ts';
import {INIT_LENGTH} from '../../../src/wire/handshake.ts';
import {
	encodeHeader,
	headerEpoch,
	headerPacketNumber,
	headerSessionId,
	packetType,
} from '../../../src/wire/header.ts';
import {sharedNow} from './clock.ts';
import {KIND} from './datagram.ts';
import type {LoadSocket, LoadSockets, Reception, Source} from './load-sockets.ts';
import type {Flood, FloodResult} from './messages.ts';
import {Pacer} from './pacer.ts';
import {Packets} from './packets.ts';

const HERE = '127.0.0.1';
/** Long enough for the sender to use large runs, short enough for what is relayed meanwhile. */
const TICK_MICROS = 200;
/** Datagrams of one burst at most. */
const MOST_AT_ONCE = 256;
/** Of an encrypted packet as the tunnel sends them. */
const SIZE = 1227;
/** Addresses that forged INITs come from in turn. */
const SOURCES = 64;
/** What an INIT begins with: type, version, session id and key hint. */
const INIT_HEAD = 10;

/**
 * A relay on a path that reads what is not encrypted, and sends packets of its own making with it: of
 * the right session, with packet numbers that were not used yet. Nothing but the tag is wrong.
 */
export class Forger {
	readonly #sockets: LoadSockets;
	readonly #packets = new Packets([SIZE]);
	#front: LoadSocket | undefined;
	#back: LoadSocket | undefined;
	#stranger: LoadSocket | undefined;
	#strangers: LoadSocket[] = [];
	#initHead: Uint8Array | undefined;
	readonly #inits = new Packets([INIT_LENGTH]);
	#client: Source;
	#epoch = 0;
	#sessionId = 0;
	#next = 0;

	constructor(sockets: LoadSockets) {
		this.#sockets = sockets;
	}

	/** Begins to relay to this port; the result is the one to send to. */
	async relay(port: number): Promise<number> {
		const to = {host: HERE, port};
		const silent: Reception = {onDatagram: () => {}, onEnd: () => {}};
		this.#stranger = await this.#sockets.open({address: HERE, to}, silent);
		for (let i = 0; i < SOURCES; i++) {
			this.#strangers.push(await this.#sockets.open({address: HERE, to}, silent));
		}
		const back = await this.#sockets.open(
			{address: HERE, to},
			{
				onDatagram: (bytes, start, end) => front.send(bytes, start, end, this.#client),
				onEnd: () => front.flush(),
			},
		);
		const front = await this.#sockets.open(
			{address: HERE},
			{
				onDatagram: (bytes, start, end, from) => {
					this.#client = from;
					this.#read(bytes, start);
					back.send(bytes, start, end);
				},
				onEnd: () => back.flush(),
			},
		);
		this.#front = front;
		this.#back = back;
		return front.port;
	}

	/** Relays what comes in within this time. */
	async serve(micros: number): Promise<void> {
		const waiting = this.#sockets.wait(micros);
		if (waiting !== undefined) await waiting;
	}

	/** Sends forged packets, and relays meanwhile. Throws when there was no packet yet to learn from. */
	async flood({rate, millis, fromPath, inits = false}: Flood): Promise<FloodResult> {
		if (inits) return this.#floodInits(rate, millis);
		const socket = fromPath ? this.#back : this.#stranger;
		if (socket === undefined || this.#next === 0) throw new Error('nothing was relayed yet');
		const before = socket.dropped;
		const begin = sharedNow();
		const pacer = new Pacer(rate, begin);
		for (let now = begin; now - begin < millis; now = sharedNow()) {
			for (let left = pacer.due(now); left > 0; left--) {
				this.#forge(socket);
				if (left % MOST_AT_ONCE === 1) socket.flush();
			}
			await this.serve(TICK_MICROS);
		}
		const sent = pacer.sent - (socket.dropped - before);
		return {sent, millis: sharedNow() - begin};
	}

	async #floodInits(rate: number, millis: number): Promise<FloodResult> {
		const head = this.#initHead;
		if (head === undefined) throw new Error('no INIT was relayed yet');
		const begin = sharedNow();
		const pacer = new Pacer(rate, begin);
		for (let now = begin; now - begin < millis; now = sharedNow()) {
			for (let left = pacer.due(now); left > 0; left--) {
				this.#inits.make(0, 0, 0, KIND.count);
				const {bytes, start, end} = this.#inits;
				bytes.set(head, start);
				const socket = this.#strangers[(pacer.sent + left) % SOURCES]!;
				socket.send(bytes, start, end);
				socket.flush();
			}
			await this.serve(TICK_MICROS);
		}
		const dropped = this.#strangers.reduce((sum, socket) => sum + socket.dropped, 0);
		return {sent: pacer.sent - dropped, millis: sharedNow() - begin};
	}

	#forge(socket: LoadSocket): void {
		this.#packets.make(0, 0, 0, KIND.count);
		const {bytes, start, end} = this.#packets;
		encodeHeader(bytes, start, this.#epoch, this.#sessionId, this.#next++);
		socket.send(bytes, start, end);
	}

	#read(bytes: Uint8Array, start: number): void {
		if (packetType(bytes, start) === PacketType.INIT) {
			this.#initHead = bytes.slice(start, start + INIT_HEAD);
		}
		if (packetType(bytes, start) !== PacketType.DATA) return;
		this.#epoch = headerEpoch(bytes, start);
		this.#sessionId = headerSessionId(bytes, start);
		this.#next = Math.max(this.#next, headerPacketNumber(bytes, start) + 1);
	}

	close(): void {
		const own = [this.#front, this.#back, this.#stranger];
		for (const socket of [...own, ...this.#strangers]) socket?.close();
	}
}
