import type {Millis} from '../../bytes/time.ts';
import {hostName} from '../../text/host-name.ts';
import {parseIp, unmap} from '../../text/ip.ts';
import {NameCache} from './cache.ts';
import {HOSTS_PATH, HostsFile, type HostsSource} from './hosts-file.ts';
import {orderAddresses, type Sources, systemSources} from './order.ts';
import {type NameQueries, type NameQuery, type NameRecord, SystemQueries} from './queries.ts';
import {NameQueue} from './queue.ts';

/** Reason why a name has no addresses. */
export interface NameFailure {
	/** `invalid`: no name; `unknown`: it has none; `no-answer`: not now; `busy`: too many lookups. */
	readonly code: 'invalid' | 'unknown' | 'no-answer' | 'busy';
	/** In a few words, for a log. */
	readonly detail: string;
}

/** Answer for a name: at least one address and no failure, or a failure and no address. */
export interface NameAnswer {
	/** 4 or 16 bytes each, mapped ones unwrapped, best first; shared, so never to be changed. */
	readonly addresses: readonly Uint8Array[];
	readonly failure: NameFailure | undefined;
}

/** The time as the lookups see it; a test has its own. */
export interface NameClock {
	now(): Millis;
	/** Calls `run` after a while, unless the function returned was called before. */
	after(delay: Millis, run: () => void): () => void;
}

/** Overrides of the system and the defaults. */
export interface NamesInit {
	readonly clock?: NameClock;
	readonly queries?: NameQueries;
	/** Path of a hosts file, or what stands for one. */
	readonly hosts?: HostsSource | string;
	readonly sources?: () => Sources;
}

/** Lookups at once, of all users and of each, and how many may wait for their turn. */
const LIMITS = {running: 64, runningPerUser: 8, waiting: 4096, waitingPerUser: 256} as const;

/** Answers kept. */
const CACHE_LIMIT = 4096;

/** Addresses kept of one name; a seventeenth would never be tried. */
const ADDRESS_LIMIT = 16;

/** Time after which a lookup is given up. */
const LOOKUP_TIMEOUT: Millis = 5000;

/**
 * Time for which one kind of address waits for the other (RFC 8305: 50 ms, for a nearby server).
 */
const OTHER_FAMILY_DELAY: Millis = 100;

/** Bounds of the lifetime of addresses, whatever TTL the name's owner gives. */
const MIN_LIFETIME: Millis = 60_000;
const MAX_LIFETIME: Millis = 3_600_000;

/** Time for which a failure is kept. */
const FAILURE_LIFETIME: Millis = 5000;

const SYSTEM_CLOCK: NameClock = {
	now: () => performance.now(),
	after: (delay, run) => {
		const timer = setTimeout(run, delay);
		return () => clearTimeout(timer);
	},
};

function failed(code: NameFailure['code'], detail: string): NameAnswer {
	return {addresses: [], failure: {code, detail}};
}

/**
 * Resolves the names that users give, at the server: literals, the hosts file, the cache, then name
 * servers. Never rejects. Lookups of one user are bounded, so that no user's names, slow or failing
 * as they may be, delay another's; equal names share a lookup.
 */
export class Names {
	readonly #clock: NameClock;
	readonly #queries: NameQueries;
	readonly #hosts: HostsFile;
	readonly #sources: () => Sources;
	readonly #cache: NameCache<NameAnswer>;
	readonly #queue = new NameQueue(LIMITS);
	readonly #running = new Map<string, Promise<NameAnswer>>();
	// By user and name; a name waits once for each user, who is not to wait in another's line.
	readonly #waiting = new Map<string, Promise<NameAnswer>>();
	readonly #abandon = new Set<(answer: NameAnswer) => void>();
	#closed = false;

	constructor(init: NamesInit = {}) {
		this.#clock = init.clock ?? SYSTEM_CLOCK;
		const now = (): Millis => this.#clock.now();
		this.#queries = init.queries ?? new SystemQueries({now});
		this.#hosts = new HostsFile(init.hosts ?? HOSTS_PATH, now);
		this.#sources = init.sources ?? systemSources;
		this.#cache = new NameCache(CACHE_LIMIT, now);
		void this.#hosts.refresh();
	}

	/** Returns the answer for a name without a lookup. `undefined`: one is needed. */
	peek(text: string): NameAnswer | undefined {
		const name = hostName(text);
		if (name === undefined) return readLiteral(text);
		void this.#hosts.refresh();
		return this.#hosts.isKnown ? this.#known(name) : undefined;
	}

