import type {RemoteAddress} from '../../../src/core/remote-address.ts';
import {ServerHandshake, type VerifiedInit} from '../../../src/core/server/server-handshake.ts';
import type {RespPayload} from '../../../src/wire/handshake.ts';
import {environmentOf, remoteOf} from '../session/core-fixtures.ts';

export const PSK: Uint8Array = new Uint8Array(32).fill(0x77);
export const CLIENT_ID: Uint8Array = new Uint8Array(16).fill(0x1d);

/** A server that knows one key. */
export function serverOf(seed: string, psk: Uint8Array = PSK): ServerHandshake {
	return new ServerHandshake(environmentOf(seed), [{name: 'user', psk}]);
}

/** Where INITs come from unless a test says otherwise. */
export const HERE: RemoteAddress = remoteOf(4000);

/** The INIT as the server verified it; throws when it did not. */
export function verified(server: ServerHandshake, init: Uint8Array, now = 0): VerifiedInit {
	const outcome = server.receive(init.slice(), 0, init.length, HERE, now);
	if (outcome.type !== 'verified') throw new Error(`INIT was ${outcome.type}`);
	return outcome.init;
}

/** The server's RESP to an INIT, of a fresh session unless told otherwise. */
export function answer(
	server: ServerHandshake,
	bytes: Uint8Array,
	resp: Partial<RespPayload> = {},
	see: (init: VerifiedInit) => void = () => {},
	now = 0,
): Uint8Array {
	const init = verified(server, bytes, now);
	const parameters = {encrypt: true, frames: []};
	const payload = {status: 0, sessionId: 0x51525354, epoch: 0, parameters, ...resp};
	const answered = server.respond(init, payload, now)!;
	see(init);
	return answered;
}
