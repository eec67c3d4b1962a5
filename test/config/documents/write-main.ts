import {mkdirSync, readFileSync, writeFileSync} from 'node:fs';
import {STATUS_SCHEMA} from '../../app/documents/status-fields.ts';
import {APP_TABLES} from '../../app/documents/status-tables.ts';
import {manPages} from './man-pages.ts';
import {withTables} from './option-tables.ts';
import {SCHEMAS, schemaText} from './schemas.ts';

// Writes what the descriptors of options and of the status yield; called in the folder of package.json.
const OPTIONS = 'src/config/README.md';
writeFileSync(OPTIONS, withTables(readFileSync(OPTIONS, 'utf8')));
const RUNNING = 'src/app/README.md';
writeFileSync(RUNNING, withTables(readFileSync(RUNNING, 'utf8'), APP_TABLES));
writeFileSync('fixtures/config/status.schema.json', schemaText(STATUS_SCHEMA));
for (const [name, schema] of Object.entries(SCHEMAS)) {
	writeFileSync(`fixtures/config/${name}`, schemaText(schema));
}
mkdirSync('man', {recursive: true});
for (const [name, text] of Object.entries(manPages())) writeFileSync(`man/${name}`, text);
