/** The slow twin of `Reassembly` for honest senders: wholes as a map of arrays, kept for ever. */
export class ArrayReassembly {
	readonly #wholes = new Map<number, (Uint8Array | undefined)[]>();

	add(
		packetNumber: number,
		index: number,
		count: number,
		piece: Uint8Array,
	): Uint8Array | undefined {
		const first = packetNumber - index;
		const pieces = this.#wholes.get(first) ?? Array.from({length: count}, () => undefined);
		pieces[index] = piece;
		this.#wholes.set(first, pieces);
		const present = pieces.flatMap((part) => (part === undefined ? [] : [part]));
		if (present.length < count) return undefined;
		this.#wholes.delete(first);
		return Uint8Array.from(present.flatMap((part) => [...part]));
	}
}
