import {canonicalAddress, formatIp, sameAddress} from '../text/ip.ts';
import type {SocksTarget} from './target.ts';
import {targetOf, type UdpHeader} from './udp-header.ts';

/** Targets of one association; beyond it the one unused for longest is forgotten. */
export const MAX_TARGETS = 256;
/** Addresses that one name may be known to have. */
const MAX_LEARNED = 16;

interface Entry {
	readonly target: SocksTarget;
	/** ATYP, address and port as they were sent. */
	readonly raw: Uint8Array;
	readonly key: string;
	/** Addresses of a name as the far end reported them, as text. */
	readonly learned: Set<string>;
}

function keyOf(bytes: Uint8Array, start: number, end: number): string {
	return String.fromCharCode(...bytes.subarray(start, end));
}

function matches(entry: Entry, bytes: Uint8Array, start: number, end: number): boolean {
	const {raw} = entry;
	if (raw.length !== end - start) return false;
	for (let i = 0; i < raw.length; i++) if (raw[i] !== bytes[start + i]) return false;
	return true;
}

/**
 * The targets that an association has sent to, the most recently used ones. The object of a target
 * stays the same for as long as it is remembered, so that others can key by its identity.
 */
export class TargetTable {
	/** In the order of use, oldest first. */
	readonly #entries = new Map<string, Entry>();
	/** Nearly every datagram goes where the one before went: no key is built for it. */
	#newest: Entry | undefined;
	#evicted: SocksTarget | undefined;

	/** The target that the last {@link find} pushed out, if it did. */
	get evicted(): SocksTarget | undefined {
		return this.#evicted;
	}

	/** The target of a header that was just read. `undefined`: its name is none. */
	find(bytes: Uint8Array, header: UdpHeader): SocksTarget | undefined {
		this.#evicted = undefined;
		const {targetStart, payloadStart} = header;
		if (this.#newest !== undefined && matches(this.#newest, bytes, targetStart, payloadStart)) {
			return this.#newest.target;
		}
		const key = keyOf(bytes, targetStart, payloadStart);
		let entry = this.#entries.get(key);
		if (entry === undefined) {
			const target = targetOf(bytes, header);
			if (target === undefined) return undefined;
			const raw = bytes.slice(targetStart, payloadStart);
			entry = {target, raw, key, learned: new Set()};
			if (this.#entries.size >= MAX_TARGETS) this.#evictOldest();
		} else this.#entries.delete(key);
		this.#entries.set(key, entry);
		this.#newest = entry;
		return entry.target;
	}

	#evictOldest(): void {
		for (const [key, {target}] of this.#entries) {
			this.#entries.delete(key);
			this.#evicted = target;
			return;
		}
	}

	/** Adds an address of a name, as its resolver reported it. */
	learn(target: SocksTarget, address: string): void {
		for (const entry of this.#entries.values()) {
			if (entry.target !== target || entry.learned.size >= MAX_LEARNED) continue;
			entry.learned.add(canonicalAddress(address) ?? address);
		}
	}

	/** True when this (unmapped) address is that of a target, whatever the port. */
	hasAddress(address: Uint8Array): boolean {
		const text = formatIp(address);
		for (const {target, learned} of this.#entries.values()) {
			if (target.kind !== 'domain' && sameAddress(target.address, address)) return true;
			if (learned.has(text)) return true;
		}
		return false;
	}
}
