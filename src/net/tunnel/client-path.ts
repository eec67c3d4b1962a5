import type {Millis} from '../../bytes/time.ts';
import type {RemoteAddress} from '../../core/remote-address.ts';
import {familyOf, formatAddress, type IpFamily} from '../../text/ip.ts';
import {vpnInterfaceOf} from '../udp/interfaces.ts';
import type {DatagramBatch, UdpHandlers, UdpSocket} from '../udp/udp.ts';
import {Departure} from './departure.ts';
import {PathLink} from './path-link.ts';
import {type PathBinding, PathPort, type PathPortInit} from './path-port.ts';

/** Target and binding of a path. */
export interface ClientPathOptions extends PathBinding {
	/** Name or IP literal. */
	readonly host: string;
	readonly port: number;
}

/** Reason why a path cannot send at all. */
export interface PathTrouble {
	readonly kind: 'unresolved' | 'no-socket';
	/** May hold text from outside. */
	readonly reason: string;
}

/** Events of a path, for its owner. */
export interface ClientPathEvents {
	received(path: ClientPath, socket: UdpSocket, batch: DatagramBatch): void;
	/** Its sockets are ready, or ready again. */
	opened(path: ClientPath): void;
	refused(path: ClientPath, reason: string): void;
	/** Nothing can be sent at all for now: no socket, or no way out of this machine. */
	lost(path: ClientPath, reason: string): void;
	tooLong(path: ClientPath, size: number): void;
}

/** Inputs of a path. */
export interface ClientPathInit extends PathPortInit {
	readonly id: number;
	readonly options: ClientPathOptions;
	readonly events: ClientPathEvents;
	readonly now: () => Millis;
	/** The VPN interface that has an address; the system's except in tests. */
	readonly vpnOf?: (address: string) => string | undefined;
}

/** Not more often than this is a path connected anew. */
const RECONNECT_INTERVAL: Millis = 250;

/** Time for which each of two local ports is used in turn, and its limit as the silence grows. */
const TURN: Millis = 1000;
const LONGEST_TURN: Millis = 5000;
const TURNS_OF_SILENCE = 30;

/** Time for which a fresh local port is tried before another one is; doubled up to the longest. */
const FRESH_FOR: Millis = 5000;
const FRESH_LONGEST: Millis = 20_000;

/** The system's errors when nothing can leave this machine. */
const NO_ROUTE: ReadonlySet<string> = new Set(
	'ENODEV ENETUNREACH EHOSTUNREACH EADDRNOTAVAIL ENETDOWN EINVAL'.split(' '),
);

/**
 * The sockets of one path: one per family on the same local port, sending to every address the
 * path may have until the owner names the one that answered. A connected socket keeps a source
 * address that the machine has lost, hence `reconnect`; a NAT keeps a mapping that leads nowhere
 * for as long as packets come from the same port, hence `alternate`. No error of a socket ends it.
 */
export class ClientPath implements UdpHandlers {
	readonly id: number;
	/** Of others only the name may be another. */
	options: ClientPathOptions;
	/** Sends that the system refused for reasons that pass (full, forbidden). */
	failures = 0;
	readonly #init: ClientPathInit;
	#links: PathLink[] = [];
	/** The sockets on the other of two local ports that are tried in turn; else none. */
	#others: PathLink[] = [];
	/** True while `#links` are those on the fresh port. */
	#isFresh = false;
	#freshSince: Millis = 0;
	#freshFor: Millis = FRESH_FOR;
	#turnedAt: Millis = Number.NEGATIVE_INFINITY;
	/** Datagrams counted by sockets that are closed. */
	#droppedBefore = 0;
	#missedBefore = 0;
	#addresses: readonly string[] = [];
	#settled: string | undefined;
	#reconnectedAt: Millis = Number.NEGATIVE_INFINITY;
	/** Reason why the last socket could not be opened, or none of its addresses be used. */
	#failure = '';
	readonly #departure: Departure;
	readonly #port: PathPort;
	#closed = false;

	constructor(init: ClientPathInit) {
		this.#init = init;
		const {options, reporter, vpnOf = vpnInterfaceOf} = init;
		this.#departure = new Departure(options.name, reporter, vpnOf);
		this.#port = new PathPort(init, this);
		this.id = init.id;
		this.options = init.options;
	}

	/** True while several addresses, or two local ports, are being tried. */
	get racing(): boolean {
		const several = this.#settled === undefined && this.#addresses.length > 1;
		return several || this.#others.length > 0;
	}

