import type {Millis} from '../../bytes/time.ts';
import type {OpenDatagram} from '../../core/endpoint.ts';
import type {RemoteAddress} from '../../core/remote-address.ts';
import type {Delivery} from '../../core/transmit.ts';
import {
	type AssociationDatagram,
	type AssociationOptions,
	UdpAssociation,
} from '../../socks/association.ts';
import type {SocksTarget} from '../../socks/target.ts';
import {encodeUdpHeader, MAX_UDP_HEADER} from '../../socks/udp-header.ts';
import {canonicalAddress, formatIp} from '../../text/ip.ts';
import {TargetKind} from '../../wire/address.ts';
import type {UdpSocket} from '../udp/udp.ts';

/** The parts of the tunnel that the relays use. */
export interface SocksTunnel {
	/** The clock of every input, read anew. */
	now(): Millis;
	/** Sends one datagram; it is drained when this returns. `arena` is the memory of its batch. */
	send(datagram: OpenDatagram, arena: Uint8Array, now: Millis): void;
	/** After the last datagram of a batch. */
	finish(): void;
	/** The flow of an application ends. */
	endApplication(application: RemoteAddress): void;
}

/** The bytes in front of ATYP in a SOCKS UDP header. */
const BEFORE_TARGET = 3;
/** The longest header of an answer: one with an IPv6 address. */
const HEAD_ROOM = 22;
const ANSWER_BUFFER = HEAD_ROOM + 65_535;

/**
 * Targets as they go over the wire. Not the bytes that came: a literal sent as a name has another
 * form.
 */
const encodedTargets = new WeakMap<SocksTarget, Uint8Array>();

function encodedOf(target: SocksTarget): Uint8Array {
	let encoded = encodedTargets.get(target);
	if (encoded === undefined) {
		const header = new Uint8Array(MAX_UDP_HEADER);
		const start = header.length - encodeUdpHeader(target, header, header.length);
		encoded = header.slice(start + BEFORE_TARGET);
		encodedTargets.set(target, encoded);
	}
	return encoded;
}

/**
 * Memory in which answers are put together. It is used again, unless the system still refers to it;
 * each answer is handed to the system at once.
 */
export class AnswerBuffer {
	#bytes: Uint8Array = new Uint8Array(ANSWER_BUFFER);

	/** Sends an answer of the tunnel on to `application` by the rules of its association. */
	send(
		association: UdpAssociation,
		socket: UdpSocket,
		application: RemoteAddress,
		{target, bytes, start, end}: Delivery,
		now: Millis,
	): 'filtered' | undefined {
		// Answers always come from an address; a name here would be a fault of the server.
		if (target === undefined || target.target.kind === TargetKind.DOMAIN) return undefined;
		const {host: address, port} = target.target;
		const answer = this.#bytes;
		answer.set(bytes.subarray(start, end), HEAD_ROOM);
		const stop = HEAD_ROOM + end - start;
		const route = {address, port, applicationPort: application.port};
		const begin = association.reply(route, answer, HEAD_ROOM, stop, now);
		if (typeof begin === 'string') return begin === 'filtered' ? begin : undefined;
		if (socket.send(answer, begin, stop, application)) {
			this.#bytes = new Uint8Array(ANSWER_BUFFER);
		}
		socket.flush();
		return undefined;
	}
}

/** Parts of a relay. */
export interface SocksRelayInit {
	readonly options: AssociationOptions;
	/** Name of the login at the listener. '': none. */
	readonly login: string;
	readonly socket: UdpSocket;
	/** The endpoint's number of the listener. */
	readonly listener: number;
	readonly tunnel: SocksTunnel;
	/**
	 * The user at the other end of the TCP connection, and the one who may send from a place.
	 * `undefined`: not known.
	 */
	readonly user: () => number | undefined;
	readonly userOf: (source: RemoteAddress) => number | undefined;
	/** Called when a datagram was dropped because of its source. */
	readonly refused: (reason: 'wrong-port' | 'wrong-user', source: RemoteAddress) => void;
	/** Relay of each application, by its key; shared by all relays. */
	readonly owners: Map<string, SocksRelay>;
}

type Writable<T> = {-readonly [K in keyof T]: T[K]};

const NO_BYTES = new Uint8Array(0);
const NO_APPLICATION: RemoteAddress = {key: '', socket: 0, host: '', port: 0};

/** One association with its relay socket, which it may share with others. */
export class SocksRelay {
	readonly association: UdpAssociation;
	readonly socket: UdpSocket;
	/** The peer's address, in the one form by which addresses are compared. */
	readonly peer: string;
	/** Port from which the application announced to send; 0: it did not. */
	readonly hintPort: number;
	readonly #init: SocksRelayInit;
	/** One record for all datagrams. */
	readonly #datagram: Writable<OpenDatagram>;
	#user: number | undefined;
	/** Its applications, by their port: each has a flow. */
	readonly #applications = new Map<number, RemoteAddress>();
	/** Names that were sent to, and those without an answer yet; for the filter only. */
	readonly #names = new WeakSet<SocksTarget>();
	readonly #unanswered = new Set<SocksTarget>();

