import type {Millis} from '../core/time.ts';
import {ClientStream, type StreamRequest, type StreamTunnel} from './client-stream.ts';
import {SweptSet} from './swept-set.ts';

/** What the streams of a client are made of. */
export interface ClientStreamsInit {
	readonly tunnel: StreamTunnel;
	/** Whether applications are told of success before the server has reached their target. */
	readonly optimistic: boolean;
	/** How many there may be. */
	readonly limit: number;
}

/** All TCP connections of applications that go through the tunnel as streams. */
export class ClientStreams {
	readonly #init: ClientStreamsInit;
	readonly #streams: SweptSet<ClientStream>;

	constructor(init: ClientStreamsInit) {
		this.#init = init;
		this.#streams = new SweptSet(() => init.tunnel.now());
	}

	/** How many there are, those that were refused and are being closed included. */
	get count(): number {
		return this.#streams.size;
	}

	/** Takes a connection over. */
	open(request: StreamRequest): void {
		const {tunnel, optimistic, limit} = this.#init;
		// The refused ones stay for a moment to hear why, and may not be without a limit either.
		if (this.count >= 2 * limit) {
			request.socket.destroy();
			return;
		}
		const full = this.count >= limit;
		const closed = (stream: ClientStream) => this.#streams.delete(stream);
		this.#streams.add(new ClientStream({...request, tunnel, optimistic, full, closed}));
	}

	/** Lets time pass for all of them; harmless when early. */
	handleTimeout(now: Millis): void {
		this.#streams.handleTimeout(now);
	}

	/** Ends all of them at once. */
	close(): void {
		for (const stream of this.#streams.take()) stream.abort();
	}
}
