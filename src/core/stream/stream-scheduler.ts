import type {Stream} from './stream.ts';

/** Packets that a stream may fill before the next one has its turn. */
const QUANTUM = 16;
/** Streams of which the bytes that wait are added up. */
const COUNTED = 32;

/**
 * Order of streams in packets: those with a frame that has to be sent first, then young streams,
 * then the others in turn.
 */
export class StreamScheduler {
	readonly #urgent: Stream[] = [];
	readonly #others: Stream[] = [];
	#turns = 0;

	/** Adds a stream that may have something to send. */
	add(stream: Stream): void {
		if (stream.queued || !stream.hasWork) return;
		stream.queued = true;
		(this.#isUrgent(stream) ? this.#urgent : this.#others).push(stream);
	}

	#isUrgent(stream: Stream): boolean {
		return stream.pending !== 0 || stream.urgent;
	}

	/** Returns the stream whose turn it is; it stays in its place. */
	next(): Stream | undefined {
		return this.#drop(this.#urgent) ?? this.#drop(this.#others);
	}

	/** Bytes that the first streams of those that wait may send now. */
	get backlog(): number {
		let bytes = 0;
		for (let i = 0; i < Math.min(COUNTED, this.#urgent.length); i++) {
			bytes += this.#urgent[i]!.backlog;
		}
		for (let i = 0; i < Math.min(COUNTED, this.#others.length); i++) {
			bytes += this.#others[i]!.backlog;
		}
		return bytes;
	}

	#drop(list: Stream[]): Stream | undefined {
		for (let stream = list[0]; stream !== undefined; stream = list[0]) {
			if (stream.hasWork) return stream;
			stream.queued = false;
			list.shift();
		}
		return undefined;
	}

	/** Notes that a packet took something of the stream whose turn it was. */
	served(stream: Stream): void {
		const list = this.#urgent[0] === stream ? this.#urgent : this.#others;
		if (list[0] !== stream) return;
		this.#turns++;
		const old = list === this.#urgent && !this.#isUrgent(stream);
		if (list === this.#others && this.#turns < QUANTUM && stream.hasWork) return;
		this.#turns = 0;
		list.shift();
		stream.queued = false;
		if (stream.hasWork) {
			stream.queued = true;
			(old ? this.#others : list).push(stream);
		}
	}
}
