import {Buffer} from 'node:buffer';
import {readFileSync} from 'node:fs';
import {resolve} from 'node:path';
import type {Prng} from '../../src/sim/prng.ts';
import {FrameType} from '../../src/wire/frames/frame-type.ts';
import {join, type Mutator} from './mutator.ts';

const TYPES = Object.values(FrameType);

/** Frames that once broke a promise. */
const CORPUS: readonly Uint8Array[] = readFileSync(resolve('fixtures/fuzz/frames.txt'), 'utf8')
	.split('\n')
	.filter((line) => /^[0-9a-f]/.test(line))
	.map((line) => new Uint8Array(Buffer.from(line, 'hex')));

/**
 * Layouts: `v` is a varint, `o` an offset of 6 bytes, a number so many bytes, 'l' a length and so many
 * bytes, and 'z' a zero.
 */
type Field = 'v' | 'o' | 'l' | 'z' | number;

const LAYOUTS: Readonly<Record<number, readonly Field[]>> = {
	[FrameType.DATAGRAM]: ['v', 'v'],
	[FrameType.DATAGRAM_TO]: ['v', 'v'],
	[FrameType.FRAGMENT]: [1, 1, 30],
	[FrameType.TARGET_KNOWN]: ['v', 'v'],
	[FrameType.TARGET_UNKNOWN]: ['v', 'v'],
	[FrameType.FLOW_CLOSE]: ['v'],
	[FrameType.FLOW_REFUSED]: ['v', 1],
	[FrameType.TARGET_REFUSED]: ['v', 'v', 1],
	[FrameType.PROBE]: ['v', 'z', 12, 'z'],
	[FrameType.PONG]: ['v', 'z', 12, 'z'],
	[FrameType.FEEDBACK]: ['z', 'v', 'o', 4, 4, 'z'],
	[FrameType.PATHS]: [1, 'v', 'z'],
	[FrameType.PATHS_KNOWN]: [1],
	[FrameType.CLIENT]: [16],
	[FrameType.CLOSE]: ['v', 'v'],
	[FrameType.STREAM_OPEN]: ['v', 'v'],
	[FrameType.STREAM_ACCEPT]: ['v', 'v'],
	[FrameType.STREAM_REJECT]: ['v', 1],
	[FrameType.STREAM_RESET]: ['v', 1],
	[FrameType.STREAM]: ['v', 'o', 'l'],
	[FrameType.STREAM_FIN]: ['v', 'o', 'l'],
	[FrameType.STREAM_WINDOW]: ['v', 'o'],
	[FrameType.STREAM_STOP]: ['v'],
	[FrameType.LANE]: ['v', 4],
	[FrameType.REPAIR]: ['v', 4, 'v', 40],
	[FrameType.LANE_REPORT]: ['v', 4, 'z', 16, 'v', 9, 9],
	[FrameType.LANES]: [1, 'v', 1, 1, 1, 1, 4, 2, 2, 2, 4, 2, 'z'],
	[FrameType.FLOW_LANE]: ['v', 'v', 'v'],
	[FrameType.LANES_KNOWN]: [1],
	[FrameType.DATAGRAM_LEN]: ['v', 'v', 'l'],
};

/** Targets as they are written on the wire: fixed, IPv4, name, IPv6, forward, and unknown kinds. */
const TARGETS: readonly Uint8Array[] = [
	Uint8Array.of(0, 1, 0x61, 1, 0x62),
	Uint8Array.of(1, 198, 18, 0, 1, 0, 53),
	Uint8Array.of(3, 3, 0x61, 0x2e, 0x62, 0, 80),
	join(Uint8Array.of(4), new Uint8Array(15), Uint8Array.of(1, 0, 80)),
	Uint8Array.of(2, 1, 0x61, 1, 0x62, 1, 198, 18, 0, 1, 0, 53),
	Uint8Array.of(9, 0),
];

const TARGETED: ReadonlySet<number> = new Set([
	FrameType.DATAGRAM_TO,
	FrameType.STREAM_OPEN,
	FrameType.STREAM_ACCEPT,
]);

/** Frames that a peer may send, from nearly right to nonsense. */
export class FrameMaker {
	readonly #random: Prng;
	readonly #mutator: Mutator;

	constructor(random: Prng, mutator: Mutator) {
		this.#random = random;
		this.#mutator = mutator;
	}

	/** One to six frames. */
	frames(): Uint8Array {
		const chance = this.#random.integer(40);
		const old = this.#mutator.pick(CORPUS);
		if (chance === 0) return old;
		if (chance === 1)
			return this.#mutator.mutate(old, this.#mutator.pick(CORPUS)).subarray(0, 1445);
		const count = this.#random.integer(8) === 0 ? 60 : 1 + this.#random.integer(6);
		const frames = join(...Array.from({length: count}, () => this.#frame()));
		// A packet has 1,472 bytes at most, 27 of them around its frames.
		return frames.length === 0 ? Uint8Array.of(0) : frames.subarray(0, 1445);
	}

	#frame(): Uint8Array {
		const random = this.#random;
		const type = random.integer(200) === 0 ? random.integer(256) : this.#mutator.pick(TYPES);
		const parts: Uint8Array[] = [Uint8Array.of(type)];
		for (const field of LAYOUTS[type] ?? []) parts.push(this.#field(field));
		if (TARGETED.has(type)) parts.push(this.#target());
		if (random.integer(60) === 0) parts.push(this.#mutator.bytes());
		return join(...parts);
	}

	#target(): Uint8Array {
		const known = this.#random.integer(30) > 0 ? TARGETS.length - 1 : TARGETS.length;
		return TARGETS[this.#random.integer(known)]!;
	}

	/** Mostly one of the few ids, offsets and lengths that are in use. */
	#number(): Uint8Array {
		return this.#random.integer(12) > 0
			? Uint8Array.of(this.#random.integer(6))
			: this.#mutator.varint();
	}

	#field(field: Field): Uint8Array {
		switch (field) {
			case 'v':
				return this.#number();
			case 'o':
				return join(
					new Uint8Array(4),
					Uint8Array.of(this.#random.integer(2), this.#random.integer(40)),
				);
			case 'l': {
				const length = this.#random.integer(30);
				return join(Uint8Array.of(length), new Uint8Array(length));
			}
			case 'z':
				return this.#random.integer(100) === 0 ? this.#mutator.bytes(1) : Uint8Array.of(0);
			default: {
				const bytes = new Uint8Array(field);
				if (this.#random.integer(2) === 0) this.#random.fill(bytes);
				else bytes[field - 1] = this.#random.integer(8);
				return bytes;
			}
		}
	}
}
