import {SocketError} from './udp.ts';

const LOOPBACK = ['127.0.0.1', '::1'] as const;

/**
 * The addresses that a host to listen on stands for: `localhost` is both loopback addresses,
 * because an application that is given this name may try either first, and UDP ends there.
 */
export function listenAddresses(host: string): readonly string[] {
	return host === 'localhost' ? LOOPBACK : [host];
}

/**
 * True when a socket could not be opened because this machine lacks the address or its whole
 * family.
 */
export function isMissingAddress(error: unknown): boolean {
	if (!(error instanceof SocketError)) return false;
	return error.code === 'EADDRNOTAVAIL' || error.code === 'EAFNOSUPPORT';
}
