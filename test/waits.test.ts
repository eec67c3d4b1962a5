import {readdirSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import test from 'ava';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** The files of tests and of what they are made of, with their texts; benchmarks wait for themselves. */
const texts = readdirSync(join(root, 'test'), {recursive: true, encoding: 'utf8'})
	.filter((name) => name.endsWith('.ts') && !/^(bench|mutations|soak)\//.test(name))
	.map((name) => [`test/${name}`, readFileSync(join(root, 'test', name), 'utf8')] as const);

function filesWith(pattern: RegExp): readonly string[] {
	return texts.filter(([, text]) => pattern.test(text)).map(([name]) => name);
}

/** Seconds without a result after which ava ends a run. */
const idleLimit = Number.parseInt(
	JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).ava.timeout,
	10,
);

test("no test may take longer than ava's limit without a result", (t) => {
	// Ava looks once when that is over. A longer limit of one test, in force by then, ends the looking: a
	// test that hangs is waited for until the end of time.
	const limits = texts.flatMap(([name, text]) =>
		[...text.matchAll(/\bt\.timeout\(([\d_]+)/g)].map(([, millis = '']) => ({
			name,
			seconds: Number(millis.replaceAll('_', '')) / 1000,
		})),
	);
	t.true(limits.length > 0);
	t.deepEqual(
		limits.filter(({seconds}) => seconds > idleLimit),
		[],
	);
});

test('a command that blocks the process has a limit', (t) => {
	t.deepEqual(filesWith(/import \{[^}]*\b(execFileSync|execSync|spawnSync)\b/), [
		'test/support/machine/commands.ts',
	]);
});

test('no test lets time pass instead of waiting for a state', (t) => {
	t.deepEqual(filesWith(/waitFor\(\(\) => performance\.now\(\) [<>]/), []);
});

test('no test asserts that the machine was quick', (t) => {
	t.deepEqual(filesWith(/\bt\.\w+\(\s*performance\.now\(\) - \w+ </), []);
});
