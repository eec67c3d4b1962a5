import type {Millis} from '../../bytes/time.ts';
import type {RemoteAddress} from '../../core/remote-address.ts';
import type {Delivery} from '../../core/transmit.ts';
import {FragmentBudget} from '../../socks/fragments.ts';
import type {SocksTarget} from '../../socks/target.ts';
import {canonicalAddress, formatAddress} from '../../text/ip.ts';
import type {Reporter} from '../reporter.ts';
import type {DatagramBatch, UdpBackEnd, UdpHandlers, UdpSocket} from '../udp/udp.ts';
import {AnswerBuffer, SocksRelay, type SocksTunnel} from './relay.ts';
import {ProcSocketOwners, type SocketOwners} from './socket-owners.ts';

const REPORT_INTERVAL: Millis = 60_000;

const REFUSED = {
	'wrong-port':
		'datagrams from another port than the first of a SOCKS association are dropped ' +
		'(--socks-udp-any-port takes them)',
	'wrong-user': 'datagrams of another user of this machine for a SOCKS association are dropped',
} as const;

/** Memory for fragments of all associations together. */
const FRAGMENT_BYTES = 16 * 1024 * 1024;

/** Settings of the relays. */
export interface SocksRelaySettings {
	/** One UDP port for all associations. `undefined`: each has its own, of the system's choice. */
	readonly udpPort: number | undefined;
	/** True when applications may send from any port, and from several. */
	readonly udpAnyPort: boolean;
	/** Hosts that may answer: 'none' for all, 'address' for those that were sent to. */
	readonly filter: 'none' | 'address';
}

/** Parts of the relays. */
export interface SocksRelaysInit extends SocksRelaySettings {
	/** The endpoint's number of the listener. */
	readonly listener: number;
	readonly backEnd: UdpBackEnd;
	readonly tunnel: SocksTunnel;
	readonly reporter: Reporter;
	/** Owners of local sockets; the system's except in tests. */
	readonly socketOwners?: SocketOwners | undefined;
}

/** A client connection that asked for an association. */
export interface SocksClientConnection {
	/** The remote end of the TCP connection, as the system writes it. */
	readonly peer: {readonly address: string; readonly port: number};
	/** The address that the client reached, unmapped. */
	readonly localAddress: string;
	readonly localPort: number;
	readonly hint: SocksTarget | undefined;
	/** Name of its login. '': none. */
	readonly login: string;
	/** True when one source port must do. */
	readonly singlePort: boolean;
}

interface SharedSocket {
	readonly socket: UdpSocket;
	readonly relays: Set<SocksRelay>;
	/** True when it stays without associations. */
	readonly lasting: boolean;
}

/** The associations of a SOCKS listener and their UDP sockets. */
export class SocksRelays implements UdpHandlers {
	readonly #init: SocksRelaysInit;
	readonly #owners = new Map<string, SocksRelay>();
	readonly #sockets = new Map<number, SharedSocket>();
	/** The sockets of the one fixed port, by local address. */
	readonly #fixed = new Map<string, SharedSocket>();
	readonly #fragments = new FragmentBudget(FRAGMENT_BYTES);
	readonly #answers = new AnswerBuffer();
	readonly #socketOwners: SocketOwners;
	/** Drops of associations and sockets that are gone, and of datagrams that belong to none. */
	readonly #drops = new Map<string, number>();
	#count = 0;

	constructor(init: SocksRelaysInit) {
		this.#init = init;
		this.#socketOwners = init.socketOwners ?? new ProcSocketOwners();
	}

	/** Associations that exist. */
	get count(): number {
		return this.#count;
	}

