import {existsSync, readdirSync, renameSync, statSync} from 'node:fs';
import {dirname, join} from 'node:path';
import {lockHolder} from './folder-lock.ts';
import {readStateFile} from './state-file.ts';

/**
 * Returns the number that a file keeps when it is renamed, as text. `undefined`: there is no such
 * file.
 */
export function fileNumber(path: string): string | undefined {
	const status = statSync(path, {throwIfNoEntry: false, bigint: true});
	return status?.isFile() ? `${status.dev}:${status.ino}` : undefined;
}

/** The files of a state folder that are looked at. */
interface FolderNames {
	readonly state: string;
	readonly lock: string;
}

/**
 * Gives `folder`, which does not exist yet, the state that the same configuration file had under
 * its former name; returns that name, or undefined when there is none. The file is known by its
 * number, and its former name must be gone: a copy, or a link beside it, is another client. Throws
 * what the file system throws.
 */
export function adoptRenamed(
	folder: string,
	configFile: string,
	{state, lock}: FolderNames,
): string | undefined {
	const number = fileNumber(configFile);
	const base = dirname(folder);
	if (number === undefined || existsSync(folder) || !existsSync(base)) return undefined;
	for (const name of readdirSync(base).toSorted()) {
		if (!/^client-[0-9a-f]{8}$/.test(name)) continue;
		const former = join(base, name);
		const found = readStateFile(join(former, state));
		if (found.found !== 'content') continue;
		const {kind, identity, file} = found.content;
		if (kind !== 'client' || file !== number || existsSync(identity)) continue;
		if (lockHolder(join(former, lock)) !== undefined) continue;
		renameSync(former, folder);
		return identity;
	}
	return undefined;
}
