import {readFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import test from 'ava';
import type {StatusSnapshot} from '../../../src/app/observe/status.ts';
import type {Schema} from '../../../src/config/option.ts';
import {withTables} from '../../config/documents/option-tables.ts';
import {schemaText} from '../../config/documents/schemas.ts';
import {readDocument, sectionOf, tableOf} from '../../support/documents/document.ts';
import {startBoth} from '../../support/e2e/both-programs.ts';
import {waitFor} from '../../support/machine/wait-for.ts';
import {schemaNames} from '../documents/field.ts';
import {STATUS_SCHEMA} from '../documents/status-fields.ts';
import {APP_TABLES} from '../documents/status-tables.ts';

interface Check {
	(value: unknown): boolean;
	readonly errors?: readonly object[] | null;
}

const require = createRequire(import.meta.url);
const {Ajv} = require('ajv') as {
	readonly Ajv: new (options: object) => {compile(schema: Schema): Check};
};

const FILE = 'fixtures/config/status.schema.json';
const RUNNING = 'src/app/README.md';

const schema = JSON.parse(readFileSync(FILE, 'utf8')) as Schema;
const check = new Ajv({strict: true, strictRequired: false, strictTypes: false}).compile(schema);

/** Fields that are there only while something is wrong, or that are measured late. */
const RARE =
	/^places\[\]\.finding|\.down(\.|$)|\.(obstacle|routed\.loss|held|dataLoss|residualLoss|needed)$/;

/** The names of all fields of a value, as the document has them. */
function namesIn(value: unknown, prefix = ''): readonly string[] {
	if (Array.isArray(value)) return value.flatMap((item) => namesIn(item, prefix));
	if (typeof value !== 'object' || value === null) return [];
	return Object.entries(value).flatMap(([name, inner]) => {
		const deeper = `${prefix}${name}${isList(inner) ? '[]' : ''}.`;
		return [`${prefix}${name}`, ...namesIn(inner, deeper)];
	});
}

function isList(value: unknown): boolean {
	return Array.isArray(value) && typeof value[0] === 'object';
}

/** A snapshot as who asks for it gets it. */
function received(snapshot: StatusSnapshot): Record<string, unknown> {
	return JSON.parse(JSON.stringify(snapshot)) as Record<string, unknown>;
}

test('the schema and the tables of the document are what the descriptors yield', (t) => {
	t.is(readFileSync(FILE, 'utf8'), schemaText(STATUS_SCHEMA), 'npm run options');
	const text = readDocument(RUNNING);
	t.is(text, withTables(text, APP_TABLES), 'npm run options');
});

test('the document and the schema name the same fields', (t) => {
	const section = sectionOf(readDocument(RUNNING), '## Fields of the status');
	const rows = tableOf(section, 'field').map(([name = '']) => name.replaceAll('`', ''));
	t.deepEqual(rows, schemaNames(schema));
	t.true(rows.length > 100);
});

test.serial(
	'what both programs report is all in the schema, and all that it names is',
	async (t) => {
		const {client, server} = await startBoth(t);
		const measured = () =>
			[client.status(), server.status()].every(({sessions}) => {
				const path = sessions[0]?.paths[0];
				const lane = sessions[0]?.lanes.find(({sending}) => sending !== undefined);
				const needs = [
					path?.rtt,
					path?.sending.queueing,
					path?.receiving.queueing,
					lane?.receiving,
				];
				return [...needs, path?.sending.loss, path?.receiving.loss].every(
					(value) => value !== undefined,
				);
			});
		await waitFor(measured, 'all measurements');
		const snapshots = [received(client.status()), received(server.status())];
		for (const snapshot of snapshots) {
			t.true(check(snapshot), JSON.stringify(check.errors));
			for (const field of schema['required'] as readonly string[]) {
				const {[field]: _, ...others} = snapshot;
				t.false(check(others), `without ${field}`);
			}
			t.false(check({...snapshot, other: 1}));
		}
		const names = new Set(snapshots.flatMap((snapshot) => namesIn(snapshot)));
		const missing = schemaNames(schema).filter((name) => !names.has(name) && !RARE.test(name));
		t.deepEqual(missing, []);
	},
);
