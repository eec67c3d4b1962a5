import type {Millis} from '../../bytes/time.ts';
import {parseIp} from '../../text/ip.ts';

/**
 * Time for which an address keeps its places from further clients of its own: time for an answer.
 */
const GRACE: Millis = 1000;

/** State that decides which client stays when there is no room. */
export interface PlacedClient {
	/** IP address as text, with or without a zone. */
	readonly host: string;
	readonly admittedAt: Millis;
}

/**
 * Clients of a relay without authentication, at most `limit`. An attacker that fills it with
 * datagrams from ever new ports keeps no client out: when there is no room the address with most
 * clients that the target never answered loses its oldest of these, to an address that has fewer.
 * An address, or as many forged ones, may replace its own after {@link GRACE} only, so that each
 * can be answered. A client that was answered stays until it is silent. All of it takes constant
 * time.
 */
export class LinkClients<Client extends PlacedClient> {
	readonly #limit: number;
	readonly #evict: (client: Client) => void;
	#size = 0;
	/** Never answered, by source, each in the order in which they came. */
	readonly #bySource = new Map<string, Set<Client>>();
	/** The same by how many they are, in the order in which they became so many. */
	readonly #byCount: Set<Set<Client>>[] = [];
	#most = 0;

	/** @param evict ends a client that makes room; it is out of the table by then */
	constructor(limit: number, evict: (client: Client) => void) {
		this.#limit = limit;
		this.#evict = evict;
	}

	/** Makes room for one more client of a host; false = there is none. */
	makeRoom(host: string, now: Millis): boolean {
		if (this.#size < this.#limit) return true;
		const victim = this.#victim(sourceOf(host), now);
		if (victim === undefined) return false;
		this.delete(victim);
		this.#evict(victim);
		return true;
	}

	/** Takes a client in that the target has not answered yet. */
	add(client: Client): void {
		this.#size++;
		const source = sourceOf(client.host);
		let group = this.#bySource.get(source);
		if (group === undefined) {
			group = new Set();
			this.#bySource.set(source, group);
		}
		this.#change(group, () => group.add(client));
	}

	/** The target has answered a client. */
	answered(client: Client): void {
		const source = sourceOf(client.host);
		const group = this.#bySource.get(source);
		if (!group?.has(client)) return;
		this.#change(group, () => group.delete(client));
		if (group.size === 0) this.#bySource.delete(source);
	}

	/** A client that is in the table leaves. */
	delete(client: Client): void {
		this.answered(client);
		this.#size--;
	}

	#victim(source: string, now: Millis): Client | undefined {
		const [largest] = this.#byCount[this.#most] ?? [];
		if (largest === undefined) return undefined;
		const own = this.#bySource.get(source);
		if (largest.size > (own?.size ?? 0) + 1) return oldest(largest);
		for (const group of [own, largest]) {
			const client = group && oldest(group);
			if (client !== undefined && now - client.admittedAt >= GRACE) return client;
		}
		return undefined;
	}

	#change(group: Set<Client>, change: () => void): void {
		this.#byCount[group.size]?.delete(group);
		change();
		const {size} = group;
		if (size > 0) {
			this.#byCount[size] ??= new Set();
			this.#byCount[size].add(group);
			this.#most = Math.max(this.#most, size);
		}
		while (this.#most > 0 && this.#byCount[this.#most]!.size === 0) this.#most--;
	}
}

function oldest<Client>(group: Set<Client>): Client | undefined {
	const [client] = group;
	return client;
}

/** Returns the source of an address: a sender in a /64 may use all of it. */
function sourceOf(host: string): string {
	const bytes = parseIp(host.split('%', 1)[0]!);
	return bytes?.length === 16 ? bytes.subarray(0, 8).join('.') : host;
}
