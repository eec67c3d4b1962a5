import {type Field, FRAMES, type Layout, table} from './layouts.ts';

/** A field that was read: integers as numbers, bytes as hex. */
export type Value = readonly [name: string, value: number | string];

/** What the document says of the text in a target: listener and application, and names. */
const TEXT = /^[\x20-\x7e]{0,64}$/;
const NAME = /^[A-Za-z0-9_.-]{1,253}$/;

const KINDS = table('6.2 Targets').map(([kind, , words]) => ({kind: Number(kind), words: words!}));

/**
 * Reads frames as the document describes them, and by nothing else: a slow twin of the codecs. Every
 * method throws `Malformed` where the bytes break the description.
 */
export class LayoutReader {
	readonly #bytes: Uint8Array;
	#at = 0;

	constructor(bytes: Uint8Array) {
		this.#bytes = bytes;
	}

	/** Bytes read. */
	get position(): number {
		return this.#at;
	}

	/** The fields of a frame behind its type byte. */
	read({fields, count, entry}: Layout): Value[] {
		const values: Value[] = [];
		this.#fields(fields, values);
		if (count === undefined || entry === undefined) return values;
		const entries = numberOf(values, count);
		for (let i = 0; i < entries; i++) {
			const own: Value[] = [];
			this.#fields(entry, own);
			values.push(...own);
		}
		return values;
	}

	#fields(fields: readonly Field[], values: Value[]): void {
		for (const field of fields) {
			if (field.flag !== undefined && (numberOf(values, 'flags') & field.flag) === 0) continue;
			const value = this.#field(field, values);
			if (typeof value === 'number' && (value < field.min || value > field.max)) {
				throw new Malformed();
			}
			values.push([field.name, value]);
		}
	}

	#field({name, size, kinds = []}: Field, values: readonly Value[]): number | string {
		if (size === 'varint') return this.#varint();
		if (size === 'target') return this.#target(kinds);
		if (size === 'rest') return toHex(this.#take(this.#bytes.length - this.#at));
		if (typeof size === 'number') return size > 6 ? toHex(this.#take(size)) : this.#integer(size);
		const bytes = this.#take(numberOf(values, size.of));
		if (name === 'name' && !TEXT.test(latin(bytes))) throw new Malformed();
		return toHex(bytes);
	}

	#take(length: number): Uint8Array {
		if (this.#at + length > this.#bytes.length) throw new Malformed();
		this.#at += length;
		return this.#bytes.subarray(this.#at - length, this.#at);
	}

	#integer(length: number): number {
		return this.#take(length).reduce((value, byte) => value * 256 + byte, 0);
	}

	/** RFC 9000, section 16, without the form of 8 bytes. */
	#varint(): number {
		const form = this.#take(1)[0]! >> 6;
		if (form === 3) throw new Malformed();
		this.#at--;
		return this.#integer(1 << form) % 2 ** (8 * (1 << form) - 2);
	}

	/** A target of section 6.2, as it travels. */
	#target(kinds: readonly number[]): string {
		const start = this.#at;
		const kind = this.#integer(1);
		const layout = KINDS.find((known) => known.kind === kind);
		if (layout === undefined || !kinds.includes(kind)) throw new Malformed();
		let length = 0;
		for (const part of layout.words.split(/, (?!3 or)/)) {
			if (part.startsWith('then a target')) this.#target([1, 3, 4]);
			else if (/length 1$/.test(part)) length = this.#integer(1);
			else if (/ \d+$/.test(part)) this.#take(Number(part.split(' ').at(-1)));
			else if (!(part === 'name' ? NAME : TEXT).test(latin(this.#take(length)))) {
				throw new Malformed();
			}
		}
		return toHex(this.#bytes.subarray(start, this.#at));
	}
}

/** Bytes that break the description. */
class Malformed extends Error {}

/** Reads a frame behind its type byte; `undefined`: it is malformed. */
export function readByDocument(
	type: number,
	bytes: Uint8Array,
): {readonly values: readonly Value[]; readonly length: number} | undefined {
	const frame = FRAMES.find((known) => known.type === type)!;
	const reader = new LayoutReader(bytes);
	try {
		const values = reader.read(frame.layout);
		return {values, length: reader.position};
	} catch (error) {
		if (error instanceof Malformed) return undefined;
		throw error;
	}
}

function numberOf(values: readonly Value[], name: string): number {
	const value = values.findLast(([known]) => known === name)?.[1];
	if (typeof value !== 'number') throw new Error(`no number "${name}" in front`);
	return value;
}

function latin(bytes: Uint8Array): string {
	return Buffer.from(bytes).toString('latin1');
}

function toHex(bytes: Uint8Array): string {
	return Buffer.from(bytes).toString('hex');
}
