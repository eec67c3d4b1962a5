import {CLIENT_TABLE} from '../../../src/config/client.ts';
import type {Schema} from '../../../src/config/option.ts';
import {SERVER_TABLE} from '../../../src/config/server.ts';
import {mappingSchema} from '../../../src/config/types.ts';
import {USER_LIST_SCHEMA} from '../../../src/config/users.ts';

const DRAFT = 'http://json-schema.org/draft-07/schema#';

const USERS_FIELD = {
	type: 'object',
	properties: {users: USER_LIST_SCHEMA},
	required: ['users'],
	additionalProperties: false,
};

/** The schemas of files for editors, by their names in fixtures/config. */
export const SCHEMAS: Readonly<Record<string, Schema>> = {
	'mpclient.schema.json': {
		$schema: DRAFT,
		title: 'The configuration of mpclient',
		...mappingSchema(CLIENT_TABLE, ['paths']),
	},
	'mpserver.schema.json': {
		$schema: DRAFT,
		title: 'The configuration of mpserver',
		...mappingSchema(SERVER_TABLE),
	},
	'users.schema.json': {
		$schema: DRAFT,
		title: 'A file of users of mpserver',
		anyOf: [USER_LIST_SCHEMA, USERS_FIELD],
	},
};

/** The text of a schema, as its file has it. */
export function schemaText(schema: Schema): string {
	return `${JSON.stringify(schema, undefined, '\t')}\n`;
}
