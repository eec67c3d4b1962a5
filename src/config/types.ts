import type {HostPort} from './host-port.ts';
import {
	type Given,
	type Option,
	type Options,
	readFields,
	type Schema,
	type Table,
	type Type,
} from './option.ts';
import {FieldReader, type Location, type Place} from './place.ts';
import {readChoice, readFilePath, readListenAddress, readWholeNumber} from './values.ts';

/** Text, or a number as it is written in decimal. */
export function text<T>(parse: (text: string) => T, schema: Schema = {}): Type<T> {
	return {
		parse,
		read: (value, place) => place.text(value, parse),
		schema: {type: 'string', ...schema},
	};
}

/** Text that must be written as text. */
export function quoted<T>(parse: (text: string) => T, schema: Schema = {}): Type<T> {
	return {...text(parse, schema), read: (value, place) => place.string(value, parse)};
}

/** A whole number. */
export function wholeNumber(minimum: number, maximum: number): Type<number> {
	const schema = {type: ['integer', 'string'], minimum, maximum, pattern: '^[0-9]+$'};
	return text((value) => readWholeNumber(value, minimum, maximum), schema);
}

/** A number and its unit. */
export function quantity(parse: (text: string) => number): Type<number> {
	return text(parse, {pattern: '^[0-9.]+[A-Za-z]+$'});
}

/** One of a few words. */
export function choice<T extends string>(choices: readonly T[]): Type<T> {
	return {...text((value) => readChoice(value, choices), {enum: choices}), choices};
}

/** On or off; as a flag it has no value. */
export const SWITCH: Type<boolean> = {
	read: (value, place) => place.boolean(value),
	schema: {type: 'boolean'},
};

/** The path of a file or folder, made absolute. */
export const FILE_PATH: Type<string> = {
	read(value, place) {
		const path = place.text(value, readFilePath);
		return path === undefined ? undefined : place.absolute(path);
	},
	schema: {type: 'string', minLength: 1},
};

/** A place to listen at. */
export const LISTEN: Type<HostPort> = text(readListenAddress, {
	type: ['string', 'integer'],
	minimum: 1,
	maximum: 65_535,
	pattern: '^([^:]*:|\\[.*\\]:)?[0-9]+$',
});

/** A value, or `false` where it is switched off. */
export function orFalse<T>(type: Type<T>): Type<T | false> {
	return {
		...type,
		read: (value, place) => (value === false ? value : type.read(value, place)),
		schema: {anyOf: [{const: false}, type.schema]},
	};
}

/** One value, or a list of at least one. */
export function many<T>(type: Type<T>): Type<readonly T[]> {
	const list = {type: 'array', items: type.schema, minItems: 1};
	return {
		read: (value, place) => place.oneOrMany(value, type.read),
		schema: {anyOf: [type.schema, list]},
		many: true,
	};
}

/** A value and the place that it was read from. */
export interface Located<T> extends Location {
	readonly value: T;
}

/** A value that is checked against others later. */
export function located<T>(type: Type<T>): Type<Located<T>> {
	// A place belongs to a value of a source; one of a text alone has none.
	const {parse: _, ...rest} = type;
	return {
		...rest,
		read(given, place) {
			const value = type.read(given, place);
			return value === undefined ? undefined : {...place.location, value};
		},
	};
}

/** A mapping of fields; `make` returns what they mean together. */
export function mapping<S, T>(
	table: Table<S>,
	required: readonly (keyof S & string)[],
	make: (given: Given<S>, place: Place, fields: FieldReader) => T | undefined,
): Type<T> {
	return {
		read(value, place) {
			const fields = new FieldReader(value, place);
			const given = readFields(table, fields);
			fields.require(...required);
			const made = make(given, place, fields);
			fields.finish();
			return made;
		},
		schema: mappingSchema(table, required),
		fields: table,
	};
}

/** A mapping whose keys are names; the value of a name is `undefined` where it was reported. */
export function keyed<T>(
	type: Type<T>,
	readKey: (text: string) => string,
): Type<ReadonlyMap<string, T | undefined>> {
	return {
		read(value, place) {
			const fields = new FieldReader(value, place);
			const entries = (value instanceof Map ? [...value.keys()] : []).map((key) => {
				const name = typeof key === 'string' ? key : String(key);
				place.child(name).string(key, readKey);
				return [name, fields.read(name, type.read)] as const;
			});
			fields.finish();
			return new Map(entries);
		},
		schema: {type: 'object', additionalProperties: type.schema},
		...(type.fields && {fields: type.fields}),
		keyed: true,
	};
}

/** One text, or a mapping. */
export function textOr<T>(type: Type<T>, map: Type<T>): Type<T> {
	return {
		...type,
		...map,
		read: (value, place) => (value instanceof Map ? map : type).read(value, place),
		schema: {anyOf: [type.schema, map.schema]},
	};
}

/** The schema of a mapping with these fields. */
export function mappingSchema(table: Options, required: readonly string[] = []): Schema {
	const fields = Object.entries(table).filter(([, {only}]) => only !== 'flags');
	return {
		type: 'object',
		properties: Object.fromEntries(fields.map(([name, option]) => [name, schemaOf(option)])),
		required,
		additionalProperties: false,
	};
}

function schemaOf({type, help, field, default: usual, example}: Option<unknown>): Schema {
	return {
		description: field ?? help,
		...(usual === undefined ? {} : {default: usual}),
		...(example === undefined ? {} : {examples: [example]}),
		...type.schema,
	};
}
