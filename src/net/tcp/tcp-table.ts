import {readFile} from 'node:fs/promises';
import type {Socket} from 'node:net';
import type {Millis} from '../../bytes/time.ts';
import {parseIp} from '../../text/ip.ts';

/** Greatest age of the figures. */
const REFRESH: Millis = 10_000;

const FILES = ['/proc/net/tcp', '/proc/net/tcp6'];

/**
 * A line with a timer that waits for an acknowledgement (1) or for a window (4), as get_tcp4_sock()
 * of Linux prints it: both ends, state, queues, timer, retransmits, user, window probes.
 */
const WAITING = /^ *\d+: (\w+:\w{4} \w+:\w{4}) \w\w \w{8}:\w{8} 0[14]:\w{8} (\w{8}) +\d+ +(\d+) /gm;

/** The system's figures of bytes that a connection has under way. */
export interface TcpAttempts {
	/**
	 * Returns how often in a row the system sent to the socket's peer without any answer; -1: it
	 * waits for none. `undefined`: unknown, or not known since at most 10 s; the caller asks again
	 * later.
	 */
	of(socket: Socket, now: Millis): number | undefined;
}

/**
 * The table of TCP connections of Linux, read on demand. On other systems nothing is known. It
 * needs neither native code nor the socket's descriptor, which Node.js does not expose.
 */
export class TcpTable implements TcpAttempts {
	#attempts: ReadonlyMap<string, number> | undefined;
	#readAt: Millis = Number.NEGATIVE_INFINITY;
	#reading = false;
	#missing = false;

	of(socket: Socket, now: Millis): number | undefined {
		if (now - this.#readAt >= REFRESH) {
			this.#attempts = undefined;
			if (!this.#reading && !this.#missing) void this.#read(now);
		}
		const key = keyOf(socket);
		return key === undefined ? undefined : this.#attempts && (this.#attempts.get(key) ?? -1);
	}

	async #read(now: Millis): Promise<void> {
		this.#reading = true;
		const texts = await Promise.all(FILES.map((file) => readFile(file, 'latin1').catch(() => '')));
		this.#reading = false;
		this.#missing = texts.every((text) => text === '');
		if (this.#missing) return;
		this.#readAt = now;
		this.#attempts = new Map(texts.flatMap(parseTable));
	}
}

/** The one of this process. */
export const SYSTEM_TCP_TABLE: TcpAttempts = new TcpTable();

/** The connections with something under way, and how often it was sent in vain. */
export function parseTable(text: string): [string, number][] {
	return [...text.matchAll(WAITING)].map(([, key = '', retransmits = '', probes = '']) => [
		key,
		Math.max(Number.parseInt(retransmits, 16), Number(probes)),
	]);
}

function keyOf(socket: Socket): string | undefined {
	const near = place(socket.localAddress, socket.localPort);
	const far = place(socket.remoteAddress, socket.remotePort);
	return near === undefined || far === undefined ? undefined : `${near} ${far}`;
}

/** An address and a port as the table has them: words in the order of the machine. */
export function place(host: string | undefined, port: number | undefined): string | undefined {
	const [address = ''] = host?.split('%') ?? [];
	const bytes = parseIp(address);
	if (bytes === undefined || port === undefined) return undefined;
	const words = new Uint32Array(bytes.slice().buffer);
	return `${Array.from(words, (word) => hex(word, 8)).join('')}:${hex(port, 4)}`;
}

function hex(value: number, digits: number): string {
	return value.toString(16).toUpperCase().padStart(digits, '0');
}
