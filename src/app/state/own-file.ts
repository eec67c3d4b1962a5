import {closeSync, constants, fstatSync, openSync, readFileSync, type Stats} from 'node:fs';
import process from 'node:process';

const {O_RDONLY, O_NOFOLLOW = 0, O_NONBLOCK = 0} = constants;

/** The largest file that this program writes into its folder, in bytes. */
const FILE_LIMIT = 1024 * 1024;

/** A file that is there but not ours to read; `message` goes behind its name. */
export class ForeignFileError extends Error {
	override readonly name = 'ForeignFileError';
}

/**
 * Reads a file of a folder of this program's own. A file that others have put there is refused: a
 * link, a pipe (which would keep the program waiting), a file of another user. Throws a {@link
 * ForeignFileError} for these, else what the file system throws.
 */
export function readOwnFile(path: string): string {
	let descriptor: number;
	try {
		descriptor = openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
	} catch (error) {
		const isLink = error instanceof Error && 'code' in error && error.code === 'ELOOP';
		throw isLink ? new ForeignFileError('is a link') : error;
	}
	try {
		const stats = fstatSync(descriptor);
		if (stats.isDirectory()) throw new ForeignFileError('is a folder');
		if (!stats.isFile()) throw new ForeignFileError('is no regular file');
		if (!isOurs(stats)) throw new ForeignFileError('belongs to another user');
		if (stats.size > FILE_LIMIT) throw new ForeignFileError('is larger than 1 MiB');
		return readFileSync(descriptor, 'utf8');
	} finally {
		closeSync(descriptor);
	}
}

/**
 * Returns the reason why a folder is no place for a program's own files: others could change or
 * replace them. `undefined`: it is one. A folder such as /tmp, where no user can remove the files
 * of others, will do.
 */
export function whyShared(folder: Stats): string | undefined {
	if (process.getuid === undefined) return undefined;
	if (folder.uid !== process.getuid() && folder.uid !== 0) return 'belongs to another user';
	const others = (folder.mode & 0o022) !== 0;
	const sticky = (folder.mode & 0o1000) !== 0;
	return others && !sticky ? 'can be written by others (chmod go-w mends that)' : undefined;
}

// Root may look at what its users run.
function isOurs({uid}: Stats): boolean {
	const own = process.getuid?.();
	return own === undefined || own === 0 || uid === own || uid === 0;
}
