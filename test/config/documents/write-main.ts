import {readFileSync, writeFileSync} from 'node:fs';
import {withTables} from './option-tables.ts';
import {SCHEMAS, schemaText} from './schemas.ts';

// Writes what the descriptors of the options yield; called in the folder of package.json.
const DOCUMENT = 'src/config/README.md';
writeFileSync(DOCUMENT, withTables(readFileSync(DOCUMENT, 'utf8')));
for (const [name, schema] of Object.entries(SCHEMAS)) {
	writeFileSync(`fixtures/config/${name}`, schemaText(schema));
}
