import type {Millis} from '../../bytes/time.ts';
import {SYMBOL_SLOT} from '../../fec/symbol-memory.ts';
import type {CodedInput} from '../lane/coded/input.ts';
import type {Lanes} from '../lane/lanes.ts';
import {ReceivedPacket} from '../packets/received-packet.ts';

/** Contents whose memory is kept for the next ones. */
const MOST_COPIES = 64;

/** Reads the frames that a recovered source consisted of. */
export type SourceReader = (packet: ReceivedPacket, now: Millis) => void;

/**
 * Hands on what coded lanes recover. A recovered packet came over no path and has no number: it
 * counts for nothing but its datagrams. Their bytes stay in place until the next call.
 */
export class RecoveredPackets {
	readonly #lanes: Lanes;
	readonly #read: SourceReader;
	readonly #packet = new ReceivedPacket();
	readonly #copies: Uint8Array[] = [];
	#copied = 0;

	constructor(lanes: Lanes, read: SourceReader) {
		this.#lanes = lanes;
		this.#read = read;
	}

	/** Reads all that can be recovered by now, each lane's oldest first. */
	read(now: Millis): void {
		this.#copied = 0;
		if (this.#copies.length > MOST_COPIES) this.#copies.length = MOST_COPIES;
		for (const input of this.#lanes.inputs) this.#readLane(input, now);
	}

	#readLane(input: CodedInput, now: Millis): void {
		for (let next = input.nextRecovered(now); next >= 0; next = input.nextRecovered(now)) {
			const bytes = this.#nextCopy();
			const packet = this.#packet;
			packet.begin(bytes, 0, input.copyContent(next, bytes));
			packet.lane = input.lane;
			packet.sequence = next;
			packet.cursor.reset(bytes, 0, packet.end);
			this.#read(packet, now);
		}
	}

	/** Returns memory for a content: that of the coding may move while deliveries wait. */
	#nextCopy(): Uint8Array {
		const index = this.#copied++;
		let copy = this.#copies[index];
		if (copy === undefined) {
			copy = new Uint8Array(SYMBOL_SLOT);
			this.#copies.push(copy);
		}
		return copy;
	}
}
