import type {IncomingHttpHeaders} from 'node:http';
import {isIP} from 'node:net';

/** Headers of every answer: nothing is kept, embedded, guessed or sent elsewhere. */
export const SAFE_HEADERS: Readonly<Record<string, string>> = {
	'content-security-policy':
		"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; " +
		"img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
	'cross-origin-opener-policy': 'same-origin',
	'cross-origin-resource-policy': 'same-origin',
	'x-content-type-options': 'nosniff',
	'x-frame-options': 'DENY',
	'referrer-policy': 'no-referrer',
	'cache-control': 'no-store',
};

/**
 * True for a `Host` that no stranger's name server can have led here: an IP address, `localhost` or
 * one of `names`, in small letters, each with or without a port.
 */
export function isTrustedHost(host: string | undefined, names: ReadonlySet<string>): boolean {
	if (host === undefined) return false;
	const [, six, name = ''] = /^(?:\[([0-9a-f:.]+)\]|([^:[\]]+))(?::[0-9]{1,5})?$/i.exec(host) ?? [];
	if (six !== undefined) return isIP(six) === 6;
	const lower = name.toLowerCase();
	return isIP(lower) === 4 || lower === 'localhost' || names.has(lower);
}

/** True unless a page of another origin has caused the request. */
export function isSameOrigin({host, origin, ...headers}: IncomingHttpHeaders): boolean {
	const site = headers['sec-fetch-site'];
	if (site !== undefined && site !== 'same-origin' && site !== 'none') return false;
	return origin === undefined || isOriginOf(origin, host);
}

/** True for a request that a page of this very origin has caused: `Origin` is there and right. */
export function hasSameOrigin(headers: IncomingHttpHeaders): boolean {
	return headers.origin !== undefined && isSameOrigin(headers);
}

// A proxy in front may add TLS; the same port does not speak both by itself.
function isOriginOf(origin: string, host: string | undefined): boolean {
	return host !== undefined && (origin === `http://${host}` || origin === `https://${host}`);
}
