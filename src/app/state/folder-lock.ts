import {randomBytes} from 'node:crypto';
import {linkSync, readFileSync, rmSync, statSync, writeFileSync} from 'node:fs';
import {readOwnFile} from './own-file.ts';

/**
 * A lock file that a dead process never holds. Its one line is
 *
 *     PID START BOOT TOKEN
 *
 * where START is the holder's start time in clock ticks since the boot named BOOT (both from
 * /proc, `-` where there is none), so that a process that got a dead holder's PID is not taken for
 * it, and TOKEN is random. Node has no flock; the file appears whole through link(2).
 */
export class FolderLock {
	readonly #path: string;
	readonly #line: string;

	private constructor(path: string, line: string) {
		this.#path = path;
		this.#line = line;
	}

	/**
	 * Takes the lock, or returns undefined when a live process (this one included) holds it. Throws
	 * what the file system throws.
	 */
	static take(path: string): FolderLock | undefined {
		const token = randomBytes(8).toString('hex');
		const line = `${process.pid} ${startOf(process.pid)} ${bootId()} ${token}\n`;
		const own = `${path}.${token}`;
		writeFileSync(own, line, {flag: 'wx', mode: 0o600});
		try {
			for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
				if (tryLink(own, path)) return new FolderLock(path, line);
				const holder = readLine(path);
				if (holder !== undefined && isLive(holder)) return undefined;
				if (holder !== undefined && !removeStale(path, holder)) pause();
			}
			return undefined;
		} finally {
			rmSync(own, {force: true});
		}
	}

	/** Removes the lock file if it is still this one's; never throws. */
	release(): void {
		try {
			if (readLine(this.#path) === this.#line) rmSync(this.#path, {force: true});
		} catch {
			// A lock that cannot be removed does not count once this process has ended.
		}
	}
}

/** The pid of the live process that holds a lock file, if there is one; never throws. */
export function lockHolder(path: string): number | undefined {
	try {
		const line = readLine(path);
		return line !== undefined && isLive(line) ? Number.parseInt(line, 10) : undefined;
	} catch {
		return undefined;
	}
}

function tryLink(from: string, to: string): boolean {
	try {
		linkSync(from, to);
		return true;
	} catch (error) {
		if (hasCode(error, 'EEXIST')) return false;
		throw error;
	}
}

function readLine(path: string): string | undefined {
	try {
		return readOwnFile(path);
	} catch (error) {
		if (hasCode(error, 'ENOENT')) return undefined;
		throw error;
	}
}

/**
 * Removes a dead holder's lock. Returns false while another process is about it: try again. Several
 * processes may find the same dead lock, and a slow one must not remove the lock that a fast one
 * has taken since: so only the one that has made the guard file removes, after a second look.
 */
function removeStale(path: string, expected: string): boolean {
	const guard = `${path}.guard`;
	try {
		writeFileSync(guard, '', {flag: 'wx', mode: 0o600});
	} catch (error) {
		if (!hasCode(error, 'EEXIST')) throw error;
		removeAbandoned(guard);
		return false;
	}
	try {
		if (readLine(path) === expected) rmSync(path, {force: true});
		return true;
	} finally {
		rmSync(guard, {force: true});
	}
}

// A guard lives for microseconds; one this old was left by a process killed just then.
const GUARD_MILLIS = 2000;

function removeAbandoned(guard: string): void {
	const made = statSync(guard, {throwIfNoEntry: false})?.mtimeMs;
	// Either side: the clock may have been set back since.
	if (made !== undefined && Math.abs(Date.now() - made) > GUARD_MILLIS) {
		rmSync(guard, {force: true});
	}
}

const ATTEMPTS = 100;
const PAUSE_MILLIS = 5;

function pause(): void {
	Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MILLIS);
}

function isLive(line: string): boolean {
	const [pidText = '', start = '-', boot = '-'] = line.trim().split(' ');
	const pid = /^[1-9][0-9]{0,9}$/.test(pidText) ? Number(pidText) : undefined;
	if (pid === undefined || !exists(pid)) return false;
	if (boot !== '-' && bootId() !== '-' && boot !== bootId()) return false;
	const actual = startOf(pid);
	return actual !== ZOMBIE && (start === '-' || actual === '-' || actual === start);
}

function exists(pid: number): boolean {
	try {
		process.kill(pid, 0);
		return true;
	} catch (error) {
		return hasCode(error, 'EPERM');
	}
}

const ZOMBIE = 'zombie';

/** Field 22 of /proc/PID/stat, `-` where it cannot be read; a zombie holds nothing any more. */
function startOf(pid: number): string {
	try {
		const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
		// Field 2 is the program's name in parentheses, and may itself hold spaces and parentheses.
		const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
		return fields[0] === 'Z' || fields[0] === 'X' ? ZOMBIE : (fields[19] ?? '-');
	} catch {
		return '-';
	}
}

function bootId(): string {
	try {
		return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim() || '-';
	} catch {
		return '-';
	}
}

function hasCode(error: unknown, code: string): boolean {
	return error instanceof Error && 'code' in error && error.code === code;
}
