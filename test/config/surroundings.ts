import {mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join, resolve} from 'node:path';
import type {ExecutionContext} from 'ava';
import {ConfigError} from '../../src/config/errors.ts';

/** The folder of example configurations; ava runs in the folder of package.json. */
export const FIXTURES: string = resolve('fixtures/config');

/** Three different valid keys. */
export const KEYS = [
	'kJQd4N8sPDyiU0b5GIkbJPqOo8sXyyZ2v+LKJVbRQnE=',
	'dBGdyT4Mai3cHjFSdrEi+kZmHNUI3kqOdwt94AgzZmA=',
	'wV3TWvvK3h2rEEqgYVQiDFzzyiqaF+xTbVBgtbUJ0bw=',
] as const;

/** A new folder holding `files` (0600), removed after the test. */
export function folderOf(
	t: ExecutionContext,
	files: Readonly<Record<string, string>> = {},
): string {
	const folder = mkdtempSync(join(tmpdir(), 'mptunnel-test-'));
	t.teardown(() => rmSync(folder, {recursive: true, force: true}));
	for (const [name, text] of Object.entries(files)) {
		writeFileSync(join(folder, name), text, {mode: 0o600});
	}
	return folder;
}

/** The lines of the ConfigError that `run` throws; fails the test when it throws none. */
export function problemsOf(t: ExecutionContext, run: () => unknown): readonly string[] {
	const error = t.throws(run, {instanceOf: ConfigError});
	t.is(error.exitCode, 2);
	return error.message.split('\n');
}
