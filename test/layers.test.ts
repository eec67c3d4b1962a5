import {readdirSync, readFileSync, statSync} from 'node:fs';
import {dirname, join, relative, resolve} from 'node:path';
import test from 'ava';
import {example} from './support/documents/document.ts';

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
	socks: ['bytes', 'text'],
	exit: ['text'],
	config: ['bytes', 'text', 'crypto', 'core', 'exit'],
	net: ['bytes', 'text', 'native', 'wire', 'core', 'sim', 'socks', 'exit'],
	app: ['bytes', 'text', 'wire', 'crypto', 'core', 'socks', 'exit', 'config', 'net'],
	demo: ['bytes', 'text', 'crypto', 'core', 'config', 'net', 'app'],
	cli: ['text', 'crypto', 'sim', 'config', 'net', 'app', 'demo'],
};

/** The ladders inside folders: each room imports only rooms listed before it; `.` = files in no room. */
const LADDERS: Readonly<Record<string, readonly string[]>> = {
	net: ['.', 'udp', 'link', 'tcp', 'names', 'exit', 'socks', 'tunnel'],
	app: ['state', 'observe', '.'],
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

/** The room that a file is in, beneath `root`: `.` for files beside the rooms. */
function roomOf(root: string, file: string): string {
	const parts = relative(root, file).split('/');
	return parts.length === 1 ? '.' : parts[0]!;
}

/** Every import from one room beneath `root` into another; those of types count. */
function arrowsIn(root: string): readonly Arrow[] {
	return sources(root).flatMap((file) => {
		const from = roomOf(root, file);
		const imports = readFileSync(file, 'utf8').matchAll(/(?:from|import\()\s*'(\.[^']+)'/g);
		return [...imports]
			.map(([, to = '']) => join(dirname(file), to))
			.filter((to) => to.startsWith(`${root}/`) && roomOf(root, to) !== from)
			.map((to) => ({from, to: roomOf(root, to), file: relative(SRC, file)}));
	});
}

/** Every import from one folder of src into another. The library, index.ts, is made of everything. */
function arrows(): readonly Arrow[] {
	return arrowsIn(SRC).filter(({from}) => from !== '.');
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
	const tree = example('README.md', 'tree');
	const listed = [...tree.matchAll(/^ {2}(\w+)\/ /gm)].map(([, folder]) => folder!);
	t.deepEqual(listed, Object.keys(MAY_IMPORT));
});

for (const [folder, ladder] of Object.entries(LADDERS)) {
	test(`imports lead down from room to room in ${folder}/`, (t) => {
		const drawn = arrowsIn(join(SRC, folder));
		const rooms = new Set(drawn.flatMap(({from, to}) => [from, to]));
		t.deepEqual([...rooms].toSorted(), ladder.toSorted());
		const upward = drawn.filter(({from, to}) => ladder.indexOf(to) > ladder.indexOf(from));
		t.deepEqual(
			upward.map(({file, to}) => `${file} -> ${to}`),
			[],
		);
	});
}
