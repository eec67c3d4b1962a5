import {Negotiation, type NegotiationOptions} from '../../src/socks/negotiation.ts';
import type {SocksTarget} from '../../src/socks/target.ts';
import {fromHex, toHex} from '../crypto/fixtures.ts';

/** No users: everybody is let in. */
export const OPEN: NegotiationOptions = {verify: undefined, authReplyVersion: 1};

/** Users by name, compared as a test may: not in constant time. */
export function withUsers(
	users: Record<string, string>,
	authReplyVersion: 1 | 5 = 1,
): NegotiationOptions {
	const text = (bytes: Uint8Array) => new TextDecoder('latin1').decode(bytes);
	const verify = (user: Uint8Array, password: Uint8Array) =>
		Object.hasOwn(users, text(user)) && users[text(user)] === text(password);
	return {verify, authReplyVersion};
}

/** Bytes one behind the other; text is hex. */
export function join(...parts: readonly (string | Uint8Array)[]): Uint8Array {
	return fromHex(
		parts.map((part) => (typeof part === 'string' ? part : `${toHex(part)}`)).join(''),
	);
}

/** The login of RFC 1929. */
export function login(user: string, password: string): Uint8Array {
	const bytes = (text: string) => new TextEncoder().encode(text);
	return Uint8Array.of(1, user.length, ...bytes(user), password.length, ...bytes(password));
}

/** A request with a name (ATYP 3). */
export function named(command: number, name: string | Uint8Array, port = 443): Uint8Array {
	const bytes = typeof name === 'string' ? new TextEncoder().encode(name) : name;
	return Uint8Array.of(5, command, 0, 3, bytes.length, ...bytes, port >> 8, port & 0xff);
}

/** What a handshake came to, in a form that can be compared. */
export interface Outcome {
	/** Replies in hex, then `request` or `close:reason`. */
	readonly outputs: readonly string[];
	readonly command: string | undefined;
	readonly target: SocksTarget | undefined;
	readonly user: string | undefined;
	/** The leftover and everything that was not fed any more, in hex. */
	readonly rest: string;
}

/** Feeds a handshake piece by piece at time 0 and drains it after each one. */
export function negotiate(options: NegotiationOptions, ...chunks: Uint8Array[]): Outcome {
	const negotiation = new Negotiation(options, 0);
	const outputs: string[] = [];
	let outcome: Omit<Outcome, 'outputs'> = {
		command: undefined,
		target: undefined,
		user: undefined,
		rest: '',
	};
	for (const [i, chunk] of chunks.entries()) {
		negotiation.feed(chunk, 0);
		for (let out = negotiation.poll(); out !== undefined; out = negotiation.poll()) {
			if (out.kind === 'reply') outputs.push(`${toHex(out.bytes)}`);
			else if (out.kind === 'close') outputs.push(`close:${out.reason}`);
			else {
				outputs.push('request');
				const {command, target, user, leftover} = out.request;
				const rest = `${toHex(join(leftover, ...chunks.slice(i + 1)))}`;
				outcome = {command, target, user, rest};
			}
		}
		if (negotiation.done) break;
	}
	return {outputs, ...outcome};
}

/** The same bytes one by one. */
export function bytewise(bytes: Uint8Array): Uint8Array[] {
	return [...bytes].map((byte) => Uint8Array.of(byte));
}

/** Cuts bytes at these places, wherever they fall. */
export function cut(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
	const sorted = [0, ...places.map((place) => place % (bytes.length + 1)), bytes.length];
	sorted.sort((a, b) => a - b);
	return sorted.slice(1).map((end, i) => bytes.slice(sorted[i], end));
}
