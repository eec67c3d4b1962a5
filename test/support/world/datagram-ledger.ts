/** The end at which a datagram came out. */
export type End = 'client' | 'server';

/** Shorter datagrams cannot carry who sent them and which one they are. */
export const LEDGER_HEADER = 7;

const TINY_FILL = 0xa5;

/**
 * Makes the datagrams of a world and knows them again when they come out: application 1, sequence
 * 4, 2 spare bytes, and a pattern. Those shorter than that are only counted by length.
 */
export class DatagramLedger {
	readonly #sentAt: number[] = [];
	readonly #sizes: number[] = [];
	readonly #seen: Record<End, Set<number>> = {server: new Set(), client: new Set()};
	readonly #tinySent = new Map<number, number>();
	readonly #tinyGot: Record<End, Map<number, number>> = {server: new Map(), client: new Map()};

	/** How many datagrams were made, tiny ones aside. */
	get sent(): number {
		return this.#sentAt.length;
	}

	/** When a datagram was made. */
	sentAt(sequence: number): number | undefined {
		return this.#sentAt[sequence];
	}

	/** Whether a datagram came out at that end. */
	seen(end: End, sequence: number): boolean {
		return this.#seen[end].has(sequence);
	}

	/** Makes the next datagram, of at least LEDGER_HEADER bytes; its sequence is `sent` before. */
	make(application: number, size: number, now: number): Uint8Array {
		const sequence = this.#sentAt.length;
		const bytes = new Uint8Array(Math.max(LEDGER_HEADER, size));
		this.#sentAt.push(now);
		this.#sizes.push(bytes.length);
		for (let i = LEDGER_HEADER; i < bytes.length; i++) bytes[i] = (sequence + i) & 0xff;
		bytes[0] = application;
		new DataView(bytes.buffer).setUint32(1, sequence);
		return bytes;
	}

	/** Makes a datagram of fewer than LEDGER_HEADER bytes, which may be empty. */
	makeTiny(application: number, size: number): Uint8Array {
		this.#tinySent.set(size, (this.#tinySent.get(size) ?? 0) + 1);
		const bytes = new Uint8Array(size).fill(TINY_FILL);
		if (size > 0) bytes[0] = application;
		return bytes;
	}

	/** Takes a datagram that came out; returns its sequence (-1 for a tiny one) and tells of faults. */
	arrived(end: End, bytes: Uint8Array, faults: string[]): number {
		if (bytes.length < LEDGER_HEADER) {
			this.#arrivedTiny(end, bytes, faults);
			return -1;
		}
		const sequence = new DataView(bytes.buffer, bytes.byteOffset).getUint32(1);
		if (bytes.length !== this.#sizes[sequence]) {
			faults.push(`${end} got a datagram that nobody sent`);
			return sequence;
		}
		if (this.#seen[end].has(sequence)) faults.push(`${end} got datagram ${sequence} twice`);
		this.#seen[end].add(sequence);
		for (let i = LEDGER_HEADER; i < bytes.length; i++) {
			if (bytes[i] === ((sequence + i) & 0xff)) continue;
			faults.push(`${end} got datagram ${sequence} damaged`);
			break;
		}
		return sequence;
	}

	#arrivedTiny(end: End, bytes: Uint8Array, faults: string[]): void {
		const size = bytes.length;
		const got = (this.#tinyGot[end].get(size) ?? 0) + 1;
		this.#tinyGot[end].set(size, got);
		if (got > (this.#tinySent.get(size) ?? 0)) {
			faults.push(`${end} got a datagram of ${size} bytes too often`);
		}
		if (bytes.subarray(1).some((byte) => byte !== TINY_FILL)) {
			faults.push(`${end} got a datagram of ${size} bytes damaged`);
		}
	}
}
