import type {RemoteAddress} from '../../core/remote-address.ts';
import type {IpFamily} from '../../text/ip.ts';
import type {UdpSocket} from '../udp/udp.ts';

/** The socket of one family of a path and the addresses that it sends everything to. */
export class PathLink {
	readonly family: IpFamily;
	readonly socket: UdpSocket;
	targets: readonly RemoteAddress[] = [];
	/**
	 * True with a single target only: then refusals are reported and other sources are not accepted.
	 */
	connected = false;
	/** Set when the system reported since the last datagram that this leads nowhere. */
	failing = false;

	constructor(family: IpFamily, socket: UdpSocket) {
		this.family = family;
		this.socket = socket;
	}

	/** Sends to every target. Returns true when the socket refers to the bytes after `flush`. */
	send(bytes: Uint8Array, start: number, end: number): boolean {
		let referenced = false;
		for (const target of this.targets) {
			const to = this.connected ? undefined : target;
			if (this.socket.send(bytes, start, end, to)) referenced = true;
		}
		return referenced;
	}

	/**
	 * Aims at these targets, connected when it is one. Returns false when the socket is of no use.
	 */
	aim(targets: readonly RemoteAddress[]): boolean {
		const same = targets.length === 1 && targets[0]!.key === this.targets[0]?.key;
		if (same && this.connected && this.targets.length === 1) return true;
		if (this.connected && !this.socket.disconnect()) return false;
		this.targets = targets;
		this.connected = targets.length === 1 && this.socket.connect(targets[0]!);
		return true;
	}
}
