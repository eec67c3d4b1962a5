import {lookup, Resolver} from 'node:dns/promises';
import {readFileSync} from 'node:fs';
import type {Millis} from '../../bytes/time.ts';
import {NameQueue} from './queue.ts';

/** One address that a name server gave. */
export interface NameRecord {
	/** IP literal. */
	readonly address: string;
	/** Seconds for which the answer may be kept; 0: not given. */
	readonly ttl: number;
}

/** A lookup under way. */
export interface NameQuery {
	/** One promise for each kind of address asked for; rejects with an Error that has a `code`. */
	readonly parts: readonly Promise<readonly NameRecord[]>[];
	/** Ends what is under way: parts not settled reject, now or later. */
	cancel(): void;
}

/** Looks names up: name servers, or a test. */
export interface NameQueries {
	/** @param user the asking user, so that slow names of one user delay no other */
	query(name: string, user?: string): NameQuery;
	/** Cancels everything. */
	close(): void;
}

/** Settings of the system's queries. */
export interface SystemQueriesInit {
	/** Name servers instead of the system's: `ADDR:PORT`. */
	readonly servers?: readonly string[];
	/** Text of nsswitch.conf instead of the system's file. */
	readonly nsswitch?: string;
	readonly now: () => Millis;
	/** Asks the C library; the system's except in tests. */
	readonly library?: LibraryLookup;
}

/** A lookup by the C library: nothing can stop one that has begun. */
export type LibraryLookup = (name: string) => Promise<readonly {readonly address: string}[]>;

/**
 * Time until a name server is asked again; the limit of the whole lookup lies beyond the second
 * try.
 */
const TRY_TIMEOUT: Millis = 2000;

/** Greatest age of a resolver: it reads the list of name servers only when it is made. */
const RESOLVER_AGE: Millis = 30_000;

/** Resolvers kept for the next lookup. */
const IDLE_RESOLVERS = 16;

/**
 * Lookups by the C library: each may hold one of the 4 threads that files need, too, for as long as
 * its name servers are silent. So a user has one at a time, which leaves the other to everybody
 * else.
 */
const LIBRARY_LIMITS = {running: 2, runningPerUser: 1, waiting: 1024, waitingPerUser: 64} as const;

interface AgedResolver {
	readonly resolver: Resolver;
	readonly madeAt: Millis;
}

/** Returns the names for which nsswitch.conf asks for more than a hosts file and name servers. */
export function readNsswitch(text: string): 'all' | 'local' | 'none' {
	const line = /^\s*hosts:([^#\n]*)/m.exec(text)?.[1];
	if (line === undefined) return 'none';
	const sources = line
		.replace(/\[[^\]]*\]/g, ' ')
		.split(/\s+/)
		.filter((word) => word !== '');
	// systemd-resolved is also the name server that resolv.conf then gives.
	const isUsual = /^(?:files|dns|resolve|myhostname|mymachines|mdns.*)$/;
	if (!sources.every((source) => isUsual.test(source))) return 'all';
	if (!sources.some((source) => source === 'dns' || source === 'resolve')) return 'all';
	return sources.some((source) => source.startsWith('mdns')) ? 'local' : 'none';
}

function systemNsswitch(): string {
	try {
		return readFileSync('/etc/nsswitch.conf', 'utf8');
	} catch {
		return '';
	}
}

/**
 * Asks the system's name servers directly, A and AAAA at once: the C library would do it on the few
 * threads that the process has. The library is asked where only it knows the answer: for names
 * without a dot (search domains, the machine's own name) and where nsswitch.conf is unusual.
 */
export class SystemQueries implements NameQueries {
	readonly #init: SystemQueriesInit;
	readonly #byLibrary: 'all' | 'local' | 'none';
	readonly #idle: AgedResolver[] = [];
	readonly #busy = new Set<Resolver>();
	readonly #library: LibraryLookups;

	constructor(init: SystemQueriesInit) {
		this.#init = init;
		this.#library = new LibraryLookups(init.library ?? systemLookup);
		this.#byLibrary = readNsswitch(init.nsswitch ?? systemNsswitch());
	}

	query(name: string, user = ''): NameQuery {
		const isForLibrary =
			!name.includes('.') ||
			this.#byLibrary === 'all' ||
			(this.#byLibrary === 'local' && name.endsWith('.local'));
		return isForLibrary ? this.#library.query(name, user) : this.#queryServers(name);
	}

	close(): void {
		for (const resolver of this.#busy) resolver.cancel();
		this.#library.close();
	}

	// One resolver serves one lookup at a time, because it can only cancel everything it does.
	#queryServers(name: string): NameQuery {
		const aged = this.#take();
		const {resolver} = aged;
		this.#busy.add(resolver);
		let cancelled = false;
		const parts = [resolver.resolve4(name, {ttl: true}), resolver.resolve6(name, {ttl: true})];
		void Promise.allSettled(parts).then(() => {
			this.#busy.delete(resolver);
			if (!cancelled && this.#idle.length < IDLE_RESOLVERS) this.#idle.push(aged);
		});
		return {
			parts,
			cancel: () => {
				if (cancelled || !this.#busy.has(resolver)) return;
				cancelled = true;
				resolver.cancel();
			},
		};
	}

	#take(): AgedResolver {
		const now = this.#init.now();
		for (let aged = this.#idle.pop(); aged !== undefined; aged = this.#idle.pop()) {
			if (now - aged.madeAt < RESOLVER_AGE) return aged;
		}
		const resolver = new Resolver({timeout: TRY_TIMEOUT, tries: 2});
		if (this.#init.servers !== undefined) resolver.setServers(this.#init.servers);
		return {resolver, madeAt: now};
	}
}

function systemLookup(name: string): ReturnType<LibraryLookup> {
	return lookup(name, {all: true, verbatim: true});
}

/** Lookups by the C library, few at once, users in turn. */
class LibraryLookups {
	readonly #lookUp: LibraryLookup;
	readonly #queue = new NameQueue(LIBRARY_LIMITS);

	constructor(lookUp: LibraryLookup) {
		this.#lookUp = lookUp;
	}

	query(name: string, user: string): NameQuery {
		const {promise, resolve, reject} = deferred();
		let cancelled = false;
		const limit = this.#queue.push(user, () => {
			if (cancelled) {
				this.#queue.done(user);
				return;
			}
			this.#lookUp(name)
				.then((found) => resolve(found.map(({address}) => ({address, ttl: 0}))), reject)
				.finally(() => this.#queue.done(user));
		});
		const cancel = (): void => {
			cancelled = true;
			reject(new Error('cancelled'));
		};
		if (limit !== undefined) reject(new Error('too many lookups of names without a dot'));
		return {parts: [promise], cancel};
	}

	close(): void {
		this.#queue.clear();
	}
}

interface Deferred {
	readonly promise: Promise<readonly NameRecord[]>;
	readonly resolve: (records: readonly NameRecord[]) => void;
	readonly reject: (error: Error) => void;
}

function deferred(): Deferred {
	let resolve: Deferred['resolve'] = () => {};
	let reject: Deferred['reject'] = () => {};
	const promise = new Promise<readonly NameRecord[]>((ok, fail) => {
		resolve = ok;
		reject = fail;
	});
	return {promise, resolve, reject};
}
