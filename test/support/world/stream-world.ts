import type {Millis} from '../../../src/bytes/time.ts';
import type {StreamOwner, TunnelStream} from '../../../src/core/tunnel-stream.ts';
import {TunnelWorld} from './tunnel-world.ts';
import type {WorldOptions} from './world-options.ts';

/** The byte at an offset of every stream that a test sends. */
function byteAt(offset: number): number {
	return (offset * 31 + (offset >>> 8) * 7 + (offset >>> 16)) & 0xff;
}

const CHUNK = 16_384;
const BOUND = Uint8Array.of(1, 192, 0, 2, 1, 4, 210);

/** One end of a stream: sends so many bytes, checks and counts what comes. */
export class Talker implements StreamOwner {
	readonly stream: TunnelStream;
	sent = 0;
	received = 0;
	/** When the first and the last byte came, and the end. */
	firstAt: Millis = Number.NaN;
	lastAt: Millis = Number.NaN;
	longestGap: Millis = 0;
	finishedAt: Millis = Number.NaN;
	acceptedAt: Millis = Number.NaN;
	closedAt: Millis = Number.NaN;
	/** False = bytes are left where they are. */
	reading = true;
	onReceived: (() => void) | undefined;
	readonly #world: StreamWorld;
	#toSend: number;
	#ended = false;
	#endWhenSent: boolean;

	constructor(world: StreamWorld, stream: TunnelStream, toSend: number, end = true) {
		this.#world = world;
		this.stream = stream;
		this.#toSend = toSend;
		this.#endWhenSent = end;
		stream.owner = this;
		this.#write();
	}

	/** Sends so many bytes more. */
	send(bytes: number): void {
		this.#toSend += bytes;
		this.#write();
	}

	/** Ends its direction once everything was sent. */
	end(): void {
		this.#endWhenSent = true;
		this.#write();
	}

	streamChanged(): void {
		const {stream} = this;
		const {now} = this.#world;
		if (stream.state === 'open' && Number.isNaN(this.acceptedAt)) this.acceptedAt = now;
		if (this.reading) this.#read(now);
		if (stream.finished && Number.isNaN(this.finishedAt)) this.finishedAt = now;
		if (stream.state === 'closed' && Number.isNaN(this.closedAt)) this.closedAt = now;
		this.#write();
	}

	#read(now: Millis): void {
		for (let bytes = this.stream.read(); bytes !== undefined; bytes = this.stream.read()) {
			for (let i = 0; i < bytes.length; i++) {
				if (bytes[i] === byteAt(this.received + i)) continue;
				this.#world.faults.push(`wrong byte at ${this.received + i}`);
				break;
			}
			this.received += bytes.length;
			if (Number.isNaN(this.firstAt)) this.firstAt = now;
			else this.longestGap = Math.max(this.longestGap, now - this.lastAt);
			this.lastAt = now;
			this.stream.consumed(bytes.length);
			this.onReceived?.();
		}
	}

	#write(): void {
		while (this.sent < this.#toSend && this.stream.writable) {
			const bytes = new Uint8Array(Math.min(CHUNK, this.#toSend - this.sent));
			for (let i = 0; i < bytes.length; i++) bytes[i] = byteAt(this.sent + i);
			this.sent += bytes.length;
			this.stream.write(bytes);
		}
		if (this.sent === this.#toSend && this.#endWhenSent && !this.#ended) {
			this.#ended = true;
			this.stream.end();
		}
	}
}

/** What the server does with a new stream; the port of its target says which one it is. */
export type Service = (stream: TunnelStream, port: number, world: StreamWorld) => void;

/** A tunnel world whose applications use streams. */
export class StreamWorld extends TunnelWorld {
	constructor(options: WorldOptions, service: Service) {
		super({
			...options,
			accept: (stream, end) => {
				if (end === 'client') return;
				const {target} = stream;
				service(stream, target[target.length - 2]! * 256 + target[target.length - 1]!, this);
			},
		});
	}

	/** Opens a stream to a port and sends so many bytes. */
	open(port: number, toSend: number, end = true): Talker {
		const talker = this.tryOpen(port, toSend, end);
		if (talker === undefined) throw new Error('the client opens no streams');
		return talker;
	}

	/** The same; undefined when the client opens none, as when it has been closed. */
	tryOpen(port: number, toSend: number, end: boolean): Talker | undefined {
		const target = Uint8Array.of(1, 198, 18, 0, 1, port >> 8, port & 255);
		let talker: Talker | undefined;
		this.poke('client', () => {
			const stream = this.client!.openStream(target, this.now);
			if (stream === undefined) return;
			talker = new Talker(this, stream, toSend, end);
			this.client!.pumpStreams(this.now);
		});
		return talker;
	}

	/** Does something with streams at an end, and sends what follows from it. */
	act(end: 'client' | 'server', run: () => void): void {
		this.poke(end, () => {
			run();
			this[end]!.pumpStreams(this.now);
		});
	}
}

/** Accepts every stream and sends so many bytes into it, by its port. */
export function serve(bytes: (port: number) => number, talkers: Talker[] = []): Service {
	return (stream, port, world) => {
		stream.accept(BOUND);
		talkers.push(new Talker(world, stream, bytes(port)));
	};
}
