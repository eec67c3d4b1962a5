import type {Schema} from '../../../src/config/option.ts';

/** A field of a snapshot as its schema and its documents show it. */
export interface Field {
	readonly schema: Schema;
	/** Unit of the value. `''`: it has none. */
	readonly unit: string;
	/** Meaning, in Markdown, without a full stop. */
	readonly words: string;
	/** Meaning of its absence. Absent: it is always there. */
	readonly otherwise?: string;
	/** Fields of a mapping, or of each item of a list. */
	readonly fields?: Fields;
	/** True: they are those of each item of a list. */
	readonly listed?: true;
}

/** Fields by their names. */
export type Fields = Readonly<Record<string, Field>>;

/** A number of things that only rises, or that are there now. */
export function count(words: string): Field {
	return {schema: {type: 'integer', minimum: 0}, unit: '', words};
}

/** A number of bytes. */
export function bytes(words: string): Field {
	return {...count(words), unit: 'bytes'};
}

/** A time in milliseconds. */
export function millis(words: string): Field {
	return {schema: {type: 'number', minimum: 0}, unit: 'ms', words};
}

/** A share, 0 to 1. */
export function share(words: string): Field {
	return {schema: {type: 'number', minimum: 0, maximum: 1}, unit: '0 to 1', words};
}

/** A traffic factor. */
export function factor(words: string): Field {
	return {schema: {type: 'number', minimum: 0}, unit: 'times', words};
}

/** A whole number with a unit of its own. */
export function number(unit: string, words: string): Field {
	return {schema: {type: 'integer', minimum: 0}, unit, words};
}

/** A text. */
export function text(words: string): Field {
	return {schema: {type: 'string'}, unit: '', words};
}

/** A truth. */
export function flag(words: string): Field {
	return {schema: {type: 'boolean'}, unit: '', words};
}

/** One of a few words. */
export function choice(choices: readonly (string | number)[], words: string): Field {
	return {schema: {enum: choices}, unit: '', words};
}

/** A list of values without fields. */
export function values(item: Field): Field {
	return {...item, schema: {type: 'array', items: item.schema}};
}

/** Values by names. */
export function named(item: Field, names?: readonly string[]): Field {
	const schema =
		names === undefined
			? {type: 'object', additionalProperties: item.schema}
			: object(Object.fromEntries(names.map((name) => [name, {...item, words: ''}])));
	return {...item, schema};
}

/** A mapping. */
export function mapping(words: string, fields: Fields): Field {
	return {schema: object(fields), unit: '', words, fields};
}

/** A list of mappings. */
export function list(words: string, fields: Fields): Field {
	return {schema: {type: 'array', items: object(fields)}, unit: '', words, fields, listed: true};
}

/** The same field, which may be absent; `otherwise` is the meaning of that. */
export function optional(field: Field, otherwise: string): Field {
	return {...field, otherwise};
}

/** The schema of a mapping with these fields and no others. */
export function object(fields: Fields): Schema {
	const entries = Object.entries(fields);
	const properties = entries.map(([name, field]) => {
		const described = field.words === '' ? {} : {description: description(field)};
		return [name, {...described, ...field.schema}];
	});
	return {
		type: 'object',
		properties: Object.fromEntries(properties),
		required: entries.filter(([, {otherwise}]) => otherwise === undefined).map(([name]) => name),
		additionalProperties: false,
	};
}

/** The words and the unit of a field. */
function description({words, unit, otherwise}: Field): string {
	const measured = unit === '' ? words : `${words} (${unit})`;
	return otherwise === undefined ? measured : `${measured}. Absent: ${otherwise}`;
}

/** The rows of the document: each field, with those in it behind it. */
export function rows(fields: Fields, prefix = ''): readonly (readonly string[])[] {
	return Object.entries(fields).flatMap(([name, field]) => {
		const {unit, words, otherwise, listed, fields: inner} = field;
		const meaning = otherwise === undefined ? words : `${words}. Absent: ${otherwise}`;
		const deeper = inner && rows(inner, `${prefix}${name}${listed ? '[]' : ''}.`);
		return [[`\`${prefix}${name}\``, unit, meaning], ...(deeper ?? [])];
	});
}

/** The names of all fields of a schema, as the rows of the document have them. */
export function schemaNames(schema: Schema, prefix = ''): readonly string[] {
	const properties = (schema['properties'] ?? {}) as Readonly<Record<string, Schema>>;
	return Object.entries(properties).flatMap(([name, inner]) => {
		const items = inner['items'] as Schema | undefined;
		// The names of counters are values, not fields.
		if (inner['description'] === undefined) return [];
		const deeper = schemaNames(items ?? inner, `${prefix}${name}${items ? '[]' : ''}.`);
		return [`${prefix}${name}`, ...deeper];
	});
}
