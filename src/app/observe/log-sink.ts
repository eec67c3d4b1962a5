/** Bytes that may wait for the reader of a log. */
const WAITING_BYTES = 1024 * 1024;

/** Called with the number of dropped writes, when the reader reads again. */
export type DropListener = (dropped: number) => void;

/**
 * Writes whole lines to a stream such as process.stderr. What a reader that stands still does not
 * take waits, up to a limit; beyond it lines are dropped and counted until everything that waits
 * has gone out. A reader that has gone away (EPIPE, which Node reports as an event) silences the
 * log, it does not end the program.
 */
export class LogSink {
	readonly #stream: NodeJS.WritableStream & {readonly writableLength: number};
	#dropped = 0;
	/** Called instead of writing a plain line. */
	onDropped: DropListener = (dropped) => this.write(`${dropped} lines dropped\n`);

	constructor(stream: NodeJS.WritableStream & {readonly writableLength: number}) {
		this.#stream = stream;
		stream.on('error', () => {});
		stream.on('drain', () => this.#flowsAgain());
	}

	/** Takes one whole line or more; never throws. */
	readonly write = (text: string): void => {
		const waiting = this.#stream.writableLength;
		const full = waiting > 0 && waiting + text.length > WAITING_BYTES;
		if (this.#dropped > 0 || full) this.#dropped++;
		else this.#stream.write(text);
	};

	#flowsAgain(): void {
		const dropped = this.#dropped;
		this.#dropped = 0;
		if (dropped > 0) this.onDropped(dropped);
	}
}
