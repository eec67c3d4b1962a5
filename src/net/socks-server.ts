import {once} from 'node:events';
import {createServer, type Server, type Socket} from 'node:net';
import type {Millis} from '../core/time.ts';
import type {Delivery} from '../core/transmit.ts';
import {canonicalText} from '../socks/address.ts';
import type {NegotiationEnd, NegotiationOptions, SocksRequest} from '../socks/negotiation.ts';
import {encodeReply, ReplyCode} from '../socks/reply.ts';
import {formatAddress} from './ip.ts';
import type {Reporter} from './reporter.ts';
import {SocksConnection, type SocksConnectionOwner} from './socks-connection.ts';
import type {SocksRelay, SocksTunnel} from './socks-relay.ts';
import {type SocksRelaySettings, SocksRelays} from './socks-relays.ts';
import {passwordCheck, type SocksUser} from './socks-users.ts';
import {SocketError, type UdpBackEnd} from './udp.ts';

const SWEEP_INTERVAL: Millis = 1000;
const REPORT_INTERVAL: Millis = 60_000;
const KEEP_ALIVE: Millis = 60_000;

/** How many of everything there may be. */
export interface SocksLimits {
	/** Connections without an association. */
	readonly connections: number;
	/** Handshakes and associations of one address, unless it is a loopback one. */
	readonly perAddress: number;
	readonly associations: number;
}

/** The limits of a listener that has all the descriptors it needs. */
export const SOCKS_LIMITS: SocksLimits = {connections: 1024, perAddress: 64, associations: 4096};

/** How a SOCKS listener is set up. */
export interface SocksServerSettings extends SocksRelaySettings {
	readonly listen: {readonly host: string; readonly port: number};
	/** Whoever may use it; nobody = everybody may. */
	readonly users: readonly SocksUser[];
	readonly authReply: 1 | 5;
	/** The address that clients are told to send to; undefined = the one they reached. */
	readonly advertise: string | undefined;
}

/** What a SOCKS listener is made of. */
export interface SocksServerInit {
	readonly settings: SocksServerSettings;
	/** The endpoint's number of the listener. */
	readonly listener: number;
	readonly limits: SocksLimits;
	readonly backEnd: UdpBackEnd;
	readonly tunnel: SocksTunnel;
	readonly reporter: Reporter;
}

/** The SOCKS5 listener: TCP connections, and the UDP associations that they make. */
export class SocksServer implements SocksConnectionOwner {
	readonly negotiation: NegotiationOptions;
	readonly #init: SocksServerInit;
	readonly #server: Server;
	readonly #relays: SocksRelays;
	readonly #connections = new Set<SocksConnection>();
	#timer: NodeJS.Timeout | undefined;
	#address = '';

