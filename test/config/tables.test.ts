import {readFileSync} from 'node:fs';
import test from 'ava';
import {TABLES, withTables} from './documents/option-tables.ts';

test('the document of all options has the tables that the descriptors yield', (t) => {
	const text = readFileSync('src/config/README.md', 'utf8');
	const marks = [...text.matchAll(/^<!-- table: (\w+) -->$/gm)].map(([, name = '']) => name);
	t.deepEqual(marks.toSorted(), Object.keys(TABLES).toSorted());
	t.is(withTables(text), text, 'npm run options');
});

test('tables that were changed by hand are made anew', (t) => {
	const text = '# A\n<!-- table: demo -->\nwrong\n<!-- end -->\nB\n';
	const made = withTables(text);
	t.true(made.includes('| `--seconds <N>` |') && !made.includes('wrong'));
	t.is(withTables(made), made);
	t.throws(() => withTables('<!-- table: none -->\n<!-- end -->\n'), {message: 'no table "none"'});
});
