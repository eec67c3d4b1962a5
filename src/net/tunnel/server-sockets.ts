import type {Millis} from '../../bytes/time.ts';
import type {RemoteAddress} from '../../core/remote-address.ts';
import {canonicalAddress, familyOf, formatAddress} from '../../text/ip.ts';
import type {Reporter} from '../reporter.ts';
import {localAddresses} from '../udp/interfaces.ts';
import {
	type DatagramBatch,
	SocketError,
	type UdpBackEnd,
	type UdpHandlers,
	type UdpSocket,
} from '../udp/udp.ts';

/** Events of a server's sockets, for their owner. */
interface ServerSocketsEvents {
	received(batch: DatagramBatch): void;
	closed(socket: number): void;
	tooLong(remote: RemoteAddress, size: number): void;
}

/** Inputs of a server's sockets. */
export interface ServerSocketsInit {
	readonly port: number;
	/**
	 * IP literals, of which `0.0.0.0` and `::` stand for every address of their family; empty = every
	 * address of the machine. All that stand for others are followed as they come and go.
	 */
	readonly bind: readonly string[];
	readonly backEnd: UdpBackEnd;
	readonly reporter: Reporter;
	readonly events: ServerSocketsEvents;
	/** The addresses of this machine; `localAddresses` except in tests. */
	readonly addresses?: () => readonly string[];
}

/** They stand for every address of their family. */
const WILDCARDS: readonly string[] = ['0.0.0.0', '::'];

/** Interval at which the same trouble is reported again. */
const WARN_INTERVAL: Millis = 60_000;

const NO_ADDRESSES =
	'this machine lists no addresses: listening on all of them, and answers leave from the one that ' +
	'the system chooses (with systemd RestrictAddressFamilies= must name AF_NETLINK)';

/**
 * Interval at which addresses without a socket are tried and, without --bind, new ones looked for:
 * where the system reports changes, and where it does not.
 */
const RESCAN_INTERVAL: Millis = 5000;
const RESCAN_INTERVAL_BLIND: Millis = 1000;

/**
 * The sockets that clients reach a server at: one per address, because a wildcard socket can
 * neither give the address that a datagram came to nor choose the one that the answer leaves from.
 */
export class ServerSockets implements UdpHandlers {
	readonly #init: ServerSocketsInit;
	readonly #listAddresses: () => readonly string[];
	readonly #byAddress = new Map<string, UdpSocket>();
	readonly #byIndex = new Map<number, UdpSocket>();
	#timer: NodeJS.Timeout | undefined;
	#watch: {close(): void} | undefined;
	/** Datagrams counted by sockets that are closed. */
	#droppedBefore = 0;
	#missedBefore = 0;
	/** Sends that the system refused for reasons that pass. */
	failures = 0;

	constructor(init: ServerSocketsInit) {
		this.#init = init;
		this.#listAddresses = init.addresses ?? localAddresses;
	}

	/** Addresses it listens on, as `host:port`. */
	get listening(): readonly string[] {
		return [...this.#byAddress.values()].map(({localAddress, localPort}) =>
			formatAddress(localAddress, localPort),
		);
	}

