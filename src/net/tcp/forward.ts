import type {Account} from '../../core/budget.ts';
import type {Reporter} from '../reporter.ts';
import type {StreamAnswers} from './client-stream.ts';
import type {ClientStreams} from './client-streams.ts';
import {TcpListener} from './listener.ts';

/** Addresses that a forward listens on, and its target. */
export interface TcpForwardPlace {
	/** An IP literal, or `localhost` for both loopback addresses; port 0 = any. */
	readonly host: string;
	readonly port: number;
	/** Encoded as on the wire. */
	readonly target: Uint8Array;
}

// The tunnel is transparent here: the application gets what the target itself would send.
const ANSWERS: StreamAnswers = {opened: () => undefined, refused: () => undefined};

/** A TCP port whose connections all go to one target through the tunnel. */
export class TcpForward {
	/** Target of new connections, encoded as on the wire. */
	target: Uint8Array;
	readonly #listener: TcpListener;

	/** @param shares see ClientStreams.open */
	constructor(
		{host, port, target}: TcpForwardPlace,
		streams: ClientStreams,
		reporter: Reporter,
		shares?: readonly Account[],
	) {
		const early = new Uint8Array(0);
		this.target = target;
		this.#listener = new TcpListener({
			host,
			port,
			purpose: 'a forward',
			reporter,
			accepted: (socket) => {
				streams.open({socket, target: this.target, early, answers: ANSWERS}, shares);
			},
		});
	}

	/** Addresses it listens on, as `host:port`. */
	get addresses(): readonly string[] {
		return this.#listener.addresses;
	}

	/** Opens it; rejects with a SocketError when it cannot. */
	open(): Promise<void> {
		return this.#listener.open();
	}

	/** Closes it; its connections are closed with the streams. */
	close(): Promise<void> {
		return this.#listener.close();
	}
}
