import type {Millis} from '../../bytes/time.ts';
import type {Account} from '../../core/budget.ts';
import {SweptSet} from '../swept-set.ts';
import {ClientStream, type StreamRequest, type StreamTunnel} from './client-stream.ts';

/** Connections that get a refusal at once; more are closed without a reply. */
const MOST_REFUSED = 128;

/** Parts of a client's streams. */
export interface ClientStreamsInit {
	readonly tunnel: StreamTunnel;
	/** True when applications get success before the server has reached their target. */
	readonly optimistic: boolean;
	/** Accounts that each stream takes one of, if its shares are not given with it. */
	readonly shares: readonly Account[];
}

/** All TCP connections of applications that go through the tunnel as streams. */
export class ClientStreams {
	readonly #init: ClientStreamsInit;
	readonly #streams: SweptSet<ClientStream>;
	/** Those of them that were refused for want of a descriptor. */
	#refused = 0;

	constructor(init: ClientStreamsInit) {
		this.#init = init;
		this.#streams = new SweptSet(() => init.tunnel.now());
	}

	/** Streams that exist, those included that were refused and are being closed. */
	get count(): number {
		return this.#streams.size;
	}

	/** Takes a connection over. @param shares what it takes one of each of as long as it is there */
	open(request: StreamRequest, shares: readonly Account[] = this.#init.shares): void {
		const {tunnel, optimistic} = this.#init;
		const full = shares.some((share) => !share.hasRoom(1));
		// The refused ones stay for a moment to get their reply, and need a limit, too.
		if (full && this.#refused >= MOST_REFUSED) {
			request.socket.destroy();
			return;
		}
		if (full) this.#refused++;
		const closed = (stream: ClientStream) => {
			this.#streams.delete(stream);
			if (full) this.#refused--;
			for (const share of shares) share.give(1);
		};
		for (const share of shares) share.add(1);
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