	/** Datagrams dropped because the system's queues were full. */
	get dropped(): number {
		let sum = this.#droppedBefore;
		for (const socket of this.#byIndex.values()) sum += socket.dropped;
		return sum;
	}

	/** Datagrams that came in and were lost because they were not read in time. */
	get missed(): number {
		let sum = this.#missedBefore;
		for (const socket of this.#byIndex.values()) sum += socket.missed;
		return sum;
	}

	/**
	 * Opens them. Addresses that this machine does not have yet are waited for; throws a SocketError
	 * when there is none to wait for and not a single one can be bound.
	 */
	start(): void {
		const failures = this.#open(this.#configured(), true);
		// A fault that ends the program is reported once, at its end.
		const [failure] = failures.map(({error}) => error).filter((error) => !isAwaited(error));
		if (this.#byIndex.size === 0 && failure !== undefined) throw failure;
		this.#report(failures);
		this.#watch = this.#init.backEnd.watchNetwork?.(() => this.rescan());
		const interval = this.#watch === undefined ? RESCAN_INTERVAL_BLIND : RESCAN_INTERVAL;
		this.#timer = setInterval(() => this.rescan(), interval);
	}

	/** Closes the sockets of addresses that have gone and opens those that are new. */
	rescan(): void {
		const addresses = this.#configured();
		const {bind} = this.#init;
		const isOpenEnded = bind.length === 0 || bind.some((address) => WILDCARDS.includes(address));
		if (isOpenEnded && addresses.length > 0) this.#closeAllBut(addresses);
		this.#report(this.#open(addresses, false));
	}

	/** Sends to a remote from the socket that it was seen on; true = see UdpSocket.send. */
	send(remote: RemoteAddress, bytes: Uint8Array, start: number, end: number): boolean {
		return this.#byIndex.get(remote.socket)?.send(bytes, start, end, remote) ?? false;
	}

	/** The address that the socket of a remote is bound to. `undefined`: it has gone. */
	localOf(remote: RemoteAddress): string | undefined {
		return this.#byIndex.get(remote.socket)?.localAddress;
	}

	/**
	 * Returns the remote address of a host at the socket of `local`. `undefined`: there is no such
	 * socket.
	 */
	remote(local: string, host: string, port: number): RemoteAddress | undefined {
		return this.#byAddress.get(local)?.remote(host, port);
	}

	flush(): void {
		for (const socket of this.#byIndex.values()) socket.flush();
	}

	async close(): Promise<void> {
		clearInterval(this.#timer);
		this.#watch?.close();
		const sockets = [...this.#byIndex.values()];
		for (const socket of sockets) this.#count(socket);
		this.#byIndex.clear();
		this.#byAddress.clear();
		await Promise.all(sockets.map((socket) => socket.close()));
	}

	onBatch(_socket: UdpSocket, batch: DatagramBatch): void {
		this.#init.events.received(batch);
	}

	onError(_socket: UdpSocket, code: string, size: number, to: RemoteAddress | undefined): void {
		if (code === 'EMSGSIZE' && to !== undefined) this.#init.events.tooLong(to, size);
		else this.failures++;
	}

	#configured(): readonly string[] {
		const {bind} = this.#init;
		if (bind.length === 0) return this.#all();
		const addresses = bind.map((address) => canonicalAddress(address) ?? address);
		return [...new Set(addresses.flatMap((address) => this.#meant(address)))];
	}

	/** Every address of this machine; where it lists none, all of them by their wildcards. */
	#all(): readonly string[] {
		const all = this.#listAddresses();
		if (all.length > 0) return all;
		// A list that was there and is empty for a moment closes nothing.
		if (this.#byIndex.size > 0) return [...this.#byAddress.keys()];
		this.#init.reporter.limited('no addresses', WARN_INTERVAL).warn(NO_ADDRESSES);
		return WILDCARDS;
	}

	/**
	 * Returns the addresses that `address` stands for; itself where the machine does not list them.
	 */
	#meant(address: string): readonly string[] {
		if (!WILDCARDS.includes(address)) return [address];
		const family = familyOf(address);
		const all = this.#listAddresses().filter((each) => familyOf(each) === family);
		return all.length > 0 ? all : [address];
	}

	#open(addresses: readonly string[], starting: boolean): readonly Failure[] {
		const {backEnd, port, reporter} = this.#init;
		const failures: Failure[] = [];
		for (const address of addresses) {
			if (this.#byAddress.has(address)) continue;
			try {
				const socket = backEnd.open({address, port, isPath: true}, this);
				this.#byAddress.set(address, socket);
				this.#byIndex.set(socket.index, socket);
				const where = formatAddress(socket.localAddress, socket.localPort);
				if (!starting) reporter.info('listening on another address', {address: where});
			} catch (error) {
				if (!(error instanceof SocketError)) throw error;
				failures.push({address, error});
			}
		}
		return failures;
	}

	#report(failures: readonly Failure[]): void {
		const {port, reporter} = this.#init;
		for (const {address, error} of failures) {
			const message = isAwaited(error)
				? 'waiting for an address to listen on'
				: 'cannot listen on an address';
			// Once a minute: an address may come back, a port may become free.
			const limited = reporter.limited(`bind ${address}`, WARN_INTERVAL);
			limited.warn(message, {address: formatAddress(address, port), reason: error.message});
		}
	}

	#count({dropped, missed}: UdpSocket): void {
		this.#droppedBefore += dropped;
		this.#missedBefore += missed;
	}

	#closeAllBut(addresses: readonly string[]): void {
		for (const [address, socket] of [...this.#byAddress]) {
			if (addresses.includes(address)) continue;
			this.#byAddress.delete(address);
			this.#byIndex.delete(socket.index);
			this.#count(socket);
			void socket.close();
			this.#init.reporter.info('an address of this machine has gone', {address});
			this.#init.events.closed(socket.index);
		}
	}
}

/** An address that cannot be listened on now. */
interface Failure {
	readonly address: string;
	readonly error: SocketError;
}

/** True while this machine does not have the address yet. */
function isAwaited({code}: SocketError): boolean {
	return code === 'EADDRNOTAVAIL';
}
