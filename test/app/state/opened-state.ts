import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import process from 'node:process';
import test, {type ExecutionContext} from 'ava';
import {
	openStateFolder,
	type StateFolder,
	type StateFolderInit,
} from '../../../src/app/state/state-folder.ts';

/** Declares a test of what only Linux has. */
export const linux: typeof test | typeof test.skip =
	process.platform === 'linux' ? test : test.skip;

/** A folder that is gone after the test. */
export function temporary(t: ExecutionContext): string {
	const folder = mkdtempSync(join(tmpdir(), 'mptunnel-'));
	t.teardown(() => rmSync(folder, {recursive: true, force: true}));
	return folder;
}

/** The state of a client, released after the test. */
export function open(t: ExecutionContext, init: Partial<StateFolderInit>): StateFolder {
	const state = openStateFolder({
		kind: 'client',
		folder: undefined,
		identity: '/etc/mpclient.conf',
		env: {},
		...init,
	});
	t.teardown(() => state.release());
	return state;
}