	/** True while it has an address to send to, but neither socket nor connection for it. */
	get blocked(): boolean {
		if (this.#addresses.length === 0) return false;
		return !this.#links.some((link) => link.connected || link.targets.length > 1);
	}

	/** Reason why it has addresses and yet no socket for them. `undefined`: it can send. */
	get trouble(): PathTrouble | undefined {
		if (this.#failure === '' || this.#links.some(({targets}) => targets.length > 0))
			return undefined;
		return {kind: 'no-socket', reason: this.#failure};
	}

	/** The remote addresses in use, for people. */
	get remotes(): readonly string[] {
		return this.#links.flatMap((link) =>
			link.targets.map((target) => formatAddress(target.host, target.port)),
		);
	}

	/** The local ports in use. */
	get localPorts(): readonly number[] {
		return [...new Set([...this.#links, ...this.#others].map(({socket}) => socket.localPort))];
	}

	get #all(): readonly PathLink[] {
		return [...this.#links, ...this.#others];
	}

	/** Datagrams dropped because the system's queues were full. */
	get dropped(): number {
		return this.#all.reduce((sum, link) => sum + link.socket.dropped, this.#droppedBefore);
	}

	/** Datagrams that came in and were lost because they were not read in time. */
	get missed(): number {
		return this.#all.reduce((sum, link) => sum + link.socket.missed, this.#missedBefore);
	}

	/**
	 * Takes the local port before any address is known; throws a SocketError when the port that the
	 * user asked for is in use.
	 */
	reserve(): void {
		const {bind, host} = this.options;
		this.#ensureLink(familyOf(bind ?? host), true);
	}

	/** Uses these addresses (canonical IP literals) from now on, all of them until one answers. */
	setAddresses(addresses: readonly string[]): void {
		if (this.#closed) return;
		const {bind} = this.options;
		this.#addresses =
			bind === undefined
				? addresses
				: addresses.filter((address) => familyOf(address) === familyOf(bind));
		this.#failure = '';
		if (this.#addresses.length === 0) {
			const {name, host} = this.options;
			this.#failure = `${host} has no address of the family of ${bind}`;
			this.#init.reporter.warn('no address of a path is of the family of its bind address', {
				path: name,
				host,
				bind,
			});
		}
		this.#settled = undefined;
		this.#rebuild(this.#addresses);
		if (this.#addresses.length > 0) this.#report('no route');
	}

	/** Sends to every address in use; true = a socket still refers to the bytes after `flush`. */
	send(bytes: Uint8Array, start: number, end: number): boolean {
		let referenced = false;
		for (const link of this.#links) {
			if (link.send(bytes, start, end)) referenced = true;
		}
		return referenced;
	}

	flush(): void {
		for (const link of this.#links) link.socket.flush();
	}

	/**
	 * The owner trusts a datagram from `source` on `socket`: this address and port alone from now on.
	 */
	settle(socket: UdpSocket, source: RemoteAddress): void {
		const both = [...this.#links, ...this.#others];
		const link = both.find((candidate) => candidate.socket === socket);
		if (link === undefined || !link.targets.some(({key}) => key === source.key)) return;
		if (this.#others.includes(link)) this.#swap();
		if (this.#isFresh) {
			const fields = {path: this.options.name, port: socket.localPort};
			this.#init.reporter.info('a path works from another local port', fields);
		}
		this.#closeOthers();
		this.#isFresh = false;
		this.#freshFor = FRESH_FOR;
		this.#settled = source.host;
		this.#rebuild([source.host]);
		this.#port.remember(link.socket.localPort);
	}

	/**
	 * Sends from a fresh local port and from the usual one in turn, until something answers at
	 * either: the usual one is the only one that a locked bridge answers, and the only one that a NAT
	 * has an old mapping for. Called once a second while it is silent, with for how long it has been.
	 */
	alternate(silence: Millis): void {
		if (this.#closed || this.options.localPort !== undefined || this.blocked) return;
		const now = this.#init.now();
		const turn = Math.min(LONGEST_TURN, Math.max(TURN, silence / TURNS_OF_SILENCE));
		if (this.#addresses.length === 0 || now - this.#turnedAt < turn) return;
		this.#turnedAt = now;
		if (this.#others.length > 0) this.#swap();
		if (this.#isFresh && now - this.#freshSince < this.#freshFor) this.#rebuild(this.#aims);
		else if (this.#isFresh || this.#others.length === 0) this.#openFresh(now);
		else this.#rebuild(this.#aims);
		this.#report('no route');
	}

	#openFresh(now: Millis): void {
		if (this.#isFresh) {
			// A redial may have come while this one was in use.
			this.#freshFor = Math.min(2 * this.#freshFor, FRESH_LONGEST);
			this.#swap();
			this.#closeOthers();
		}
		this.#freshSince = now;
		this.#swap();
		this.#rebuild(this.#aims);
		if (this.#links.length === 0) this.#swap();
	}

	#swap(): void {
		this.flush();
		[this.#links, this.#others] = [this.#others, this.#links];
		this.#isFresh = !this.#isFresh;
	}

	#closeOthers(): void {
		for (const link of this.#others) {
			this.#count(link);
			void link.socket.close();
		}
		this.#others = [];
	}

	/** The addresses to send to. */
	get #aims(): readonly string[] {
		return this.#settled === undefined ? this.#addresses : [this.#settled];
	}

	/** Connects anew on the same local port, unless that was done just now. */
	reconnect(force: boolean, obstacle = 'no route'): void {
		const now = this.#init.now();
		if (this.#closed || this.#addresses.length === 0) return;
		if (!force && now - this.#reconnectedAt < RECONNECT_INTERVAL) return;
		this.#connectAnew(now);
		this.#report(obstacle);
	}

	/**
	 * Connects anew, because a connected socket keeps its source address whatever becomes of the
	 * routes; reports it only when the path leaves from another address now.
	 */
	follow(): void {
		if (this.#closed || this.#addresses.length === 0) return;
		const wasBlocked = this.blocked;
		const moved = this.#connectAnew(this.#init.now());
		if (moved || wasBlocked || this.blocked) this.#report('no route');
	}

	/** Something has proved that the path works. */
	proven(): void {
		this.#departure.proven();
	}

	/** Reports the likely reason why nothing proves the path, if one is known. */
	unproven(): void {
		if (this.#closed || this.blocked) return;
		const suspicion = this.#departure.suspicion(this.#sources());
		if (suspicion !== undefined) this.#init.events.lost(this, suspicion);
	}

	/** The addresses that it leaves from. */
	#sources(): string {
		const connected = this.#links.filter((link) => link.connected);
		return connected.map((link) => link.socket.source()).join(' ');
	}

	/** True = it leaves from another address than before. */
	#connectAnew(now: Millis): boolean {
		const before = this.#sources();
		this.#reconnectedAt = now;
		this.#failure = '';
		for (const link of this.#links) {
			link.failing = false;
			if (!link.socket.disconnect()) this.#replace(link);
			link.connected = false;
		}
		this.#rebuild(this.#aims);
		return this.#departure.connected(before, this.#sources());
	}

	#report(obstacle: string): void {
		const {opened, lost} = this.#init.events;
		if (this.blocked) lost(this, this.#failure || obstacle);
		else opened(this);
	}

	async close(): Promise<void> {
		this.#closed = true;
		const links = this.#all;
		this.#links = [];
		this.#others = [];
		for (const link of links) this.#count(link);
		await Promise.all(links.map((link) => link.socket.close()));
	}

	onBatch(socket: UdpSocket, batch: DatagramBatch): void {
		for (const link of this.#links) if (link.socket === socket) link.failing = false;
		this.#init.events.received(this, socket, batch);
	}

	onError(socket: UdpSocket, code: string, size: number): void {
		const link = this.#links.find((candidate) => candidate.socket === socket);
		if (link === undefined) return;
		switch (code) {
			case 'ECONNREFUSED':
				this.#failed(link, 'refused: nothing listens there');
				return;
			case 'EMSGSIZE':
				this.#init.events.tooLong(this, size);
				return;
			default:
				if (NO_ROUTE.has(code)) this.#noRoute(link, `no route (${code})`);
				else this.failures++;
		}
	}

	// While several addresses are tried, some of them may well have no route.
	#noRoute(link: PathLink, reason: string): void {
		if (link.targets.length > 1) return;
		this.#failed(link, reason);
		this.reconnect(false, reason);
	}

	#failed(link: PathLink, reason: string): void {
		link.failing = true;
		if (this.#links.every((each) => each.failing || each.targets.length === 0)) {
			this.#init.events.refused(this, reason);
		}
	}

	#rebuild(addresses: readonly string[]): void {
		for (const family of [4, 6] as const) {
			const hosts = addresses.filter((address) => familyOf(address) === family);
			const link = hosts.length > 0 ? this.#ensureLink(family, false) : undefined;
			if (link !== undefined) this.#aim(link, hosts);
		}
		for (const link of [...this.#links]) {
			const used = addresses.some((address) => familyOf(address) === link.family);
			if (!used) this.#drop(link);
		}
	}

	#aim(link: PathLink, hosts: readonly string[]): void {
		if (link.aim(hosts.map((host) => link.socket.remote(host, this.options.port)))) return;
		this.#replace(link);
		const again = this.#ensureLink(link.family, false);
		if (again !== undefined) this.#aim(again, hosts);
	}

	#ensureLink(family: IpFamily, starting: boolean): PathLink | undefined {
		const there = this.#links.find((link) => link.family === family);
		if (there !== undefined) return there;
		const beside = this.#links[0]?.socket;
		const socket = this.#port.open(family, {starting, isFresh: this.#isFresh, beside});
		if (typeof socket === 'string') {
			this.#failure = socket;
			return undefined;
		}
		if (beside === undefined && !this.#isFresh) this.#port.remember(socket.localPort);
		const link = new PathLink(family, socket);
		this.#links.push(link);
		return link;
	}

	#replace(link: PathLink): void {
		const {name} = this.options;
		const {reporter} = this.#init;
		const limited = reporter.limited(`replace ${name}`, 60_000);
		limited.warn('a socket of a path could not be kept, took another', {path: name});
		this.#drop(link);
	}

	#count({socket: {dropped, missed}}: PathLink): void {
		this.#droppedBefore += dropped;
		this.#missedBefore += missed;
	}

	#drop(link: PathLink): void {
		this.#links = this.#links.filter((each) => each !== link);
		this.#count(link);
		void link.socket.close();
	}
}
