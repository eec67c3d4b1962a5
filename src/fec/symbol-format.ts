/**
 * Layout of a symbol: a head, which lets a recovered symbol be checked, then the content of its
 * source.
 */
export interface SymbolFormat {
	/** Bytes of a head. */
	readonly headLength: number;
	/** Writes the head of a symbol whose content is bytes[start + headLength, end). */
	writeHead(sequence: number, bytes: Uint8Array, start: number, end: number): void;
	/**
	 * Returns the end of the content of the symbol bytes[start, end), without its padding. -1: the
	 * symbol does not agree with its head, or is padded with other bytes than zeros.
	 */
	contentEnd(sequence: number, bytes: Uint8Array, start: number, end: number): number;
}
