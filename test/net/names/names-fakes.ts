import type {HostsSource} from '../../../src/net/names/hosts-file.ts';
import {type NameAnswer, type NameClock, Names} from '../../../src/net/names/names.ts';
import type {NameQueries, NameQuery, NameRecord} from '../../../src/net/names/queries.ts';
import {formatIp} from '../../../src/text/ip.ts';

/** A clock that stands still until it is moved. */
export class FakeClock implements NameClock {
	#now = 0;
	readonly #timers = new Set<{readonly at: number; readonly run: () => void}>();

	/** Timers that may still go off. */
	get armed(): number {
		return this.#timers.size;
	}

	now(): number {
		return this.#now;
	}

	after(delay: number, run: () => void): () => void {
		const timer = {at: this.#now + delay, run};
		this.#timers.add(timer);
		return () => this.#timers.delete(timer);
	}

	/** Moves on, timers first come first served, and lets promises settle. */
	async advance(time: number): Promise<void> {
		await settle();
		const end = this.#now + time;
		for (;;) {
			const [next] = [...this.#timers].sort((a, b) => a.at - b.at);
			if (next === undefined || next.at > end) break;
			this.#now = next.at;
			this.#timers.delete(next);
			next.run();
			await settle();
		}
		this.#now = end;
		await settle();
	}
}

/** Lets everything that is ready run. */
export async function settle(): Promise<void> {
	for (let i = 0; i < 3; i++) await new Promise((resolve) => setImmediate(resolve));
}

/** An Error as the resolver throws it. */
export function dnsError(code: string): Error {
	return Object.assign(new Error(code), {code});
}

/** A lookup that the test answers. */
export class FakeQuery implements NameQuery {
	readonly name: string;
	readonly parts: readonly Promise<readonly NameRecord[]>[];
	cancelled = false;
	readonly #settle: ((records: readonly NameRecord[] | Error) => void)[] = [];

	constructor(name: string) {
		this.name = name;
		this.parts = [0, 1].map(
			() =>
				new Promise((resolve, reject) => {
					this.#settle.push((records) => {
						if (records instanceof Error) reject(records);
						else resolve(records);
					});
				}),
		);
	}

	cancel(): void {
		this.cancelled = true;
	}

	/** Answers one kind of address: 0 for IPv4, 1 for IPv6. */
	answer(part: 0 | 1, answer: Error | readonly string[], ttl = 60): void {
		this.#settle[part]?.(
			answer instanceof Error ? answer : answer.map((address) => ({address, ttl})),
		);
	}

	/** Answers IPv4 with addresses and IPv6 with nothing. */
	succeed(addresses: readonly string[], ttl = 60): void {
		this.answer(0, addresses, ttl);
		this.answer(1, dnsError('ENODATA'));
	}

	/** Fails both. */
	fail(code: string): void {
		this.answer(0, dnsError(code));
		this.answer(1, dnsError(code));
	}
}

/** Lookups that the test answers, in the order in which they were started. */
export class FakeQueries implements NameQueries {
	readonly started: FakeQuery[] = [];
	closed = false;

	query(name: string): NameQuery {
		const query = new FakeQuery(name);
		this.started.push(query);
		return query;
	}

	close(): void {
		this.closed = true;
	}
}

/** A hosts file in memory. */
export class FakeHosts implements HostsSource {
	text: string | undefined;
	reads = 0;

	constructor(text: string | undefined) {
		this.text = text;
	}

	version(): Promise<string | undefined> {
		return Promise.resolve(this.text);
	}

	read(): Promise<string> {
		this.reads++;
		return Promise.resolve(this.text ?? '');
	}
}

/** Everything about one resolver under test. */
export interface Setting {
	readonly names: Names;
	readonly clock: FakeClock;
	readonly queries: FakeQueries;
	readonly hosts: FakeHosts;
}

/** A resolver in a world of the test's making; a host with IPv4 and IPv6. */
export function makeNames(hostsText = ''): Setting {
	const clock = new FakeClock();
	const queries = new FakeQueries();
	const hosts = new FakeHosts(hostsText);
	const names = new Names({clock, queries, hosts, sources: () => ({ipv4: true, ipv6: 'global'})});
	return {names, clock, queries, hosts};
}

/** An answer in one line, to compare it by. */
export function show(answer: NameAnswer | undefined): string {
	if (answer === undefined) return 'not known';
	return answer.failure?.code ?? answer.addresses.map(formatIp).join(' ');
}
