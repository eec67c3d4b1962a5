import type {RemoteAddress} from '../../../src/core/remote-address.ts';

/** Where an application of a world sends from, to a listener's socket. */
export function applicationAddress(application: number, socket = 0): RemoteAddress {
	const port = 40_000 + application;
	return {key: `${socket}|127.0.0.1|${port}`, socket, host: '127.0.0.1', port};
}

/** A target by number, encoded as on the wire. */
export function targetAddress(target: number): Uint8Array {
	return Uint8Array.of(1, 198, 18, target >> 8, target & 255, 0, 53);
}