	constructor(init: SocksRelayInit) {
		const {options, login, listener, socket, tunnel} = init;
		this.#init = init;
		this.association = new UdpAssociation(options, tunnel.now());
		this.socket = socket;
		this.peer = canonicalAddress(options.peer.address) ?? options.peer.address;
		const {hint} = options;
		const named = hint !== undefined && hint.kind !== 'domain';
		this.#datagram = {
			...{listener, application: NO_APPLICATION, user: login},
			...{bytes: NO_BYTES, start: 0, end: 0},
			...{targetBytes: NO_BYTES, targetStart: 0, targetEnd: 0},
		};
		this.hintPort = named && formatIp(hint.address) === this.peer ? hint.port : 0;
	}

	/**
	 * True while the sockets at `source` are those of the user who made the association, false when
	 * they are another's. `undefined`: not known, as everywhere but within one Linux machine.
	 */
	isOwn(source: RemoteAddress): boolean | undefined {
		this.#user ??= this.#init.user();
		const user = this.#user;
		const sender = user === undefined ? undefined : this.#init.userOf(source);
		return sender === undefined ? undefined : sender === user;
	}

	/**
	 * Takes a datagram that came from `source`; false when the association does not accept it. Only
	 * where it is alone on its socket a further port of the same user is surely meant for it.
	 */
	// biome-ignore lint/complexity/useMaxParams: once per datagram, a record would be filled and read again
	receive(
		source: RemoteAddress,
		arena: Uint8Array,
		start: number,
		end: number,
		now: Millis,
		isAlone = true,
	): boolean {
		const {host, port, key} = source;
		const isNew = !this.#applications.has(port) && !this.#init.options.anyPort;
		const isPeer = isNew && (canonicalAddress(host) ?? host) === this.peer;
		const isOwn = isPeer ? this.isOwn(source) : undefined;
		if (isOwn === false) {
			this.association.drops.count('wrong-user');
			this.#init.refused('wrong-user', source);
			return false;
		}
		const trusted = isOwn === true && isAlone;
		const result = this.association.receive(host, port, arena, start, end, now, trusted);
		this.#endPorts();
		if (result === 'wrong-port') this.#init.refused(result, source);
		if (typeof result === 'string') return false;
		if (!this.#applications.has(port)) {
			this.#applications.set(port, source);
			this.#init.owners.set(key, this);
		}
		if (result !== undefined) this.#send(result, source, arena, now);
		return true;
	}

	#send(
		{bytes, start, end, target, evicted}: AssociationDatagram,
		application: RemoteAddress,
		arena: Uint8Array,
		now: Millis,
	): void {
		const {options, tunnel} = this.#init;
		if (options.filter === 'address') this.#noteName(target, evicted);
		const datagram = this.#datagram;
		datagram.application = application;
		datagram.bytes = bytes;
		datagram.start = start;
		datagram.end = end;
		datagram.targetBytes = encodedOf(target);
		datagram.targetEnd = datagram.targetBytes.length;
		tunnel.send(datagram, arena, now);
		// What was joined of fragments is not to be kept until the next one comes.
		datagram.bytes = NO_BYTES;
	}

	// Names are resolved at the other end, which does not report the address. The first to answer
	// from the port of a name is taken for it.
	#noteName(target: SocksTarget, evicted: SocksTarget | undefined): void {
		if (evicted !== undefined) this.#unanswered.delete(evicted);
		if (target.kind !== 'domain' || this.#names.has(target)) return;
		this.#names.add(target);
		this.#unanswered.add(target);
	}

	/** Sends an answer on to its application. */
	answer(delivery: Delivery, application: RemoteAddress, buffer: AnswerBuffer): void {
		const now = this.#init.tunnel.now();
		const {association, socket} = this;
		const outcome = buffer.send(association, socket, application, delivery, now);
		if (outcome === undefined || !this.#learns(delivery)) return;
		buffer.send(association, socket, application, delivery, now);
	}

	#learns({target}: Delivery): boolean {
		if (target === undefined) return false;
		for (const name of this.#unanswered) {
			if (name.port !== target.target.port) continue;
			this.#unanswered.delete(name);
			this.association.learnAddress(name, formatIp(target.target.host));
			return true;
		}
		return false;
	}

	/** Lets time pass; true when the association has ended by itself. */
	handleTimeout(now: Millis): boolean {
		this.association.handleTimeout(now);
		this.#endPorts();
		return this.association.closed;
	}

	/** Ends the association with its flows; the socket stays. */
	close(): void {
		this.association.close();
		this.#endPorts();
	}

	/** Ends the flows of source ports that the association gave up. */
	#endPorts(): void {
		const {association} = this;
		let port = association.pollClosedPort();
		for (; port !== undefined; port = association.pollClosedPort()) {
			const application = this.#applications.get(port);
			if (application === undefined) continue;
			this.#applications.delete(port);
			this.#init.owners.delete(application.key);
			this.#init.tunnel.endApplication(application);
		}
	}
}
