import type {ParserChunk, ParserStream} from '#socksv5-parser';

/** More than any message of a handshake, so that little is copied of what comes behind it. */
const MAX_PIECE = 1024;

/** Bytes for the parser of socksv5: with the `copy` of a Buffer, nothing else of it. */
class Chunk extends Uint8Array implements ParserChunk {
	copy(target: Uint8Array, targetStart: number, start: number, end: number): number {
		target.set(this.subarray(start, end), targetStart);
		return end - start;
	}
}

/**
 * The stream that a parser reads: bytes are put in, and handed on piece by piece while the parser
 * listens. What the parser has not used it puts back. Nothing happens by itself.
 */
export class RequestStream implements ParserStream {
	#bytes: Uint8Array = new Uint8Array(0);
	#position = 0;
	#listener: ((chunk: ParserChunk) => void) | undefined;

	/** Bytes not yet read. */
	get remaining(): number {
		return this.#bytes.length - this.#position;
	}

	/** Puts bytes in; they must not change until they are used. */
	push(chunk: Uint8Array): void {
		if (this.remaining === 0) this.#bytes = chunk;
		else {
			const joined = new Uint8Array(this.remaining + chunk.length);
			joined.set(this.peek());
			joined.set(chunk, this.remaining);
			this.#bytes = joined;
		}
		this.#position = 0;
	}

	/** A view of what waits. */
	peek(): Uint8Array {
		return this.#bytes.subarray(this.#position);
	}

	/** Uses up so many bytes of what waits. */
	skip(length: number): void {
		this.#position += length;
	}

	/** The next piece for the parser, as a view. {@link deliver} hands exactly that on. */
	nextPiece(): Uint8Array {
		return this.#bytes.subarray(this.#position, this.#position + MAX_PIECE);
	}

	/** Hands the next piece to the parser. */
	deliver(): void {
		const piece = new Chunk(this.nextPiece());
		this.#position += piece.length;
		this.#listener?.(piece);
	}

	/** For the parser: it listens. */
	on(_event: 'data', listener: (chunk: ParserChunk) => void): void {
		this.#listener = listener;
	}

	/** For the parser: it listens no more. */
	removeListener(): void {
		this.#listener = undefined;
	}

	/** For the parser, which expects data to flow by itself; here they wait to be delivered. */
	resume(): void {}

	/** For the parser; see {@link resume}. */
	pause(): void {}

	/** For the parser: it puts the end of the last piece back. */
	unshift(rest: Uint8Array): void {
		this.#position -= rest.length;
	}
}
