import type {Socket} from 'node:net';
import type {Millis} from '../../bytes/time.ts';
import {formatIp} from '../../text/ip.ts';
import {RefusalCode} from '../../wire/constants.ts';
import type {SocketAccount} from '../udp/socket-budget.ts';

/** Delay until the next attempt joins (RFC 8305, 5). */
const ATTEMPT_DELAY: Millis = 250;

/** The time as a race sees it; a test has its own. */
export interface RaceClock {
	/** Calls `run` after a while, unless the function returned was called before. */
	after(delay: Millis, run: () => void): () => void;
}

/** Inputs of a race. */
export interface TcpRaceInit {
	/** 4 or 16 bytes each, best first; at least one. */
	readonly addresses: readonly Uint8Array[];
	readonly port: number;
	/** Each attempt takes one, and gives it back when its socket is closed, the winner's too. */
	readonly account: SocketAccount;
	/** Begins a connection to an IP literal. */
	readonly open: (host: string, port: number) => Socket;
	readonly clock: RaceClock;
	/** Returns the system's code for a connection that was made and is not to be used after all. */
	readonly rejects?: (socket: Socket) => string | undefined;
	/** Called once with the connection, which has no listeners yet, or with one of RefusalCode. */
	readonly done: (outcome: Socket | number) => void;
}

/**
 * Connects to the first of several addresses that answers: happy eyeballs (RFC 8305). Families take
 * turns; attempts begin 250 ms apart, or at once when one fails, and none is given up before
 * another has won.
 */
export class TcpRace {
	readonly #init: TcpRaceInit;
	readonly #queue: Uint8Array[];
	readonly #running = new Set<Socket>();
	readonly #failures: number[] = [];
	#cancelDelay: () => void = () => {};
	#over = false;

	constructor(init: TcpRaceInit) {
		this.#init = init;
		this.#queue = alternate(init.addresses);
	}

	/** Begins; the outcome may come at once. */
	start(): void {
		this.#next();
	}

	/** Ends it without an outcome. */
	stop(): void {
		this.#over = true;
		this.#cancelDelay();
		for (const socket of this.#running) socket.destroy();
		this.#running.clear();
	}

	#next(): void {
		if (this.#over) return;
		this.#cancelDelay();
		const {port, account, open, clock} = this.#init;
		const address = this.#queue.shift();
		if (address !== undefined && !account.take()) {
			this.#failures.push(RefusalCode.DESCRIPTORS);
			this.#queue.length = 0;
		} else if (address !== undefined) {
			const socket = open(formatIp(address), port);
			this.#running.add(socket);
			const failed = (error: NodeJS.ErrnoException) => this.#failed(socket, error.code);
			socket.on('error', failed);
			socket.once('close', () => account.give());
			socket.once('connect', () => {
				const rejected = this.#init.rejects?.(socket);
				if (rejected !== undefined) {
					socket.destroy();
					this.#failed(socket, rejected);
					return;
				}
				socket.off('error', failed);
				this.#won(socket);
			});
			if (this.#queue.length > 0) {
				this.#cancelDelay = clock.after(ATTEMPT_DELAY, () => this.#next());
			}
		}
		if (this.#running.size === 0) this.#lost();
	}

	#failed(socket: Socket, code: string | undefined): void {
		if (!this.#running.delete(socket)) return;
		this.#failures.push(refusalOfError(code));
		this.#next();
	}

	#won(socket: Socket): void {
		this.#running.delete(socket);
		this.stop();
		this.#init.done(socket);
	}

	#lost(): void {
		this.#over = true;
		const code = MOST_SPECIFIC.find((one) => this.#failures.includes(one));
		this.#init.done(code ?? RefusalCode.SOCKET);
	}
}

/** Of several failed attempts the most specific one is reported: the first of these to be found. */
const MOST_SPECIFIC: readonly number[] = [
	RefusalCode.REFUSED,
	RefusalCode.NET_UNREACHABLE,
	RefusalCode.HOST_UNREACHABLE,
	RefusalCode.TIMED_OUT,
	RefusalCode.DENIED,
	RefusalCode.DESCRIPTORS,
];

const CODE_OF_ERROR: ReadonlyMap<string, number> = new Map([
	['ECONNREFUSED', RefusalCode.REFUSED],
	// A reset means that a host answered and refused.
	['ECONNRESET', RefusalCode.REFUSED],
	['ENETUNREACH', RefusalCode.NET_UNREACHABLE],
	['ENETDOWN', RefusalCode.NET_UNREACHABLE],
	['EADDRNOTAVAIL', RefusalCode.NET_UNREACHABLE],
	['EAFNOSUPPORT', RefusalCode.NET_UNREACHABLE],
	['EHOSTUNREACH', RefusalCode.HOST_UNREACHABLE],
	['EHOSTDOWN', RefusalCode.HOST_UNREACHABLE],
	['ETIMEDOUT', RefusalCode.TIMED_OUT],
	['EACCES', RefusalCode.DENIED],
	['EPERM', RefusalCode.DENIED],
	['EMFILE', RefusalCode.DESCRIPTORS],
	['ENFILE', RefusalCode.DESCRIPTORS],
]);

/** Returns the RefusalCode of an error of the system; SOCKET for unspecific ones. */
export function refusalOfError(code: string | undefined): number {
	return CODE_OF_ERROR.get(code ?? '') ?? RefusalCode.SOCKET;
}

/** Families in turn, beginning with that of the best address, else in their order (RFC 8305, 4). */
function alternate(addresses: readonly Uint8Array[]): Uint8Array[] {
	const length = addresses[0]?.length;
	const first = addresses.filter((address) => address.length === length);
	const second = addresses.filter((address) => address.length !== length);
	const longest = Math.max(first.length, second.length);
	return Array.from({length: longest}, (_, i) => [first[i], second[i]])
		.flat()
		.filter((address) => address !== undefined);
}
