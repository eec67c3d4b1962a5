import {readdirSync, readFileSync, statSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';

// Limits that Biome does not know. Those on functions (lines, parameters, complexity, exhaustive
// switches) are in .biome.json; its exceptions stand here by name, so that the list is seen whole.

const MAX_LINES = 450;
const MAX_COLUMNS = 100;

/** Files that are longer than allowed, with the lines that they may have. To be split. */
const LONG_FILES: Readonly<Record<string, number>> = {
	'test/app/state/state-folder.test.ts': 490,
	'test/support/world/tunnel-world.ts': 490,
};

/** Functions with more than five parameters: all are called for each packet, or pass a system call on. */
const MANY_PARAMETERS: readonly string[] = [
	'src/crypto/aead-openssl.ts record',
	'src/crypto/aead-openssl.ts anything',
	'src/net/socks/relay.ts receive',
	'src/net/udp/batch/descriptor.ts #call',
	'src/net/udp/batch/kernel.ts call',
	'src/socks/association.ts receive',
];

interface Source {
	readonly path: string;
	readonly lines: readonly string[];
}

function sources(folder: string): readonly Source[] {
	return readdirSync(folder).flatMap((name) => {
		const path = join(folder, name);
		if (statSync(path).isDirectory()) return sources(path);
		if (!/\.(?:ts|mjs)$/.test(name)) return [];
		return [{path, lines: readFileSync(path, 'utf8').trimEnd().split('\n')}];
	});
}

const ALL = [...sources('src'), ...sources('test')];

test(`no file has more than ${MAX_LINES} lines, but for those of the list`, (t) => {
	for (const {path, lines} of ALL) {
		const limit = LONG_FILES[path] ?? MAX_LINES;
		t.true(lines.length <= limit, `${path} has ${lines.length} lines`);
	}
	for (const [path, limit] of Object.entries(LONG_FILES)) {
		const file = ALL.find((source) => source.path === path);
		t.true(file !== undefined && limit > MAX_LINES, `${path} needs no exception`);
	}
});

test('the functions with many parameters are those of the list', (t) => {
	const found = ALL.filter(({path}) => path.startsWith('src/')).flatMap(({path, lines}) =>
		lines.flatMap((line, index) => {
			if (!line.includes('biome-ignore lint/complexity/useMaxParams')) return [];
			return [`${path} ${/[#\w]+(?=\()/.exec(lines[index + 1]!)?.[0]}`];
		}),
	);
	t.deepEqual(found.toSorted(), MANY_PARAMETERS.toSorted());
});

test(`no line of a comment in src is longer than ${MAX_COLUMNS} columns`, (t) => {
	const long = ALL.filter(({path}) => path.startsWith('src/')).flatMap(({path, lines}) =>
		lines.flatMap((line, index) => {
			// As for the formatter, a tab counts as two columns.
			const columns = line.length + /^\t*/.exec(line)![0].length;
			const isComment = /^\s*(?:\/\/|\/?\*)/.test(line) && !line.includes('biome-ignore');
			return isComment && columns > MAX_COLUMNS ? [`${path}:${index + 1}`] : [];
		}),
	);
	t.deepEqual(long, []);
});
