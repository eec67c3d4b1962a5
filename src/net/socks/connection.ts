import type {Socket} from 'node:net';
import type {Millis} from '../../bytes/time.ts';
import {
	Negotiation,
	type NegotiationEnd,
	type NegotiationOptions,
	type SocksRequest,
} from '../../socks/negotiation.ts';
import {encodeReply, ReplyCode} from '../../socks/reply.ts';
import {canonicalAddress} from '../../text/ip.ts';
import type {SocksRelay} from './relay.ts';

/** After a refusal the connection is closed for good within this (RFC 1928, 6: at most 10 s). */
const CLOSING: Millis = 10_000;
/** Bytes without a meaning that are read and forgotten between two looks at the clock. */
const DRAIN_LIMIT = 64 * 1024;

type ConnectRequest = Extract<SocksRequest, {command: 'connect'}>;

/** The parts of the listener that a connection uses. */
export interface SocksConnectionOwner {
	readonly negotiation: NegotiationOptions;
	now(): Millis;
	/** Answers UDP ASSOCIATE: the reply, with the association when it is made. */
	associate(
		connection: SocksConnection,
		request: SocksRequest,
	): {readonly reply: Uint8Array; readonly relay: SocksRelay | undefined};
	/** The handshake is over: `end` = without a request, or with one that is not served. */
	negotiated(connection: SocksConnection, end: NegotiationEnd | 'bind' | undefined): void;
	/** Answers CONNECT, and has the connection's socket from now on. */
	connect(connection: SocksConnection, socket: Socket, request: ConnectRequest): void;
	/** Its association has ended. */
	released(relay: SocksRelay): void;
	closed(connection: SocksConnection): void;
}

/**
 * One TCP connection of a SOCKS client, from its handshake to the end of its association or to
 * CONNECT, which hands the socket over.
 */
export class SocksConnection {
	/** The remote end as the system writes it. */
	readonly peer: {readonly address: string; readonly port: number};
	/** The same in the one form by which addresses are compared. */
	readonly host: string;
	/** The address that the client reached. */
	readonly localAddress: string;
	readonly localPort: number;
	#relay: SocksRelay | undefined;
	readonly #socket: Socket;
	readonly #owner: SocksConnectionOwner;
	readonly #negotiation: Negotiation;
	/** Time at which it is destroyed, once it is closing. */
	#deadline: Millis = Number.POSITIVE_INFINITY;
	#drained = 0;
	#closing = false;

	constructor(socket: Socket, owner: SocksConnectionOwner) {
		this.#socket = socket;
		this.#owner = owner;
		this.#negotiation = new Negotiation(owner.negotiation, owner.now());
		// Once a client is gone, the system no longer gives its address.
		this.peer = {address: socket.remoteAddress ?? '', port: socket.remotePort ?? 0};
		this.host = canonicalAddress(this.peer.address) ?? this.peer.address;
		this.localAddress = socket.localAddress ?? '';
		this.localPort = socket.localPort ?? 0;
		socket.on('data', this.#receive);
		socket.on('end', this.#end);
		// The system closes the connection after every error, and that is all there is to do.
		socket.on('error', () => {});
		socket.on('close', this.#closed);
	}

	/** True until the handshake is over. */
	get negotiating(): boolean {
		return !this.#closing && !this.#negotiation.done;
	}

	/** True while it has an association. */
	get associated(): boolean {
		return this.#relay !== undefined;
	}

	/**
	 * Lets time pass: slow handshakes, connections that do not close, associations without traffic.
	 */
	handleTimeout(now: Millis): void {
		this.#drained = 0;
		if (this.#socket.isPaused()) this.#socket.resume();
		if (now >= this.#deadline) {
			this.destroy();
			return;
		}
		if (this.negotiating) {
			this.#negotiation.handleTimeout(now);
			this.#proceed();
		}
		if (this.#relay?.handleTimeout(now) === true) this.close();
	}

	/** Closes it once everything written has gone out; its association ends at once. */
	close(): void {
		if (this.#closing) return;
		this.#closing = true;
		this.#release();
		this.#deadline = this.#owner.now() + CLOSING;
		this.#socket.end();
	}

	/** Closes it at once. */
	destroy(): void {
		this.#socket.destroy();
	}

	readonly #end = (): void => this.close();

	readonly #closed = (): void => {
		this.#release();
		this.#owner.closed(this);
	};

	readonly #receive = (bytes: Uint8Array): void => {
		if (this.negotiating) {
			this.#negotiation.feed(bytes, this.#owner.now());
			this.#proceed();
			return;
		}
		// Some clients send more; it has no meaning, but the connection has to stay open.
		this.#drained += bytes.length;
		if (this.#drained >= DRAIN_LIMIT) this.#socket.pause();
	};

	#release(): void {
		const relay = this.#relay;
		this.#relay = undefined;
		if (relay !== undefined) this.#owner.released(relay);
	}

	#proceed(): void {
		let output = this.#negotiation.poll();
		for (; output !== undefined; output = this.#negotiation.poll()) {
			if (output.kind === 'reply') this.#socket.write(output.bytes);
			else if (output.kind === 'request') this.#serve(output.request);
			else {
				this.#owner.negotiated(this, output.reason);
				this.close();
			}
		}
	}

	#serve(request: SocksRequest): void {
		if (request.command === 'connect') {
			this.#handOver(request);
			return;
		}
		if (request.command === 'bind') {
			this.#owner.negotiated(this, 'bind');
			this.#socket.write(encodeReply(ReplyCode.COMMAND_NOT_SUPPORTED));
			this.close();
			return;
		}
		this.#owner.negotiated(this, undefined);
		const {reply, relay} = this.#owner.associate(this, request);
		this.#socket.write(reply);
		this.#relay = relay;
		if (relay === undefined) this.close();
	}

	#handOver(request: ConnectRequest): void {
		const socket = this.#socket;
		socket.off('data', this.#receive);
		socket.off('end', this.#end);
		socket.off('close', this.#closed);
		this.#owner.negotiated(this, undefined);
		this.#owner.connect(this, socket, request);
	}
}
