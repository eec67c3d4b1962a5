/*
 * Copies the request parser of socksv5 into the build. It needs one more file of its package; the
 * rest of the package, and the five others that it brings along, are never loaded, so a program
 * that is installed should not come with them. Its `new Buffer`, of which Node.js warns outside of
 * node_modules, becomes what it does today.
 */
import {mkdirSync, readFileSync, writeFileSync} from 'node:fs';

const FILES = ['LICENSE', 'lib/constants.js', 'lib/server.parser.js'];

const from = new URL(import.meta.resolve('socksv5/package.json'));
const to = new URL('../../build/socksv5/', import.meta.url);
mkdirSync(new URL('lib/', to), {recursive: true});
for (const file of FILES) {
	const text = readFileSync(new URL(file, from), 'utf8');
	writeFileSync(new URL(file, to), text.replaceAll('new Buffer(', 'Buffer.alloc('));
}
const {name, version, author, license, repository} = JSON.parse(readFileSync(from, 'utf8'));
const kept = {name, version, author, license, repository, type: 'commonjs', private: true};
writeFileSync(new URL('package.json', to), `${JSON.stringify(kept, undefined, '\t')}\n`);
