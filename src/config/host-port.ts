import {canonicalAddress, isLoopback} from '../text/ip.ts';

/**
 * As the host of a port to listen on: both loopback addresses, or the one that this machine has.
 */
export const LOCALHOST = 'localhost';

/** A host and a UDP or TCP port. */
export interface HostPort {
	/** A host name or an IP literal, IPv6 without brackets. */
	readonly host: string;
	/** 1 to 65535. */
	readonly port: number;
}

/** True while only this machine itself can reach a host to listen on. */
export function isLocal({host}: HostPort): boolean {
	return host === LOCALHOST || isLoopback(host);
}

/** The addresses that a port listens on, each in one spelling. */
export function addressesOf({host}: HostPort): readonly string[] {
	return host === LOCALHOST ? ['127.0.0.1', '::1'] : [canonicalAddress(host) ?? host];
}
