import {readFileSync} from 'node:fs';

/** The normative document. */
export const text: string = readFileSync('src/wire/README.md', 'utf8');

/** The rows of the table number `index` in the section whose heading begins like that, without its head. */
export function table(heading: string, index = 0): string[][] {
	const start = text.search(new RegExp(`^#+ ${heading.replaceAll('.', '\\.')}`, 'm'));
	if (start < 0) throw new Error(`no section "${heading}"`);
	const section = text.slice(text.indexOf('\n', start));
	const end = section.search(/^#/m);
	const lines = (end < 0 ? section : section.slice(0, end)).split('\n');
	const tables: string[][][] = [];
	for (const [number, line] of lines.entries()) {
		if (!line.startsWith('|')) continue;
		if (!lines[number - 1]?.startsWith('|')) tables.push([]);
		tables.at(-1)!.push(
			line
				.split('|')
				.slice(1, -1)
				.map((cell) => cell.trim()),
		);
	}
	const rows = tables[index];
	if (rows === undefined) throw new Error(`no table ${index} in "${heading}"`);
	return rows.slice(2);
}

/** One field of a layout, as the document describes it. */
export interface Field {
	readonly name: string;
	/** Bytes, or: a varint; the rest of the packet; as many as the field of that name says. */
	readonly size: number | 'varint' | 'rest' | 'target' | {readonly of: string};
	readonly min: number;
	readonly max: number;
	/** Present only when the flags have that bit. */
	readonly flag?: number;
	/** Bits that have a meaning. */
	readonly bits?: number;
	/** Kinds of target that are allowed. */
	readonly kinds?: readonly number[];
}

/** A layout: fields, then as many entries as the field `count` says. */
export interface Layout {
	readonly fields: readonly Field[];
	readonly count?: string;
	readonly entry?: readonly Field[];
}

/** The bits of flags that their meaning names. */
function bitsOf(meaning: string): number {
	const flags = [...meaning.matchAll(/\b(\d+) [a-z]/g)].map(([, bit]) => Number(bit));
	return flags.reduce((sum, bit) => sum + bit, 0);
}

/** The range that the meaning of a field states. */
function rangeOf(meaning: string): {readonly min: number; readonly max: number} {
	const range = /\b(\d+) to (\d+)/.exec(meaning);
	if (range !== null) return {min: Number(range[1]), max: Number(range[2])};
	const most = /at most (\d+)/.exec(meaning);
	if (most !== null) return {min: 0, max: Number(most[1])};
	// Flags of which the others are malformed: all of those that are named together.
	if (!meaning.includes('others are malformed')) return {min: 0, max: Number.POSITIVE_INFINITY};
	return {min: 0, max: bitsOf(meaning)};
}

/** Fields of a table with the columns bytes, field, meaning; a type byte at the beginning is left out. */
function fieldsOf(rows: readonly string[][]): Field[] {
	let length = '';
	const fields: Field[] = [];
	for (const [bytes = '', cell = '', meaning = ''] of rows) {
		if (cell === 'type') continue;
		const name = cell.replaceAll(':', '');
		const flag = /^flag (\d+)/.exec(meaning)?.[1];
		const size = bytes === 'varint' ? bytes : /^\d+$/.test(bytes) ? Number(bytes) : {of: length};
		if (name.endsWith('length')) length = name;
		fields.push({
			name,
			size,
			...rangeOf(meaning),
			...(flag && {flag: Number(flag)}),
			...(name === 'flags' && {bits: bitsOf(meaning)}),
		});
	}
	return fields;
}

/** Fields of a layout in words: `flow varint, code 1, lane varint at most 63, payload`. */
function fieldsIn(words: string): Field[] {
	const kinds = /(target|address)(?: of kind ([\d, or]+))?/.exec(words);
	let length = '';
	const list = words
		.replaceAll(/ \([\d.]+\)/g, '')
		.replace(/(target|address) of kind [\d, or]+/, '$1')
		.split(', ');
	return list.map((part): Field => {
		const [, name = '', size, range] = /^(.*?)(?: (\d+|varint)( at most \d+)?)?$/.exec(
			part.trim(),
		)!;
		const free = rangeOf(range ?? '');
		if (size !== undefined) {
			if (name === 'length') length = name;
			return {name, size: size === 'varint' ? 'varint' : Number(size), ...free};
		}
		if (name !== 'target' && name !== 'address') {
			return {name, size: length === '' ? 'rest' : {of: length}, ...free};
		}
		const allowed = kinds?.[2]?.match(/\d+/g)?.map(Number);
		return {name, size: 'target', ...free, kinds: allowed ?? [0, 1, 2, 3, 4]};
	});
}

/** The layout that a row of the table of frames states, or the section that it names. */
function layoutIn(words: string): Layout {
	const other = /^as ([A-Z_]+)$/.exec(words)?.[1];
	const row = table('6. Frames').find(([, name]) => name === other);
	if (row !== undefined) return layoutIn(row[4]!);
	switch (words) {
		case 'section 7':
			return withEntries('7.1 Layout');
		case 'section 6.5':
			return withEntries('6.5 PATHS');
		case 'section 6.12':
			return withEntries('6.12 LANE_REPORT');
		case 'section 6.13':
			return withEntries('6.13 LANES');
		case 'section 6.8': {
			const range = rangeOf(
				/how many paths follow \(([^)]*)\)/.exec(text.replaceAll(/\s+/g, ' '))![1]!,
			);
			const entry = fieldsOf(table('6.8 FEEDBACK'));
			return {fields: [{name: 'paths', size: 1, ...range}], count: 'paths', entry};
		}
		default:
			return {fields: fieldsIn(words)};
	}
}

/** The layout in the first two tables of a section: fields, the last of them a count, and entries. */
function withEntries(heading: string): Layout {
	return {fields: fieldsOf(table(heading)), count: 'count', entry: fieldsOf(table(heading, 1))};
}

/** Every frame of the document: its type, name and layout. */
export const FRAMES: readonly {
	readonly type: number;
	readonly name: string;
	readonly takesRest: boolean;
	readonly layout: Layout;
}[] = table('6. Frames').map(([type, name, , rest, words]) => ({
	type: Number(type),
	name: name!,
	takesRest: rest === 'yes',
	layout: layoutIn(words!),
}));
