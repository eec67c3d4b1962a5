import type {Type} from './option.ts';
import {PATH, pathOf} from './path-fields.ts';
import {readPathLine} from './path-line.ts';
import {PATH_LIMIT, type PathDraft} from './paths.ts';
import {mapping} from './types.ts';

const MAPPING: Type<PathDraft> = mapping(PATH, ['host', 'port'], (given, {where, field}) => {
	const path = pathOf(given);
	return path === undefined ? undefined : {where, field, ...path};
});

/** The items of `paths:`, each a line as in the classic file or a mapping. */
export const PATHS: Type<readonly PathDraft[]> = {
	read: (value, place) =>
		place.list(value, (item, at) => {
			if (item instanceof Map) return MAPPING.read(item, at);
			if (typeof item !== 'string') {
				at.report('neither "HOST PORT" nor a mapping of host and port');
				return undefined;
			}
			const path = readPathLine(item, (reason) => at.report(reason));
			return path === undefined ? undefined : {...at.location, ...path};
		}),
	schema: {
		type: 'array',
		items: {anyOf: [{type: 'string', pattern: '^\\s*\\S+\\s+[0-9]+(\\s|$)'}, MAPPING.schema]},
		minItems: 1,
		maxItems: PATH_LIMIT,
	},
	...(MAPPING.fields && {fields: MAPPING.fields}),
	listed: true,
};
