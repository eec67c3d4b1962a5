import {readdirSync, readFileSync, statSync} from 'node:fs';
import {dirname, join, relative, resolve} from 'node:path';
import test from 'ava';
import {readmeBlocks, readReadme} from './support/readme-blocks.ts';

const SRC = resolve('src');

/**
 * The folders that each folder of src may import from, lower ones first: an import leads downwards.
 * What is not listed here is not allowed.
 */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
	bytes: [],
	text: ['bytes'],
	native: [],
	wire: ['bytes'],
	crypto: ['bytes', 'native'],
	core: ['bytes', 'wire', 'crypto'],
	sim: ['bytes', 'text'],
	socks: ['bytes'],
	exit: ['text', 'socks'],
	config: ['bytes', 'text', 'crypto', 'core', 'exit'],
	net: ['bytes', 'native', 'wire', 'core', 'sim', 'socks', 'exit'],
	app: ['bytes', 'text', 'wire', 'crypto', 'core', 'socks', 'exit', 'config', 'net'],
	cli: ['text', 'crypto', 'sim', 'config', 'net', 'app'],
};

interface Arrow {
	readonly from: string;
	readonly to: string;
	readonly file: string;
}

function sources(folder: string): readonly string[] {
	return readdirSync(folder).flatMap((name) => {
		const path = join(folder, name);
		if (statSync(path).isDirectory()) return sources(path);
		return name.endsWith('.ts') ? [path] : [];
	});
}

/** Every import from one folder of src into another; those of types count. */
function arrows(): readonly Arrow[] {
	return sources(SRC).flatMap((file) => {
		const folder = relative(SRC, file).split('/')[0]!;
		// The library is made of everything.
		if (folder === 'index.ts') return [];
		const imports = readFileSync(file, 'utf8').matchAll(/(?:from|import\()\s*'(\.[^']+)'/g);
		return [...imports]
			.map(([, to = '']) => relative(SRC, join(dirname(file), to)).split('/')[0]!)
			.filter((to) => to !== folder)
			.map((to) => ({from: folder, to, file: relative(SRC, file)}));
	});
}

test('imports lead down from layer to layer, as the table says', (t) => {
	const order = Object.keys(MAY_IMPORT);
	for (const [from, allowed] of Object.entries(MAY_IMPORT)) {
		for (const to of allowed) t.true(order.indexOf(to) < order.indexOf(from), `${from} -> ${to}`);
	}
	const forbidden = arrows().filter(({from, to}) => !MAY_IMPORT[from]?.includes(to));
	t.deepEqual(
		forbidden.map(({file, to}) => `${file} -> ${to}`),
		[],
	);
});

test('the table names every folder and no arrow that is not there', (t) => {
	const folders = readdirSync(SRC).filter((name) => statSync(join(SRC, name)).isDirectory());
	t.deepEqual(Object.keys(MAY_IMPORT).toSorted(), folders.toSorted());
	const drawn = new Set(arrows().map(({from, to}) => `${from} -> ${to}`));
	const allowed = Object.entries(MAY_IMPORT).flatMap(([from, all]) =>
		all.map((to) => `${from} -> ${to}`),
	);
	t.deepEqual(
		allowed.filter((arrow) => !drawn.has(arrow)),
		[],
	);
});

test('the tree of the README lists the folders from the lowest to the highest', (t) => {
	const tree = readmeBlocks(readReadme()).find(({name}) => name === 'tree')!.text;
	const listed = [...tree.matchAll(/^ {2}(\w+)\/ /gm)].map(([, folder]) => folder!);
	t.deepEqual(listed, Object.keys(MAY_IMPORT));
});
