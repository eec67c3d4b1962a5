import type {Millis} from '../../bytes/time.ts';
import type {SizeCounts} from './size-evidence.ts';

/** Probes remembered: 6.4 s at ten a second. */
const ENTRIES = 64;

/** Furthest that time stamps may run ahead of the clock, in microseconds. */
const FURTHEST_AHEAD = 1_000_000;

/** Record of a PROBE or PONG that went out. */
export interface SentProbe {
	/** Its time stamp: microseconds modulo 2^32. */
	readonly time: number;
	/** Time at which it went out, on the clock of this end. */
	readonly at: Millis;
	/** Packets and bytes sent on the path up to and including it. */
	readonly packets: number;
	readonly bytes: number;
	/** Packets of these that are no probes. */
	readonly data: number;
	/** Probes with padding among them; below, data packets by their size. */
	readonly padded: number;
	readonly larger: SizeCounts;
	/** Bytes of the packet that carried it. */
	readonly size: number;
	/** Set when an echo came back. */
	echoed: boolean;
}

/** The newest probe that came in, to be echoed. */
export interface ReceivedProbe {
	readonly time: number;
	readonly arrival: number;
	readonly packets: number;
}

/** Counters of the peer at the time of a probe. */
export interface EchoedProbe {
	readonly sent: SentProbe;
	readonly arrived: number;
	readonly arrival: number;
}

/** The newest probes sent on one path, found again by the time stamp that the peer echoes. */
export class ProbeHistory {
	readonly #entries: SentProbe[] = [];
	#next = 0;
	#lastTime = -1;
	/**
	 * The newest PROBE or PONG that came in: its time stamp, its arrival on the clock of this end,
	 * and the packets that had come by then.
	 */
	received: ReceivedProbe | undefined = undefined;
	/** The newest probe that was echoed, to measure from. */
	#echoed: EchoedProbe | undefined;

	/** Returns a time stamp for `microseconds` that was not used before on the path. */
	stamp(microseconds: number): number {
		// Stamps run ahead of the clock by few at most: anything else is a clock that wrapped
		// meanwhile.
		const ahead = (this.#lastTime - microseconds) >>> 0;
		const used = this.#lastTime >= 0 && ahead < FURTHEST_AHEAD;
		this.#lastTime = used ? (this.#lastTime + 1) >>> 0 : microseconds;
		return this.#lastTime;
	}

	/** Remembers a probe that went out. */
	add(entry: SentProbe): void {
		this.#entries[this.#next] = entry;
		this.#next = (this.#next + 1) % ENTRIES;
	}

	/** Returns the probe that an echo names. `undefined`: it is unknown or was echoed before. */
	echo(time: number): SentProbe | undefined {
		for (const entry of this.#entries) {
			if (entry.time !== time) continue;
			if (entry.echoed) return undefined;
			entry.echoed = true;
			return entry;
		}
		return undefined;
	}

	/**
	 * Returns the probe echoed before `entry`, to measure a rate from; `entry` takes its place.
	 * @param arrived the peer's count of packets when it got `entry`
	 * @param arrival the peer's time stamp when it got `entry`
	 */
	previous(entry: SentProbe, arrived: number, arrival: number): EchoedProbe | undefined {
		const previous = this.#echoed;
		if (previous !== undefined && entry.packets <= previous.sent.packets) return undefined;
		this.#echoed = {sent: entry, arrived, arrival};
		return previous;
	}
}
