import {type AssociationOptions, UdpAssociation} from '../../src/socks/association.ts';
import {FragmentBudget} from '../../src/socks/fragments.ts';
import type {SocksTarget} from '../../src/socks/target.ts';
import {parseIp} from '../../src/text/ip.ts';
import {fromHex, toHex} from '../crypto/fixtures.ts';
import {join} from './handshake.ts';

/** The peer of the TCP connection, unless a test says otherwise. */
export const PEER = '192.0.2.7';
/** A header for 1.2.3.4:53. */
export const TO_IPV4 = '00000001010203040035';
/** A header for [2001:db8::1]:53. */
export const TO_IPV6 = '0000000420010db80000000000000000000000010035';

/** One association with short ways to use it, made at time 0. */
export class Relay {
	readonly association: UdpAssociation;
	/** The target of the last datagram. */
	target: SocksTarget | undefined;
	/** What the last datagram pushed out. */
	evicted: SocksTarget | undefined;

	constructor(options: Partial<AssociationOptions> = {}) {
		this.association = new UdpAssociation(
			{
				peer: {address: PEER, port: 40_000},
				hint: undefined,
				singlePort: false,
				anyPort: false,
				filter: 'none',
				fragments: new FragmentBudget(1 << 20),
				...options,
			},
			0,
		);
	}

	/** Sends a datagram in; `=` and its payload in hex when it was taken whole. */
	send(
		datagram: string | Uint8Array,
		{from = PEER, port = 5000, now = 0}: {from?: string; port?: number; now?: number} = {},
	): string | undefined {
		// Not at the start of its buffer, to see that offsets are heeded.
		const bytes = join('eeee', datagram, 'ee');
		const result = this.association.receive(from, port, bytes, 2, bytes.length - 1, now);
		if (result === undefined || typeof result === 'string') return result;
		this.target = result.target;
		this.evicted = result.evicted;
		return `=${toHex(result.bytes.slice(result.start, result.end))}`;
	}

	/** Answers from `address`:53; the whole datagram for the application in hex, or why not. */
	reply(
		address: string,
		payload: string,
		{port = 5000, now = 0}: {port?: number; now?: number} = {},
	): string {
		const bytes = join(new Uint8Array(30), payload);
		const route = {address: parseIp(address)!, port: 53, applicationPort: port};
		const start = this.association.reply(route, bytes, 30, bytes.length, now);
		return typeof start === 'string' ? start : `=${toHex(bytes.slice(start))}`;
	}

	/** Whether datagrams from these ports are taken, in turn. */
	takes(...ports: number[]): boolean[] {
		return ports.map((port) => this.send(TO_IPV4, {port})?.startsWith('=') === true);
	}
}

/** A header with another FRAG. */
export function fragment(frag: number, payload: string): Uint8Array {
	const bytes = fromHex(TO_IPV4 + payload);
	bytes[2] = frag;
	return bytes;
}
