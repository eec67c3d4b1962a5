/**
 * Mix of lengths of a lane's packets. A repair is as long as the longest packet that it covers, and
 * their number is what protects: where lengths differ, bytes buy fewer of them.
 */
export interface LengthMix {
	/** Length of a repair over that of one over a mean packet alone, at least 1. */
	readonly stretch: number;
	/** Share of the sources that are short: these go as copies. */
	readonly short: number;
	/** Their share of the bytes. */
	readonly shortBytes: number;
}

/** Mix of packets of one length. */
export const EQUAL_LENGTHS: LengthMix = {stretch: 1, short: 0, shortBytes: 0};

/** Part of what is allowed beside the sources that copies of short packets may take. */
export const SHORT_PART: number = 1 / 2;

/** Sources over which the means of a mix reach back, and that of bytes, which limits follow. */
const REACH = 256;
const BYTES_REACH = 32;

/** The mix as it counts while so many bytes at most may be sent over those of the sources. */
export function mixWithin(bytes: number, {stretch, short, shortBytes}: LengthMix): LengthMix {
	const room = SHORT_PART * (bytes - 1);
	const part = room < shortBytes ? room / shortBytes : 1;
	return {stretch, short: part * short, shortBytes: part * shortBytes};
}

/**
 * Traffic factor in bytes at which each source that is not short has `repairs` - 1 repairs: the
 * same as `repairs` where all packets have one length.
 */
export function bytesOf(repairs: number, {stretch, short, shortBytes}: LengthMix): number {
	return 1 + shortBytes + (repairs - 1) * (1 - short) * stretch;
}

/** The reverse of `bytesOf`, at least 1. */
export function repairsOf(bytes: number, {stretch, short, shortBytes}: LengthMix): number {
	return Math.max(1, 1 + (bytes - 1 - shortBytes) / ((1 - short) * stretch));
}

/** Packets for each source at a traffic factor as that of `bytesOf`. */
export function packetsOf(repairs: number, {short}: LengthMix): number {
	return 1 + short + (repairs - 1) * (1 - short);
}

/** The reverse of `packetsOf`. */
export function ofPackets(packets: number, {short}: LengthMix): number {
	return 1 + (packets - 1 - short) / (1 - short);
}

/** Measures a mix. */
export class LengthMeter {
	/** Mean bytes of a source's packet on the wire. 0: not known yet. */
	bytes = 0;
	#sources = 0;
	#mean = 0;
	#short = 0;
	#shortBytes = 0;
	/** Mean bytes of a repair over a source alone, and of those over all that they cover. */
	#alone = 0;
	#repair = 0;
	/** Bytes of a repair now. */
	#repairNow = 0;

	/** A repair would take so many bytes now. Infinity: there is none. */
	cover(bytes: number): void {
		if (Number.isFinite(bytes)) this.#repairNow = bytes;
	}

	/**
	 * Takes a source.
	 * @param bytes of its packet on the wire
	 * @param alone bytes of a repair that covers nothing else
	 */
	add(bytes: number, alone: number, isShort: boolean): void {
		if (this.#sources < REACH) this.#sources++;
		const gain = 1 / this.#sources;
		this.bytes += (bytes - this.bytes) * Math.max(gain, 1 / BYTES_REACH);
		this.#mean += (bytes - this.#mean) * gain;
		this.#short += ((isShort ? 1 : 0) - this.#short) * gain;
		this.#shortBytes += ((isShort ? bytes : 0) - this.#shortBytes) * gain;
		this.#alone += (alone - this.#alone) * gain;
		this.#repair += (Math.max(alone, this.#repairNow) - this.#repair) * gain;
	}

	/** Returns the mix. */
	read(): LengthMix {
		if (this.#sources === 0) return EQUAL_LENGTHS;
		const shortBytes = this.#shortBytes / this.#mean;
		return {stretch: this.#repair / this.#alone, short: this.#short, shortBytes};
	}
}
