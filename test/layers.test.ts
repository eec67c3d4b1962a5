import {readdirSync, readFileSync, statSync} from 'node:fs';
import {dirname, join, relative, resolve} from 'node:path';
import test from 'ava';
import {example, readDocument} from './support/documents/document.ts';

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
	fec: ['bytes'],
	policy: ['bytes', 'text'],
	core: ['bytes', 'wire', 'crypto', 'policy', 'fec'],
	sim: ['bytes', 'text'],
	socks: ['bytes', 'text'],
	exit: ['text'],
	config: ['bytes', 'text', 'crypto', 'policy', 'core', 'exit'],
	net: ['bytes', 'text', 'native', 'wire', 'core', 'sim', 'socks', 'exit'],
	app: [
		'bytes',
		'text',
		'native',
		'wire',
		'crypto',
		'policy',
		'fec',
		'core',
		'socks',
		'exit',
		'config',
		'net',
	],
	demo: ['bytes', 'text', 'crypto', 'policy', 'core', 'config', 'net', 'app'],
	cli: ['text', 'crypto', 'policy', 'sim', 'config', 'net', 'app', 'demo'],
};

/** The ladders inside folders: each room imports only rooms listed before it; `.` = files in no room. */
const LADDERS: Readonly<Record<string, readonly string[]>> = {
	core: ['.', 'load', 'path', 'packets', 'lane', 'flow', 'stream', 'session', 'client', 'server'],
	net: ['.', 'udp', 'link', 'tcp', 'names', 'exit', 'socks', 'tunnel'],
	app: ['state', 'observe', 'service', 'web', 'metrics', 'page', 'reload', '.'],
};

/** Rooms that know nothing of each other, in either direction. */
const APART: readonly (readonly [string, string])[] = [
	['core/client', 'core/server'],
	['app/metrics', 'app/page'],
];

interface Arrow {
	readonly from: string;
	readonly to: string;
	/** The importing and the imported file. */
	readonly file: string;
	readonly target: string;
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

/** The files that a file imports, for values or types. */
function importsOf(file: string): readonly string[] {
	const imports = readFileSync(file, 'utf8').matchAll(/(?:from|import\()\s*'(\.[^']+)'/g);
	return [...imports].map(([, to = '']) => join(dirname(file), to));
}

/** Every import from one room beneath `root` into another; those of types count. */
function arrowsIn(root: string): readonly Arrow[] {
	return sources(root).flatMap((file) => {
		const from = roomOf(root, file);
		return importsOf(file)
			.filter((to) => to.startsWith(`${root}/`) && roomOf(root, to) !== from)
			.map((to) => ({
				from,
				to: roomOf(root, to),
				file: relative(SRC, file),
				target: relative(SRC, to),
			}));
	});
}

/** The files that import each other in a circle, each circle once: strongly connected components. */
function circles(imports: ReadonlyMap<string, readonly string[]>): readonly (readonly string[])[] {
	const order = new Map<string, number>();
	const lowest = new Map<string, number>();
	const open: string[] = [];
	const found: string[][] = [];
	const visit = (file: string): void => {
		order.set(file, order.size);
		lowest.set(file, order.get(file)!);
		open.push(file);
		for (const to of imports.get(file) ?? []) {
			if (!order.has(to)) visit(to);
			if (open.includes(to)) lowest.set(file, Math.min(lowest.get(file)!, lowest.get(to)!));
		}
		if (lowest.get(file) !== order.get(file)) return;
		const circle = open.splice(open.indexOf(file));
		if (circle.length > 1 || imports.get(file)?.includes(file)) found.push(circle.toSorted());
	};
	for (const file of imports.keys()) if (!order.has(file)) visit(file);
	return found;
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

/** The lines of a drawing in the document: the folder, and the folders that it may import from. */
function drawing(name: string): readonly (readonly [string, readonly string[]])[] {
	const lines = example('src/README.md', name).trimEnd().split('\n');
	return lines
		.filter((line) => /^\w+\/ /.test(line))
		.map((line) => {
			const [folder = '', ...rest] = line.split(/ {2,}/);
			// The drawing of the layers has a column of contents between the two.
			const targets = name === 'layers' ? rest[1] : rest[0];
			return [folder.replace('/', ''), (targets ?? '').split(' ').filter(Boolean)];
		});
}

test('the document draws the folders from the highest to the lowest, with their imports', (t) => {
	const expected = Object.entries(MAY_IMPORT).map(([from, to]) => [from, to.toReversed()]);
	t.deepEqual(drawing('layers'), expected.toReversed());
});

test('the document draws the rooms of a folder from the highest to the lowest', (t) => {
	const expected = Object.entries(LADDERS).map(([from, rooms]) => [from, rooms.toReversed()]);
	t.deepEqual(drawing('ladders'), expected);
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

test('rooms side by side import neither each other', (t) => {
	for (const pair of APART) {
		const between = pair.flatMap((room, index) =>
			sources(join(SRC, room))
				.flatMap((file) => importsOf(file).map((to) => ({file, to})))
				.filter(({to}) => to.startsWith(`${join(SRC, pair[1 - index]!)}/`))
				.map(({file, to}) => `${relative(SRC, file)} -> ${relative(SRC, to)}`),
		);
		t.deepEqual(between, []);
	}
});

test('no files import each other in a circle, for values or types', (t) => {
	const graph = new Map(
		sources(SRC).map((file) => {
			const from = relative(SRC, file);
			const targets = importsOf(file).map((to) => relative(SRC, to));
			return [from, targets];
		}),
	);
	t.deepEqual(circles(graph), []);
});

test('a circle is found, however long, and a fork is none', (t) => {
	const graph = (text: string) =>
		new Map(text.split(' ').map((all) => [all[0]!, [...all.slice(1)]]));
	t.deepEqual(circles(graph('abc bd cd d')), []);
	t.deepEqual(circles(graph('ab bc cd db ea')), [['b', 'c', 'd']]);
	t.deepEqual(circles(graph('aa ba')), [['a']]);
	t.deepEqual(circles(graph('ab bac cd dc')), [
		['c', 'd'],
		['a', 'b'],
	]);
});

test('the ways and the words of the document lead to code that there is', (t) => {
	const text = readDocument('src/README.md');
	const rows = [...text.matchAll(/^\| `([\w/.-]+\.ts)` \| `(#?\w+)` \|/gm)];
	t.true(rows.length > 40);
	const steps = rows.map(([, file = '', member = '']) => ({file, member}));
	const prose = [...text.matchAll(/`([\w/.-]+\.ts)` \(`(#?\w+)`\)/g)];
	steps.push(...prose.map(([, file = '', member = '']) => ({file, member})));
	const missing = steps.filter(({file, member}) => {
		const path = join(SRC, file);
		if (statSync(path, {throwIfNoEntry: false}) === undefined) return true;
		const declared = new RegExp(`^\\t(?:(?:readonly|override|async) )*${member}(?:\\(|: | =)`, 'm');
		return !declared.test(readFileSync(path, 'utf8'));
	});
	t.deepEqual(missing, []);
	const named = [...text.matchAll(/`([a-z]+\/[\w/.-]+\.ts)`/g)].map(([, file = '']) => file);
	const files = named.filter((file) => !file.startsWith('test/'));
	t.deepEqual(
		files.filter((file) => statSync(join(SRC, file), {throwIfNoEntry: false}) === undefined),
		[],
	);
});
