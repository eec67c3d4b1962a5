import {rmSync} from 'node:fs';
import {isIP} from 'node:net';
import {join} from 'node:path';
import type {Goodbye} from '../../net/tunnel/server-tunnel.ts';
import {readOwnFile} from './own-file.ts';
import {replaceFile} from './state-file.ts';

const FILE_NAME = 'goodbyes.json';
/** Age after which a goodbye is of no use: clients ask by themselves after 2 s. */
const FRESH_MILLIS = 60_000;
const MOST = 4096;

/** Stores for the next process the clients that got a CLOSE. A failed write is ignored. */
export function writeGoodbyes(
	folder: string | undefined,
	goodbyes: readonly Goodbye[],
	now: number,
): void {
	if (folder === undefined || goodbyes.length === 0) return;
	try {
		const text = JSON.stringify({at: now, goodbyes: goodbyes.slice(0, MOST)});
		replaceFile(join(folder, FILE_NAME), `${text}\n`);
	} catch {}
}

/** Takes what the last process left, once; nothing when that was long ago or is damaged. */
export function takeGoodbyes(folder: string | undefined, now: number): readonly Goodbye[] {
	if (folder === undefined) return [];
	const path = join(folder, FILE_NAME);
	try {
		const text = readOwnFile(path);
		rmSync(path, {force: true});
		const {at, goodbyes} = JSON.parse(text) as {at: unknown; goodbyes: unknown};
		if (typeof at !== 'number' || Math.abs(now - at) > FRESH_MILLIS) return [];
		return Array.isArray(goodbyes) ? goodbyes.slice(0, MOST).filter(isGoodbye) : [];
	} catch {
		return [];
	}
}

function isGoodbye(value: unknown): value is Goodbye {
	if (typeof value !== 'object' || value === null) return false;
	const {local, host, port, session, token} = value as Record<string, unknown>;
	return (
		typeof local === 'string' &&
		typeof host === 'string' &&
		isIP(host) !== 0 &&
		isCount(port, 65_535) &&
		Number.isInteger(session) &&
		session === Number(session) >>> 0 &&
		typeof token === 'string' &&
		/^[0-9a-f]{32}$/.test(token)
	);
}

function isCount(value: unknown, most: number): boolean {
	return Number.isInteger(value) && Number(value) > 0 && Number(value) <= most;
}
