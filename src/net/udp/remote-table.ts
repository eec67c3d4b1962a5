import type {RemoteAddress} from '../../core/remote-address.ts';

/** Limit of interned addresses: an attacker can invent as many as it likes. */
const REMOTE_LIMIT = 65_536;

/**
 * Makes one object of every (socket, host, port). When it is full it forgets all of
 * them: objects handed out stay valid, but the same address is then another object with the same
 * key.
 */
export class RemoteTable<Remote extends RemoteAddress = RemoteAddress> {
	readonly #make: (key: string, socket: number, host: string, port: number) => Remote;
	readonly #limit: number;
	readonly #remotes = new Map<string, Remote>();

	constructor(
		make: (key: string, socket: number, host: string, port: number) => Remote,
		limit: number = REMOTE_LIMIT,
	) {
		this.#make = make;
		this.#limit = limit;
	}

	/** Interned addresses. */
	get size(): number {
		return this.#remotes.size;
	}

	/** The object of this address; `host` must be as the system writes it. */
	intern(socket: number, host: string, port: number): Remote {
		const key = `${socket} ${host} ${port}`;
		let remote = this.#remotes.get(key);
		if (remote === undefined) {
			if (this.#remotes.size >= this.#limit) this.#remotes.clear();
			remote = this.#make(key, socket, host, port);
			this.#remotes.set(key, remote);
		}
		return remote;
	}
}

/** Makes an address that is nothing but that. */
export function plainRemote(
	key: string,
	socket: number,
	host: string,
	port: number,
): RemoteAddress {
	return {key, socket, host, port};
}
