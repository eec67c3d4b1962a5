import {type Millis, NEVER} from '../bytes/time.ts';
import {canonicalAddress, parseIp, sameAddress, unmap} from '../text/ip.ts';
import {SocksDropCounters, type SocksDropReason} from './drop-reason.ts';
import {type FragmentBudget, FragmentQueue} from './fragments.ts';
import {SourcePorts} from './source-ports.ts';
import type {SocksTarget} from './target.ts';
import {TargetTable} from './target-table.ts';
import {decodeUdpHeader, emptyUdpHeader, encodeIpUdpHeader} from './udp-header.ts';

/** Silence after which an association ends (RFC 4787 recommends 5 minutes). */
const IDLE: Millis = 300_000;
/** The longest payload of UDP over IPv4. */
const MAX_UDP_PAYLOAD = 65_507;

/** Settings of one association. */
export interface AssociationOptions {
	/** Remote end of the TCP connection, as the system writes it. */
	readonly peer: {readonly address: string; readonly port: number};
	/** The DST of UDP ASSOCIATE; only ever a hint. */
	readonly hint: SocksTarget | undefined;
	/**
	 * True when only one source port is accepted: on a loopback listener, where other users of the
	 * machine share the address, and after a password.
	 */
	readonly singlePort: boolean;
	/** Lifts every rule about source ports but their number. */
	readonly anyPort: boolean;
	/** Hosts that may answer: 'none' for all (full cone), 'address' for those that were sent to. */
	readonly filter: 'none' | 'address';
	/** Memory for fragments, shared with other associations. */
	readonly fragments: FragmentBudget;
}

/** A datagram for the tunnel. The record is reused: it is good until the next call. */
export interface AssociationDatagram {
	/** The application's port. */
	sourcePort: number;
	/** The same object for as long as the target is remembered. */
	target: SocksTarget;
	/** The payload is bytes[start, end): those that came in, or a buffer with joined fragments. */
	bytes: Uint8Array;
	start: number;
	end: number;
	/** A target that was forgotten for this one. */
	evicted: SocksTarget | undefined;
}

/** Source of a datagram for the application, and the port of the application that it is for. */
export interface ReplyRoute {
	/** 4 or 16 bytes. */
	readonly address: Uint8Array;
	readonly port: number;
	/** The application's port. */
	readonly applicationPort: number;
}

/**
 * Returns the port that the hint locks the association to. A hint with another address than the
 * peer's is the target, or an address from behind a NAT, or zero; one with the port of the TCP
 * connection names that connection. Neither gives the source of the datagrams to come.
 */
function hintedPort({peer, hint}: AssociationOptions): number | undefined {
	if (hint === undefined || hint.kind === 'domain') return undefined;
	if (hint.port === 0 || hint.port === peer.port) return undefined;
	const address = parseIp(peer.address);
	if (address === undefined || !sameAddress(unmap(address), hint.address)) return undefined;
	return hint.port;
}

/**
 * The rules of one UDP association: who may send, what a header means, who may answer, and when it
 * ends. It knows no socket and no flow; its owner ends it with the TCP connection.
 */
export class UdpAssociation {
	readonly #peer: string;
	readonly #filter: AssociationOptions['filter'];
	readonly #ports: SourcePorts;
	readonly #fragments: FragmentQueue;
	readonly #targets = new TargetTable();
	readonly #header = emptyUdpHeader();
	readonly #datagram: AssociationDatagram;
	/** The peer's address as the system wrote it last: spares its parsing for every datagram. */
	#spelling: string;
	#lastUse: Millis;
	#closed = false;
	/** Dropped datagrams by reason. */
	readonly drops: SocksDropCounters = new SocksDropCounters();