	/** Opens the fixed port on this address for good; throws a SocketError when it cannot. */
	openFixed(address: string): void {
		if (this.#init.udpPort !== undefined) this.#fixed.set(address, this.#open(address, true));
	}

	/** Makes an association; throws a SocketError when its socket cannot be opened. */
	open(connection: SocksClientConnection): SocksRelay {
		const {localAddress, localPort, peer, hint, login, singlePort} = connection;
		const {udpPort, udpAnyPort, filter, listener, tunnel} = this.#init;
		let shared = udpPort === undefined ? undefined : this.#fixed.get(localAddress);
		if (shared === undefined) {
			shared = this.#open(localAddress, false);
			if (udpPort !== undefined) this.#fixed.set(localAddress, shared);
		}
		const relay = new SocksRelay({
			options: {peer, hint, singlePort, anyPort: udpAnyPort, filter, fragments: this.#fragments},
			login,
			socket: shared.socket,
			listener,
			tunnel,
			owners: this.#owners,
			user: () => this.#socketOwners.ofTcp(peer, {address: localAddress, port: localPort}),
			userOf: ({host, port}) => this.#socketOwners.ofUdp({address: host, port}),
			refused: this.#refused,
		});
		shared.relays.add(relay);
		this.#count++;
		return relay;
	}

	#open(address: string, lasting: boolean): SharedSocket {
		const {backEnd, udpPort} = this.#init;
		const socket = backEnd.open({address, port: udpPort ?? 0}, this);
		const shared = {socket, relays: new Set<SocksRelay>(), lasting};
		this.#sockets.set(socket.index, shared);
		return shared;
	}

	/** Ends an association, and its socket with the last one on it. */
	close(relay: SocksRelay): void {
		const shared = this.#sockets.get(relay.socket.index);
		if (shared?.relays.delete(relay) !== true) return;
		this.#count--;
		relay.close();
		addAll(this.#drops, relay);
		if (shared.relays.size === 0 && !shared.lasting) void this.#closeSocket(shared);
	}

	/** Ends everything. */
	async closeAll(): Promise<void> {
		const all = [...this.#sockets.values()];
		for (const {relays} of all) for (const relay of relays) this.close(relay);
		await Promise.all(all.map((shared) => this.#closeSocket(shared)));
	}

	async #closeSocket({socket}: SharedSocket): Promise<void> {
		if (this.#sockets.delete(socket.index)) addLosses(this.#drops, socket);
		if (this.#fixed.get(socket.localAddress)?.socket === socket) {
			this.#fixed.delete(socket.localAddress);
		}
		await socket.close();
	}

	/** Sends a datagram that came out of the tunnel on to its application. */
	deliver(delivery: Delivery): void {
		const {application} = delivery;
		if (application === undefined) return;
		const relay = this.#owners.get(application.key);
		if (relay === undefined) add(this.#drops, 'closed', 1);
		else relay.answer(delivery, application, this.#answers);
	}

	/** Datagrams dropped, by reason. */
	get drops(): Readonly<Record<string, number>> {
		const sum = new Map(this.#drops);
		for (const {socket, relays} of this.#sockets.values()) {
			addLosses(sum, socket);
			for (const relay of relays) addAll(sum, relay);
		}
		return Object.fromEntries([...sum].map(([reason, count]) => [`socks-${reason}`, count]));
	}

	onBatch(socket: UdpSocket, batch: DatagramBatch): void {
		const shared = this.#sockets.get(socket.index);
		if (shared === undefined) return;
		const {tunnel} = this.#init;
		const now = tunnel.now();
		for (let i = 0; i < batch.count; i++) {
			const source = batch.sources[i];
			if (source === undefined) continue;
			const start = batch.offsets[i]!;
			const end = start + batch.lengths[i]!;
			const relay = this.#owners.get(source.key) ?? chooseRelay(shared.relays, source);
			if (relay === undefined) add(this.#drops, 'wrong-source', 1);
			else relay.receive(source, batch.arena, start, end, now, shared.relays.size === 1);
		}
		tunnel.finish();
	}

	readonly #refused = (reason: 'wrong-port' | 'wrong-user', {host, port}: RemoteAddress): void => {
		const message = REFUSED[reason];
		const from = formatAddress(host, port);
		this.#init.reporter.limited(message, REPORT_INTERVAL).warn(message, {from});
	};

	onError(): void {
		add(this.#drops, 'send-failed', 1);
	}
}

function add(counts: Map<string, number>, reason: string, count: number): void {
	counts.set(reason, (counts.get(reason) ?? 0) + count);
}

function addAll(counts: Map<string, number>, {association}: SocksRelay): void {
	for (const [reason, count] of Object.entries(association.drops.entries())) {
		add(counts, reason, count);
	}
}

/**
 * Returns the relay of a datagram from a new source: of several associations of one address the one
 * whose hint has this port, else the first that has not sent anything, else the newest.
 */
function chooseRelay(
	relays: ReadonlySet<SocksRelay>,
	source: RemoteAddress,
): SocksRelay | undefined {
	const {host, port} = source;
	if (relays.size === 1) for (const relay of relays) return relay;
	const peer = canonicalAddress(host) ?? host;
	let unused: SocksRelay | undefined;
	let newest: SocksRelay | undefined;
	for (const relay of relays) {
		if (relay.peer !== peer || relay.isOwn(source) === false) continue;
		if (relay.hintPort === port) return relay;
		if (relay.association.portCount === 0 && relay.hintPort === 0) unused ??= relay;
		newest = relay;
	}
	return unused ?? newest;
}

function addLosses(counts: Map<string, number>, {dropped, missed}: UdpSocket): void {
	add(counts, 'queue-full', dropped);
	add(counts, 'receive-queue-full', missed);
}
