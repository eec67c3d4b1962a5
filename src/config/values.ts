import {isIP, isIPv4, isIPv6} from 'node:net';
import {didYouMean} from '../text/did-you-mean.ts';
import {quoteText} from '../text/escape-text.ts';
import {isConfiguredHostName} from '../text/host-name.ts';
import {ValueError} from '../text/value-error.ts';
import {type HostPort, LOCALHOST} from './host-port.ts';

// Every reader here takes one text from a flag, a file or a variable and returns the value, or
// throws a ValueError whose wording (field or word first) is up to the caller.

/** The most bytes of UTF-8 in a path's or user's name; names travel in frames and fill tables. */
const NAME_LIMIT = 63;

/** A whole number in decimal digits and nothing else, `minimum` to `maximum`. */
export function readWholeNumber(text: string, minimum: number, maximum: number): number {
	const value = /^[0-9]{1,15}$/.test(text) ? Number(text) : Number.NaN;
	if (value >= minimum && value <= maximum) return value;
	throw new ValueError(`${minimum} to ${maximum}`, quoteText(text));
}

/** A UDP or TCP port, 1 to 65535. */
export function readPort(text: string): number {
	return readWholeNumber(text, 1, 65_535);
}

/** An IP literal; IPv6 may stand in brackets, which are taken off. */
export function readAddress(text: string): string {
	const address = withoutBrackets(text);
	if (isIP(address) === 0 || (address !== text && isIPv4(address))) {
		throw new ValueError('an IP address', quoteText(text));
	}
	return address;
}

/** Binding of a path's socket. */
export interface Bind {
	/** An IP literal. */
	readonly bind: string | undefined;
	/** A network interface. */
	readonly device: string | undefined;
}

/** No binding: the system chooses. */
export const NO_BIND: Bind = {bind: undefined, device: undefined};

/** An IP literal or the name of a network interface: up to 15 bytes, beginning with a letter. */
export function readBind(text: string): Bind {
	if (/^[a-z][a-z0-9_.-]{0,14}$/i.test(text)) return {bind: undefined, device: text};
	try {
		return {bind: readAddress(text), device: undefined};
	} catch {
		throw new ValueError('an IP address or a network interface', quoteText(text));
	}
}

/** A mark of Linux for the packets of a socket: 1 to 4294967295, or as `ip rule` writes it, 0x1. */
export function readMark(text: string): number {
	const value = /^(0x[0-9a-f]{1,8}|[0-9]{1,10})$/i.test(text) ? Number(text) : Number.NaN;
	if (value >= 1 && value <= 0xffff_ffff) return value;
	throw new ValueError('1 to 4294967295, or 0x1 to 0xffffffff', quoteText(text));
}

/** A host name or an IP literal; IPv6 may stand in brackets, which are taken off. */
export function readHost(text: string): string {
	if (text.startsWith('[') || text.includes(':')) {
		const address = withoutBrackets(text);
		if (isIPv6(address)) return address;
	} else if (isIPv4(text) || isConfiguredHostName(text)) {
		return text;
	}
	throw new ValueError('a host name or IP address', quoteText(text));
}

/**
 * `ADDR:PORT` or `[ADDR]:PORT` with an IP literal. `PORT`, `:PORT` and `localhost:PORT` are the
 * port on both loopback addresses, with the host {@link LOCALHOST}: never on all addresses.
 */
export function readListenAddress(text: string): HostPort {
	const [, local] = /^(?:(?:localhost)?:)?([0-9]+)$/i.exec(text) ?? [];
	if (local !== undefined) return {host: LOCALHOST, port: readPort(local)};
	const [, six, four, port = ''] = /^(?:\[([^\]]*)\]|([^:]*)):(.*)$/s.exec(text) ?? [];
	const host = six ?? four ?? '';
	if (isIP(host) !== (six === undefined ? 4 : 6)) {
		throw new ValueError(
			'PORT or ADDR:PORT with an IP address ([ADDR]:PORT for IPv6)',
			quoteText(text),
		);
	}
	return {host, port: readPort(port)};
}

/** `HOST PORT` with a name or an IP literal, as on the command line. */
export function readTarget(text: string): HostPort {
	const words = text.trim().split(/\s+/);
	const [host, port] = words;
	if (host === undefined || port === undefined || words.length > 2) {
		throw new ValueError('HOST PORT', quoteText(text));
	}
	return {host: readHost(host), port: readPort(port)};
}

/** One of `choices`, spelled exactly. */
export function readChoice<T extends string>(text: string, choices: readonly T[]): T {
	const choice = choices.find((candidate) => candidate === text);
	if (choice !== undefined) return choice;
	const shown = `${quoteText(text)}${didYouMean(text, choices)}`;
	throw new ValueError(`one of ${choices.join(', ')}`, shown);
}

/**
 * A name for a path or a user: 1 to {@link NAME_LIMIT} bytes of UTF-8 without white space, `#`, `=`
 * or anything invisible, and not only digits, because unnamed paths are called by their position.
 */
export function readName(text: string): string {
	const length = new TextEncoder().encode(text).length;
	if (/^[0-9]*$/.test(text) || /[\s#="'\\\p{C}\ufffd]/u.test(text) || length > NAME_LIMIT) {
		const expected = `a name (1 to ${NAME_LIMIT} bytes, no spaces, no quotes, not only digits)`;
		throw new ValueError(expected, quoteText(text));
	}
	return text;
}

/** A path in the file system: not empty, no NUL. */
export function readFilePath(text: string): string {
	if (text === '' || text.includes('\0')) throw new ValueError('a path', quoteText(text));
	return text;
}

function withoutBrackets(text: string): string {
	return text.startsWith('[') && text.endsWith(']') ? text.slice(1, -1) : text;
}
