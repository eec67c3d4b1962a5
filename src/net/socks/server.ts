import type {Socket} from 'node:net';
import type {Millis} from '../../bytes/time.ts';
import type {Account} from '../../core/budget.ts';
import type {Delivery} from '../../core/transmit.ts';
import type {NegotiationEnd, NegotiationOptions, SocksRequest} from '../../socks/negotiation.ts';
import {encodeReply, ReplyCode} from '../../socks/reply.ts';
import {encodeTarget} from '../../socks/target.ts';
import {canonicalAddress, formatAddress, isLoopback} from '../../text/ip.ts';
import type {Reporter} from '../reporter.ts';
import type {ClientStreams} from '../tcp/client-streams.ts';
import {TcpListener} from '../tcp/listener.ts';
import type {UdpBackEnd} from '../udp/udp.ts';
import {SOCKS_ANSWERS} from './answers.ts';
import {SocksConnection, type SocksConnectionOwner} from './connection.ts';
import type {SocksRelay, SocksTunnel} from './relay.ts';
import {type SocksRelaySettings, SocksRelays} from './relays.ts';
import type {SocketOwners} from './socket-owners.ts';
import {passwordCheck, type SocksUser} from './users.ts';

const SWEEP_INTERVAL: Millis = 1000;
const REPORT_INTERVAL: Millis = 60_000;

/** Limits of a listener. */
export interface SocksLimits {
	/** Connections without an association and before CONNECT. */
	readonly connections: number;
	/** Handshakes and associations of one address, unless it is a loopback one. */
	readonly perAddress: number;
	readonly associations: number;
}

/** The limits of a listener that has all the descriptors it needs. */
export const SOCKS_LIMITS: SocksLimits = {connections: 1024, perAddress: 64, associations: 4096};

/** Settings of a SOCKS listener. */
export interface SocksServerSettings extends SocksRelaySettings {
	/** `host` is an IP literal, or `localhost` for both loopback addresses. */
	readonly listen: {readonly host: string; readonly port: number};
	/** Users that may log in; empty: no login. */
	readonly users: readonly SocksUser[];
	readonly authReply: 1 | 5;
	/** The address that clients get to send to. `undefined`: the one they reached. */
	readonly advertise: string | undefined;
}

/** Parts of a SOCKS listener. */
export interface SocksServerInit {
	readonly settings: SocksServerSettings;
	/** The endpoint's number of the listener. */
	readonly listener: number;
	readonly limits: SocksLimits;
	/** Beside the limits: of a budget that TCP connections share, so that no kind starves another. */
	readonly descriptors?: {readonly handshakes: Account; readonly associations: Account};
	readonly backEnd: UdpBackEnd;
	readonly tunnel: SocksTunnel;
	/** Carries CONNECT requests. The caller closes it, before the listener. */
	readonly streams: ClientStreams;
	readonly reporter: Reporter;
	/** Owners of local sockets; the system's except in tests. */
	readonly socketOwners?: SocketOwners | undefined;
}

/** The SOCKS5 listener: TCP connections, the UDP associations and the streams that they ask for. */
export class SocksServer implements SocksConnectionOwner {
	readonly negotiation: NegotiationOptions;
	readonly #init: SocksServerInit;
	readonly #listener: TcpListener;
	readonly #relays: SocksRelays;
	readonly #connections = new Set<SocksConnection>();
	#timer: NodeJS.Timeout | undefined;