	/**
	 * Finds the addresses of a name for a user, who pays for the lookup with a share of the limits.
	 */
	async resolve(user: string, text: string): Promise<NameAnswer> {
		const name = hostName(text);
		if (name === undefined) return readLiteral(text);
		await this.#hosts.refresh();
		if (this.#closed) return failed('no-answer', 'the server is stopping');
		const key = `${user}\n${name}`;
		return (
			this.#known(name) ??
			this.#running.get(name) ??
			this.#waiting.get(key) ??
			this.#enqueue(user, name, key)
		);
	}

	/** Ends all lookups; those under way and later ones fail. */
	close(): void {
		if (this.#closed) return;
		this.#closed = true;
		this.#queue.clear();
		this.#queries.close();
		const answer = failed('no-answer', 'the server is stopping');
		for (const abandon of [...this.#abandon]) abandon(answer);
	}

	#known(name: string): NameAnswer | undefined {
		const hosts = this.#hosts.find(name);
		if (hosts === undefined) return this.#cache.get(name);
		return {addresses: orderAddresses(hosts, this.#sources()), failure: undefined};
	}

	#enqueue(user: string, name: string, key: string): Promise<NameAnswer> {
		let settle: (answer: NameAnswer | Promise<NameAnswer>) => void = () => {};
		const promise = new Promise<NameAnswer>((resolve) => {
			settle = resolve;
		});
		this.#waiting.set(key, promise);
		this.#abandon.add(settle);
		const leave = (): void => {
			this.#waiting.delete(key);
			this.#abandon.delete(settle);
		};
		const limit = this.#queue.push(user, () => {
			leave();
			// Another user's lookup may have answered in the meantime, or be about to.
			const known = this.#known(name) ?? this.#running.get(name);
			if (known === undefined) settle(this.#start(user, name));
			else {
				settle(known);
				this.#queue.done(user);
			}
		});
		if (limit !== undefined) {
			leave();
			settle(failed('busy', `too many lookups of ${limit === 'user' ? 'this user' : 'all users'}`));
		}
		return promise;
	}

	#start(user: string, name: string): Promise<NameAnswer> {
		const promise = new Promise<NameAnswer>((resolve) => {
			const finish = (answer: NameAnswer, lifetime: Millis): void => {
				this.#abandon.delete(abandon);
				this.#running.delete(name);
				if (!this.#closed) this.#cache.set(name, answer, lifetime);
				resolve(answer);
				this.#queue.done(user);
			};
			const abandon = collect(this.#query(name, user), this.#clock, (found, error) => {
				if (error !== undefined) finish({addresses: [], failure: error}, FAILURE_LIFETIME);
				else finish(this.#answerOf(found), lifetimeOf(found));
			});
			this.#abandon.add(abandon);
		});
		this.#running.set(name, promise);
		return promise;
	}

	#query(name: string, user: string): NameQuery {
		try {
			return this.#queries.query(name, user);
		} catch (error) {
			// No resolver could be made, for want of memory or descriptors.
			return {parts: [Promise.reject(error)], cancel: () => {}};
		}
	}

	#answerOf(found: readonly NameRecord[]): NameAnswer {
		const addresses = found.flatMap(({address}) => {
			const bytes = parseIp(address);
			return bytes === undefined ? [] : [unmap(bytes)];
		});
		if (addresses.length === 0) return failed('unknown', 'the name has no usable address');
		const ordered = orderAddresses(addresses, this.#sources());
		return {addresses: ordered.slice(0, ADDRESS_LIMIT), failure: undefined};
	}
}

/**
 * Reads text that is no name as an address, or as nothing: odd spellings of numbers never get any
 * further.
 */
function readLiteral(text: string): NameAnswer {
	const bytes = parseIp(text);
	if (bytes === undefined) return failed('invalid', 'neither a name nor an IP address');
	return {addresses: [unmap(bytes)], failure: undefined};
}

/** The shortest time that any of the records may be kept, within bounds. */
function lifetimeOf(found: readonly NameRecord[]): Millis {
	const shortest = Math.min(...found.map(({ttl}) => ttl * 1000));
	return Math.min(MAX_LIFETIME, Math.max(MIN_LIFETIME, shortest));
}

/** Error codes of name servers and the C library for a name without addresses. */
const UNKNOWN_CODES: ReadonlySet<string> = new Set(['ENOTFOUND', 'ENODATA', 'NODATA']);

function failureOf(errors: readonly unknown[]): NameFailure {
	const codes = errors.map((error) =>
		error instanceof Error && 'code' in error ? error.code : '',
	);
	const code = codes.find((one) => typeof one !== 'string' || !UNKNOWN_CODES.has(one));
	if (code === undefined) return {code: 'unknown', detail: 'the name is not known'};
	if (code === 'ETIMEOUT') return {code: 'no-answer', detail: 'no name server answers'};
	return {code: 'no-answer', detail: `the lookup failed${code === '' ? '' : ` (${code})`}`};
}

type Collected = (found: readonly NameRecord[], failure: NameFailure | undefined) => void;

/**
 * Waits for all parts of a query, once something was found not for long, and in any case not
 * beyond the limit; then calls `done` once and cancels the rest. What is returned ends it early.
 */
function collect(
	query: NameQuery,
	clock: NameClock,
	done: Collected,
): (answer: NameAnswer) => void {
	const found: NameRecord[] = [];
	const errors: unknown[] = [];
	let open = query.parts.length;
	let finished = false;
	let stopWaiting: (() => void) | undefined;
	const finish = (failure: NameFailure | undefined): void => {
		if (finished) return;
		finished = true;
		stopLimit();
		stopWaiting?.();
		if (open > 0) query.cancel();
		done(found, failure);
	};
	const stopLimit = clock.after(LOOKUP_TIMEOUT, () => {
		finish({code: 'no-answer', detail: 'no name server answers'});
	});
	const settled = (): void => {
		open--;
		if (finished) return;
		if (open === 0) finish(found.length > 0 ? undefined : failureOf(errors));
		else if (found.length > 0) {
			stopWaiting ??= clock.after(OTHER_FAMILY_DELAY, () => finish(undefined));
		}
	};
	for (const part of query.parts) {
		part.then(
			(records) => {
				// A caller that has the other addresses does not expect more to come.
				if (!finished) found.push(...records);
				settled();
			},
			(error: unknown) => {
				errors.push(error);
				settled();
			},
		);
	}
	return ({failure}) => finish(failure);
}