	constructor(options: AssociationOptions, now: Millis) {
		this.#spelling = options.peer.address;
		this.#peer = canonicalAddress(options.peer.address) ?? options.peer.address;
		this.#filter = options.filter;
		this.#fragments = new FragmentQueue(options.fragments, this.drops);
		this.#ports = new SourcePorts({
			only: options.anyPort ? undefined : hintedPort(options),
			single: options.singlePort && !options.anyPort,
			idle: IDLE,
		});
		this.#datagram = {
			sourcePort: 0,
			target: {kind: 'domain', name: '', port: 0},
			bytes: new Uint8Array(0),
			start: 0,
			end: 0,
			evicted: undefined,
		};
		this.#lastUse = now;
	}

	/**
	 * True once it has ended: closed, or idle for too long (its TCP connection is then closed too).
	 */
	get closed(): boolean {
		return this.#closed;
	}

	/** Source ports in use. */
	get portCount(): number {
		return this.#ports.length;
	}

	/**
	 * Takes a datagram that came to the relay from `address` (as the system writes it) and `port`.
	 * Returns the datagram for the tunnel, `undefined` for a fragment that waits for others, or the
	 * reason of a drop: the relay never answers a datagram itself. `trusted`: the port is certainly
	 * one of the user whose association it is. The result is reused by the next call.
	 */
	// biome-ignore lint/complexity/useMaxParams: once per datagram, a record would be filled and read again
	receive(
		address: string,
		port: number,
		bytes: Uint8Array,
		start: number,
		end: number,
		now: Millis,
		trusted = false,
	): AssociationDatagram | SocksDropReason | undefined {
		this.handleTimeout(now);
		if (this.#closed) return this.drops.count('closed');
		if (!this.#isPeer(address)) return this.drops.count('wrong-source');
		const refusal = this.#ports.refusal(port, trusted);
		if (refusal !== undefined) return this.drops.count(refusal);
		const header = this.#header;
		if (!decodeUdpHeader(bytes, start, end, header)) return this.drops.count('malformed-header');
		if (header.port === 0) return this.drops.count('port-zero');
		const target = this.#targets.find(bytes, header);
		if (target === undefined) return this.drops.count('bad-name');
		// Only what makes sense locks the port, keeps the association alive or takes a place.
		this.#ports.touch(port, now);
		this.#lastUse = now;
		const datagram = this.#datagram;
		datagram.sourcePort = port;
		datagram.target = target;
		datagram.evicted = this.#targets.evicted;
		datagram.bytes = bytes;
		datagram.start = header.payloadStart;
		datagram.end = end;
		return header.fragment === 0 ? this.#whole(port) : this.#piece(header.fragment, now);
	}

	#isPeer(address: string): boolean {
		if (address === this.#spelling) return true;
		if ((canonicalAddress(address) ?? address) !== this.#peer) return false;
		this.#spelling = address;
		return true;
	}

	#whole(port: number): AssociationDatagram {
		this.#fragments.interrupt(port);
		return this.#datagram;
	}

	#piece(fragment: number, now: Millis): AssociationDatagram | SocksDropReason | undefined {
		const {sourcePort, target, bytes, start, end} = this.#datagram;
		const joined = this.#fragments.add({fragment, sourcePort, target, bytes, start, end}, now);
		if (joined === undefined || typeof joined === 'string') return joined;
		this.#datagram.bytes = joined;
		this.#datagram.start = 0;
		this.#datagram.end = joined.length;
		return this.#datagram;
	}

	/**
	 * Prepares a datagram for the application: writes the header with its real source in front of
	 * the payload bytes[start, end), which needs 22 bytes of head room, and returns where the
	 * datagram begins, or the reason when it is dropped.
	 */
	reply(
		route: ReplyRoute,
		bytes: Uint8Array,
		start: number,
		end: number,
		now: Millis,
	): number | SocksDropReason {
		this.handleTimeout(now);
		if (this.#closed) return this.drops.count('closed');
		if (!this.#ports.has(route.applicationPort)) return this.drops.count('unknown-port');
		if (this.#filter === 'address' && !this.#targets.hasAddress(unmap(route.address))) {
			return this.drops.count('filtered');
		}
		const headerLength = unmap(route.address).length + 6;
		if (headerLength + end - start > MAX_UDP_PAYLOAD) return this.drops.count('too-long');
		this.#ports.touch(route.applicationPort, now);
		this.#lastUse = now;
		return start - encodeIpUdpHeader(route.address, route.port, bytes, start);
	}

	/** Adds an address of a target's name, so that the filter accepts answers from it. */
	learnAddress(target: SocksTarget, address: string): void {
		this.#targets.learn(target, address);
	}

	/** Returns the time at which {@link handleTimeout} is due. */
	nextTimeout(): Millis {
		if (this.#closed) return NEVER;
		const idle = this.#lastUse + IDLE;
		return Math.min(idle, this.#ports.nextTimeout(), this.#fragments.nextTimeout());
	}

	/** Gives up fragments, source ports and the association itself; harmless when early. */
	handleTimeout(now: Millis): void {
		if (this.#closed) return;
		this.#fragments.handleTimeout(now);
		this.#ports.handleTimeout(now);
		if (now >= this.#lastUse + IDLE) this.close();
	}

	/** A source port whose flow is to be closed, each once. */
	pollClosedPort(): number | undefined {
		return this.#ports.pollClosed();
	}

	/** Ends it, with its TCP connection for instance. Its ports are then polled. */
	close(): void {
		if (this.#closed) return;
		this.#closed = true;
		this.#fragments.abandon();
		this.#ports.closeAll();
	}
}