	constructor(init: SocksServerInit) {
		this.#init = init;
		const {settings, listener, backEnd, tunnel} = init;
		const {users, authReply} = settings;
		this.negotiation = {verify: passwordCheck(users), authReplyVersion: authReply};
		const {udpPort, udpAnyPort, filter} = settings;
		const {reporter, socketOwners} = init;
		this.#relays = new SocksRelays({
			...{udpPort, udpAnyPort, filter, listener, backEnd, tunnel, reporter, socketOwners},
		});
		this.#listener = new TcpListener({
			...settings.listen,
			purpose: 'SOCKS5',
			reporter,
			accepted: (socket) => this.#accept(socket),
		});
	}

	/** Addresses it listens on, as `host:port`. */
	get addresses(): readonly string[] {
		return this.#listener.addresses;
	}

	/** Connections, streams not counted, and those that have an association. */
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
		await this.#listener.open();
		for (const {address} of this.#listener.places) {
			if (address !== '0.0.0.0' && address !== '::') this.#relays.openFixed(address);
		}
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
		const closed = this.#listener.close();
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
		this.#countDescriptors();
		this.#timer ??= setInterval(() => {
			this.handleTimeout(this.now());
			if (this.#connections.size > 0) return;
			clearInterval(this.#timer);
			this.#timer = undefined;
		}, SWEEP_INTERVAL);
	}

	#countDescriptors(): void {
		const {handshakes, associations} = this.#init.descriptors ?? {};
		handshakes?.use(this.#connections.size - this.#relays.count);
		associations?.use(2 * this.#relays.count);
	}

	#limitOf(host: string): string | undefined {
		const {connections, perAddress} = this.#init.limits;
		if (this.#connections.size - this.#relays.count >= connections) return 'of all clients';
		this.#countDescriptors();
		if (this.#init.descriptors?.handshakes.hasRoom(1) === false) return 'of descriptors';
		const handshakes = this.#count(host, ({negotiating}) => negotiating);
		return handshakes >= perAddress ? 'of this address' : undefined;
	}

	/** Counts the connections of an address that pass the test; 0 on loopback, which has no limit. */
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

	negotiated(connection: SocksConnection, end: NegotiationEnd | 'bind' | undefined): void {
		if (end === undefined) return;
		const needsLogin = this.#init.settings.users.length > 0;
		const message = end === 'no-method' && !needsLogin ? NO_LOGIN_NEEDED : REFUSALS[end];
		this.#report(message ?? 'SOCKS5: handshake failed', connection, end);
	}

	associate(
		connection: SocksConnection,
		request: SocksRequest,
	): {readonly reply: Uint8Array; readonly relay: SocksRelay | undefined} {
		const refused = {reply: encodeReply(ReplyCode.GENERAL_FAILURE), relay: undefined};
		const {limits, settings} = this.#init;
		const {peer, host} = connection;
		const own = this.#count(host, ({associated}) => associated);
		const full = this.#init.descriptors?.associations.hasRoom(2) === false;
		if (full || this.#relays.count >= limits.associations || own >= limits.perAddress) {
			this.#report('SOCKS5: too many associations', connection, 'limit');
			return refused;
		}
		try {
			const localAddress = canonicalAddress(connection.localAddress) ?? connection.localAddress;
			const {localPort} = connection;
			const singlePort = request.user !== undefined || isLoopback(host);
			const hint = request.target;
			const login = request.user ?? '';
			const relay = this.#relays.open({peer, localAddress, localPort, hint, login, singlePort});
			this.#countDescriptors();
			const bound = {address: settings.advertise ?? localAddress, port: relay.socket.localPort};
			return {reply: encodeReply(ReplyCode.SUCCEEDED, bound), relay};
		} catch (error) {
			const reason = error instanceof Error ? error.message : String(error);
			this.#report('SOCKS5: no UDP port for an association', connection, reason);
			return refused;
		}
	}

	connect(
		connection: SocksConnection,
		socket: Socket,
		{target, leftover}: Extract<SocksRequest, {command: 'connect'}>,
	): void {
		this.#connections.delete(connection);
		this.#countDescriptors();
		const answers = SOCKS_ANSWERS;
		this.#init.streams.open({socket, target: encodeTarget(target), early: leftover, answers});
	}

	released(relay: SocksRelay): void {
		this.#relays.close(relay);
		this.#countDescriptors();
	}

	closed(connection: SocksConnection): void {
		this.#connections.delete(connection);
		this.#countDescriptors();
	}

	#report(message: string, {peer}: SocksConnection, reason: string): void {
		const limited = this.#init.reporter.limited(`${message} ${reason}`, REPORT_INTERVAL);
		limited.warn(message, {from: formatAddress(peer.address, peer.port), reason});
	}
}

/** For a client that insists on a login where there are no users. */
const NO_LOGIN_NEEDED = 'SOCKS5: the client offers only a login, and no users are configured';

const REFUSALS: Readonly<Record<string, string>> = {
	socks4: 'SOCKS5: a client uses SOCKS4',
	http: 'SOCKS5: a client uses HTTP',
	'no-method': 'SOCKS5: the client offers no login, which is required',
	'bad-login': 'SOCKS5: wrong user or password',
	bind: 'SOCKS5: BIND is not supported',
};