	constructor(init: SocksServerInit) {
		this.#init = init;
		const {settings, listener, backEnd, tunnel} = init;
		const {users, authReply} = settings;
		this.negotiation = {verify: passwordCheck(users), authReplyVersion: authReply};
		const {udpPort, udpAnyPort, filter} = settings;
		this.#relays = new SocksRelays({udpPort, udpAnyPort, filter, listener, backEnd, tunnel});
		this.#server = createServer(
			{
				allowHalfOpen: true,
				noDelay: true,
				keepAlive: true,
				keepAliveInitialDelay: KEEP_ALIVE,
			},
			(socket) => this.#accept(socket),
		);
	}

	/** Where it listens, as `host:port`. */
	get address(): string {
		return this.#address;
	}

	/** How many connections there are, and how many of them have an association. */
	get connections(): number {
		return this.#connections.size;
	}
	get associations(): number {
		return this.#relays.count;
	}

	/** Datagrams dropped, by reason. */
	get drops(): Readonly<Record<string, number>> {
		return this.#relays.drops;
	}

	/** Opens it; rejects with a SocketError when it cannot. */
	async open(): Promise<void> {
		const {host, port} = this.#init.settings.listen;
		try {
			this.#server.listen({host, port, exclusive: true, ipv6Only: false});
			await once(this.#server, 'listening');
		} catch (error) {
			const code = error instanceof Error && 'code' in error ? String(error.code) : 'UNKNOWN';
			const reason = code === 'EADDRINUSE' ? 'the port is in use' : code;
			throw new SocketError(
				code,
				`cannot open TCP ${formatAddress(host, port)} for SOCKS5: ${reason}`,
			);
		}
		const bound = this.#server.address();
		if (bound !== null && typeof bound === 'object') {
			this.#address = formatAddress(bound.address, bound.port);
		}
		this.#server.on('error', ({message}) => {
			const limited = this.#init.reporter.limited('SOCKS5 listener', REPORT_INTERVAL);
			limited.warn('SOCKS5: the listener failed', {reason: message});
		});
		if (host !== '0.0.0.0' && host !== '::') this.#relays.openFixed(host);
	}

	/** Sends a datagram that came out of the tunnel on to its application. */
	deliver(delivery: Delivery): void {
		this.#relays.deliver(delivery);
	}

	/** Lets time pass for all connections; harmless when early. */
	handleTimeout(now: Millis): void {
		for (const connection of this.#connections) connection.handleTimeout(now);
	}

	/** Closes everything at once; may be called again. */
	async close(): Promise<void> {
		clearInterval(this.#timer);
		this.#timer = undefined;
		const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
		for (const connection of this.#connections) connection.destroy();
		await Promise.all([closed, this.#relays.closeAll()]);
	}

	#accept(socket: Socket): void {
		const connection = new SocksConnection(socket, this);
		const {host, localAddress} = connection;
		const limit = this.#limitOf(host);
		if (limit !== undefined || host === '' || localAddress === '') {
			if (limit !== undefined) this.#report('SOCKS5: too many connections', connection, limit);
			connection.destroy();
			return;
		}
		this.#connections.add(connection);
		this.#timer ??= setInterval(() => {
			this.handleTimeout(this.now());
			if (this.#connections.size > 0) return;
			clearInterval(this.#timer);
			this.#timer = undefined;
		}, SWEEP_INTERVAL);
	}

	#limitOf(host: string): string | undefined {
		const {connections, perAddress} = this.#init.limits;
		if (this.#connections.size - this.#relays.count >= connections) return 'of all clients';
		const handshakes = this.#count(host, ({negotiating}) => negotiating);
		return handshakes >= perAddress ? 'of this address' : undefined;
	}

	/** How many connections of an address are like that; 0 on loopback, which has no limit. */
	#count(host: string, test: (connection: SocksConnection) => boolean): number {
		if (isLoopback(host)) return 0;
		let count = 0;
		for (const connection of this.#connections) {
			if (connection.host === host && test(connection)) count++;
		}
		return count;
	}

	now(): Millis {
		return this.#init.tunnel.now();
	}

	negotiated(
		connection: SocksConnection,
		end: NegotiationEnd | 'connect' | 'bind' | undefined,
	): void {
		if (end !== undefined)
			this.#report(REFUSALS[end] ?? 'SOCKS5: handshake failed', connection, end);
	}

	associate(
		connection: SocksConnection,
		request: SocksRequest,
	): {readonly reply: Uint8Array; readonly relay: SocksRelay | undefined} {
		const refused = {reply: encodeReply(ReplyCode.GENERAL_FAILURE), relay: undefined};
		const {limits, settings} = this.#init;
		const {peer, host} = connection;
		const own = this.#count(host, ({associated}) => associated);
		if (this.#relays.count >= limits.associations || own >= limits.perAddress) {
			this.#report('SOCKS5: too many associations', connection, 'limit');
			return refused;
		}
		try {
			const localAddress = canonicalText(connection.localAddress);
			const singlePort = request.user !== undefined || isLoopback(host);
			const hint = request.target;
			const relay = this.#relays.open({peer, localAddress, hint, singlePort});
			const bound = {address: settings.advertise ?? localAddress, port: relay.socket.localPort};
			return {reply: encodeReply(ReplyCode.SUCCEEDED, bound), relay};
		} catch (error) {
			const reason = error instanceof Error ? error.message : String(error);
			this.#report('SOCKS5: no UDP port for an association', connection, reason);
			return refused;
		}
	}

	released(relay: SocksRelay): void {
		this.#relays.close(relay);
	}

	closed(connection: SocksConnection): void {
		this.#connections.delete(connection);
	}

	#report(message: string, {peer}: SocksConnection, reason: string): void {
		const limited = this.#init.reporter.limited(`${message} ${reason}`, REPORT_INTERVAL);
		limited.warn(message, {from: formatAddress(peer.address, peer.port), reason});
	}
}

const REFUSALS: Readonly<Record<string, string>> = {
	socks4: 'SOCKS5: somebody speaks SOCKS4',
	http: 'SOCKS5: somebody speaks HTTP',
	'no-method': 'SOCKS5: the client offers no login that is wanted here',
	'bad-login': 'SOCKS5: wrong user or password',
	connect: 'SOCKS5: CONNECT is not in this version',
	bind: 'SOCKS5: BIND is not supported',
};

function isLoopback(address: string): boolean {
	return address === '::1' || address.startsWith('127.');
}
