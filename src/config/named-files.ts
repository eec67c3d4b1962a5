import {parse} from 'yaml';

/** Fields whose text is the name of a file. */
const FILE_FIELDS: ReadonlySet<string> = new Set(['keyFile', 'users', 'socksUsers']);

/** The names of the files that a valid configuration in YAML reads, as they stand in it. */
export function namedFiles(text: string): readonly string[] {
	return [...new Set(namesIn(parse(text), ''))];
}

function namesIn(value: unknown, field: string): readonly string[] {
	if (typeof value === 'string') return FILE_FIELDS.has(field) ? [value] : [];
	if (Array.isArray(value)) return value.flatMap((item: unknown) => namesIn(item, field));
	if (typeof value !== 'object' || value === null) return [];
	return Object.entries(value).flatMap(([name, inner]) => namesIn(inner, name));
}
