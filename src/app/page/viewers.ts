/** Most viewers at the same time. */
const VIEWERS = 8;

/** Bytes that may wait for one viewer; the past of all paths is less than half of it. */
const BACKLOG_LIMIT = 8 * 1024 * 1024;

/** The connection of a viewer. */
export interface ViewerSink {
	/** Bytes that it has not taken yet. */
	readonly backlog: number;
	write(text: string): void;
	/** Ends the connection at once. */
	drop(): void;
}

/** The viewers of a page: each gets the same texts; one that does not read is dropped. */
export class Viewers {
	readonly #sinks = new Set<ViewerSink>();

	get size(): number {
		return this.#sinks.size;
	}

	/** True while no further viewer can be added. */
	get full(): boolean {
		return this.#sinks.size >= VIEWERS;
	}

	/** Adds a viewer; false: there are too many. */
	add(sink: ViewerSink): boolean {
		if (this.full) return false;
		this.#sinks.add(sink);
		return true;
	}

	/** Forgets a viewer whose connection has ended. */
	remove(sink: ViewerSink): void {
		this.#sinks.delete(sink);
	}

	/** Writes to every viewer; those that would have too much to take are dropped. */
	send(text: string): void {
		for (const sink of this.#sinks) {
			if (sink.backlog + text.length > BACKLOG_LIMIT) this.#drop(sink);
			else sink.write(text);
		}
	}

	/** Drops all of them. */
	close(): void {
		for (const sink of this.#sinks) this.#drop(sink);
	}

	#drop(sink: ViewerSink): void {
		this.#sinks.delete(sink);
		sink.drop();
	}
}

/** An event of a stream of server-sent events (WHATWG HTML, 9.2); `data` has no line feeds. */
export function serverSentEvent(name: string, data: string): string {
	return `event: ${name}\ndata: ${data}\n\n`;
}
