import {randomInt} from 'node:crypto';
import {readFileSync} from 'node:fs';
import type {Locality} from '../../exit/policy.ts';
import {formatIp} from '../../text/ip.ts';
import {contains, type Prefix} from '../../text/prefix.ts';
import {SocketError, type UdpBackEnd} from '../udp/udp.ts';
import {RouteQuery} from './route-query.ts';

/** Documentation (RFC 5737): no machine has an address in all three. */
const UNASSIGNED: readonly string[] = ['192.0.2', '198.51.100', '203.0.113'];

/** Flags of routes in /proc/net/ipv6_route that end in this machine: RTF_LOCAL and RTF_ANYCAST. */
const RTF_HERE = 0x8010_0000;

/** Share of the time that reading routes may take; a router of the internet has 200,000. */
const READING_SHARE = 0.01;

/** Errors of a bind: not an address of this machine, or of a family that it lacks. */
const NOT_OURS: readonly string[] = ['EADDRNOTAVAIL', 'EAFNOSUPPORT'];

/**
 * This machine's own addresses, asked of the system one by one. The list of interfaces is
 * not enough: it lacks those of interfaces without a carrier and whole prefixes routed as local.
 *
 * Linux answers by its routes. Where it is not to be asked (without koffi, in a sandbox without
 * netlink) a socket is bound to the address, which only works for what is local, on other systems,
 * too; local routes of IPv6, to which nothing can be bound, are read from /proc.
 */
export class OwnAddresses implements Locality {
	readonly #backEnd: UdpBackEnd;
	readonly #routes: RouteQuery | undefined;
	/** True while binding separates own addresses from others: not with net.ipv4.ip_nonlocal_bind. */
	#bindTells = false;
	#localRoutes: readonly Prefix[] = [];
	#nextReading = Number.NEGATIVE_INFINITY;

	/** @param routes undefined = the system is not to be asked about its routes */
	constructor(backEnd: UdpBackEnd, routes: RouteQuery | undefined) {
		this.#backEnd = backEnd;
		this.#routes = routes;
		this.rescan();
	}

	isLocal(address: Uint8Array): boolean | undefined {
		const answer = this.#routes?.isLocal(address);
		if (answer !== undefined) return answer;
		if (this.#localRoutes.some((prefix) => contains(prefix, address))) return true;
		return this.#bindTells ? this.#canBind(formatIp(address)) : undefined;
	}

	/** Looks again at what changes seldom; to be called every few seconds. */
	rescan(): void {
		if (this.#routes !== undefined) return;
		const unassigned = UNASSIGNED.map((prefix) => `${prefix}.${randomInt(1, 255)}`);
		this.#bindTells = unassigned.some((address) => this.#canBind(address) === false);
		const before = performance.now();
		if (before < this.#nextReading) return;
		this.#localRoutes = localIpv6Routes();
		const after = performance.now();
		this.#nextReading = after + (after - before) / READING_SHARE;
	}

	close(): void {
		this.#routes?.close();
	}

	#canBind(address: string): boolean | undefined {
		try {
			const socket = this.#backEnd.open({address, port: 0}, {onBatch: () => {}, onError: () => {}});
			void socket.close();
			return true;
		} catch (error) {
			if (!(error instanceof SocketError)) throw error;
			return NOT_OURS.includes(error.code) ? false : undefined;
		}
	}
}

/** The routes of this machine. `undefined`: it does not answer. */
export function openRouteQuery(): RouteQuery | undefined {
	try {
		return new RouteQuery();
	} catch {
		return undefined;
	}
}

/** Prefixes of IPv6 that are routed to this machine itself; none where there is no /proc. */
export function localIpv6Routes(file = '/proc/net/ipv6_route'): readonly Prefix[] {
	let text: string;
	try {
		text = readFileSync(file, 'latin1');
	} catch {
		return [];
	}
	const prefixes: Prefix[] = [];
	for (const line of text.split('\n')) {
		const fields = line.split(/ +/);
		const flags = Number.parseInt(fields[8] ?? '', 16);
		if ((flags & RTF_HERE) === 0) continue;
		const bytes = Uint8Array.from(Buffer.from(fields[0] ?? '', 'hex'));
		if (bytes.length === 16) prefixes.push({bytes, length: Number.parseInt(fields[1] ?? '', 16)});
	}
	return prefixes;
}
