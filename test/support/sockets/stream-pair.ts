import type {StreamOwner, TunnelStream} from '../../../src/core/tunnel-stream.ts';

/** What a pair of streams can be told. */
export interface StreamPairOptions {
	/** Bytes that an end keeps before it wants no more. */
	readonly buffer?: number;
	/** Bytes that may be on their way or unread at the other end. */
	readonly window?: number;
}

const NOTHING = new Uint8Array(0);

/** One end of a pair. */
export class MemoryStream implements TunnelStream {
	readonly id = 1;
	readonly user: string;
	readonly target: Uint8Array;
	owner: StreamOwner | undefined;
	state: 'opening' | 'open' | 'closed' = 'opening';
	bound: Uint8Array = NOTHING;
	rejection = 0;
	resetCode: number | undefined;
	stopped = false;
	/** Bytes that this end got from its user, and that its user has consumed, in all. */
	written = 0;
	used = 0;
	/** The most bytes that were not consumed at once. */
	worst = 0;
	peer!: MemoryStream;
	/** While true nothing that was written moves. */
	held = false;
	readonly #options: Required<StreamPairOptions>;
	readonly #outbox: Uint8Array[] = [];
	#waiting = 0;
	readonly #inbox: Uint8Array[] = [];
	#unconsumed = 0;
	#ended = false;
	#peerEnded = false;
	#news = false;

	constructor(target: Uint8Array, user: string, options: Required<StreamPairOptions>) {
		this.target = target;
		this.user = user;
		this.#options = options;
	}

	write(bytes: Uint8Array): boolean {
		if (this.state === 'closed') return false;
		if (this.stopped) return false;
		if (this.#ended) throw new Error('a write after the end');
		if (bytes.length === 0) throw new Error('a write of nothing');
		this.#outbox.push(bytes);
		this.#waiting += bytes.length;
		this.written += bytes.length;
		return this.writable;
	}

	get writable(): boolean {
		return this.state !== 'closed' && !this.#ended && this.#waiting < this.#options.buffer;
	}

	end(): void {
		if (this.stopped) return;
		if (this.#ended) throw new Error('ended twice');
		this.#ended = true;
	}

	stop(): void {
		if (this.state === 'closed' || this.finished || this.peer.stopped) return;
		this.#inbox.length = 0;
		this.#unconsumed = 0;
		this.#peerEnded = true;
		const {peer} = this;
		peer.stopped = true;
		peer.#ended = true;
		peer.#outbox.length = 0;
		peer.#waiting = 0;
		peer.#news = true;
	}

	reset(code: number): void {
		if (this.state === 'closed') return;
		this.state = 'closed';
		this.peer.resetBy(code);
	}

	accept(bound: Uint8Array): void {
		this.state = 'open';
		this.peer.bound = bound;
		this.peer.state = 'open';
		this.peer.#news = true;
	}

	reject(code: number): void {
		this.state = 'closed';
		this.peer.rejection = code;
		this.peer.state = 'closed';
		this.peer.#news = true;
	}

	read(): Uint8Array | undefined {
		return this.#inbox.shift();
	}

	consumed(count: number): void {
		if (this.peer.stopped) return;
		if (count > this.#unconsumed) throw new Error('more consumed than read');
		this.#unconsumed -= count;
		this.used += count;
	}

	get finished(): boolean {
		return this.#peerEnded && this.#inbox.length === 0;
	}

	/** The other end, or the tunnel between them, resets this one. */
	resetBy(code: number): void {
		if (this.state === 'closed') return;
		this.state = 'closed';
		this.resetCode = code;
		this.#news = true;
	}

	/** Carries what may be carried to the other end. */
	transfer(): void {
		if (this.held) return;
		const {peer} = this;
		const wasFull = !this.writable;
		while (this.#outbox.length > 0 && peer.state !== 'closed') {
			const room = this.#options.window - peer.#unconsumed;
			const [first = NOTHING, ...rest] = this.#outbox;
			if (room <= 0) break;
			const moved = first.slice(0, room);
			this.#outbox.splice(0, 1 + rest.length, ...splitOff(first, room), ...rest);
			this.#waiting -= moved.length;
			peer.#inbox.push(moved);
			peer.#unconsumed += moved.length;
			peer.worst = Math.max(peer.worst, peer.#unconsumed);
			peer.#news = true;
		}
		if (this.#ended && this.#outbox.length === 0 && !peer.#peerEnded) {
			peer.#peerEnded = true;
			peer.#news = true;
		}
		if (wasFull && this.writable) this.#news = true;
		if (this.#ended && this.#outbox.length === 0 && this.finished) this.state = 'closed';
	}

	/** Tells the user, if there is something to tell. */
	tell(): boolean {
		const {owner} = this;
		if (!this.#news || owner === undefined) return false;
		this.#news = false;
		owner.streamChanged();
		return true;
	}
}

function splitOff(bytes: Uint8Array, at: number): Uint8Array[] {
	return bytes.length > at ? [bytes.subarray(at)] : [];
}

/** Both ends of a stream over a tunnel that loses and delays nothing. */
export class StreamPair {
	readonly client: MemoryStream;
	readonly server: MemoryStream;
	#busy = false;

	constructor(
		target: Uint8Array = Uint8Array.of(1, 127, 0, 0, 1, 0, 80),
		options: StreamPairOptions = {},
	) {
		const all = {buffer: 64 * 1024, window: 256 * 1024, ...options};
		this.client = new MemoryStream(target, '', all);
		this.server = new MemoryStream(target, 'alice', all);
		this.client.peer = this.server;
		this.server.peer = this.client;
	}

	/** What users call after they did something with an end. */
	readonly changed = (): void => {
		// As in a tunnel, what a user does when it is told waits its turn.
		if (this.#busy) return;
		this.#busy = true;
		let told = true;
		while (told) {
			this.client.transfer();
			this.server.transfer();
			told = this.client.tell();
			told = this.server.tell() || told;
		}
		this.#busy = false;
	};
}
