import {readFileSync} from 'node:fs';
import type {Millis} from '../../bytes/time.ts';
import {place} from '../tcp/tcp-table.ts';

/** A local address and port. */
export interface SocketPlace {
	readonly address: string;
	readonly port: number;
}

/** Owners of the sockets of this machine, by the numbers of its users. */
export interface SocketOwners {
	/** The user at the near end of a TCP connection within this machine. `undefined`: not known. */
	ofTcp(near: SocketPlace, far: SocketPlace): number | undefined;
	/** The user who may send UDP datagrams from there. `undefined`: not known, or several. */
	ofUdp(from: SocketPlace): number | undefined;
}

/** The tables are read again when they are older than this. */
const FRESH: Millis = 100;

/** Share of the time that reading them may take. */
const READING_SHARE = 0.05;

/**
 * A socket in a table, as get_tcp4_sock() and udp4_format_sock() of Linux print it: ends and user.
 */
const SOCKET = /^ *\d+: (\w+):(\w{4}) (\w+):(\w{4}) \w\w \w{8}:\w{8} \w\w:\w{8} \w{8} +(\d+) /gm;

/** ::ffff:0:0/96 in the tables of IPv6. */
const MAPPED = '0000000000000000FFFF0000';
const ANY_IPV4 = '0'.repeat(8);
const ANY_IPV6 = '0'.repeat(32);

type Tables = ReadonlyMap<string, number | undefined>;

/** The tables of Linux, read on demand; on other systems nothing is known. */
export class ProcSocketOwners implements SocketOwners {
	readonly #folder: string;
	readonly #now: () => Millis;
	readonly #tcp = {names: ['tcp', 'tcp6'], readAt: -FRESH, rest: 0, users: new Map() as Tables};
	readonly #udp = {names: ['udp', 'udp6'], readAt: -FRESH, rest: 0, users: new Map() as Tables};

	constructor(folder = '/proc/net', now: () => Millis = () => performance.now()) {
		this.#folder = folder;
		this.#now = now;
	}

	ofTcp(near: SocketPlace, far: SocketPlace): number | undefined {
		const [from, to] = [keyOf(near), keyOf(far)];
		if (from === undefined || to === undefined) return undefined;
		return this.#fresh(this.#tcp)?.get(`${from} ${to}`);
	}

	ofUdp(from: SocketPlace): number | undefined {
		const key = keyOf(from);
		const users = key === undefined ? undefined : this.#fresh(this.#udp);
		if (key === undefined || users === undefined) return undefined;
		const [, port] = key.split(':');
		const isIpv4 = key.length === 13;
		const keys = [key, `${ANY_IPV6}:${port}`, ...(isIpv4 ? [`${ANY_IPV4}:${port}`] : [])];
		const found = keys.filter((one) => users.has(one)).map((one) => users.get(one));
		// Of several sockets any one may have sent it.
		return new Set(found).size === 1 ? found[0] : undefined;
	}

	// Undefined while the table is too old and must not be read again yet.
	#fresh(table: {
		readonly names: readonly string[];
		readAt: Millis;
		rest: Millis;
		users: Tables;
	}): Tables | undefined {
		const now = this.#now();
		if (now - table.readAt < FRESH) return table.users;
		if (now < table.rest) return undefined;
		const isTcp = table === this.#tcp;
		const users = new Map<string, number | undefined>();
		for (const name of table.names) addSockets(users, this.#read(name), isTcp);
		table.users = users;
		table.readAt = this.#now();
		table.rest = table.readAt + (table.readAt - now) / READING_SHARE;
		return users;
	}

	#read(name: string): string {
		try {
			return readFileSync(`${this.#folder}/${name}`, 'latin1');
		} catch {
			return '';
		}
	}
}

function addSockets(users: Map<string, number | undefined>, text: string, isTcp: boolean): void {
	for (const [, host = '', port = '', far = '', farPort = '', user] of text.matchAll(SOCKET)) {
		const near = `${unmapped(host)}:${port}`;
		const key = isTcp ? `${near} ${unmapped(far)}:${farPort}` : near;
		const owner = Number(user);
		users.set(key, users.has(key) && users.get(key) !== owner ? undefined : owner);
	}
}

function keyOf({address, port}: SocketPlace): string | undefined {
	const key = place(address, port);
	if (key === undefined) return undefined;
	const [host = ''] = key.split(':');
	return `${unmapped(host)}${key.slice(host.length)}`;
}

function unmapped(host: string): string {
	return host.startsWith(MAPPED) ? host.slice(MAPPED.length) : host;
}
