import {randomBytes} from 'node:crypto';
import {closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync} from 'node:fs';
import {systemReason} from '../../config/text-file.ts';
import {ForeignFileError, readOwnFile} from './own-file.ts';

/** Content of the state file; no keys, ever. */
export interface StateContent {
	readonly kind: 'client' | 'server';
	/** The configuration that this is the state of, for people. */
	readonly identity: string;
	/** The number of the configuration file, by which it is found when it is renamed. */
	readonly file?: string | undefined;
	/** 32 hexadecimal digits. */
	readonly clientId: string;
	/** Path name and local port. */
	readonly localPorts: readonly (readonly [string, number])[];
}

/** Result of {@link readStateFile}: content, no file, or why a file that exists is of no use. */
export type ReadState =
	| {readonly found: 'content'; readonly content: StateContent}
	| {readonly found: 'nothing' | 'damaged'}
	| {readonly found: 'unreadable'; readonly reason: string};

/** More local ports than any client has paths are not kept; old path names would pile up. */
const PORT_LIMIT = 256;

/** Reads a state file; never throws, whatever it holds. */
export function readStateFile(path: string): ReadState {
	// A crash of the machine may leave zeros: that is damage, and no reason to run without state.
	let text: string;
	try {
		text = readOwnFile(path);
	} catch (error) {
		if (error instanceof ForeignFileError) return {found: 'unreadable', reason: error.message};
		const missing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
		if (missing) return {found: 'nothing'};
		return {found: 'unreadable', reason: `cannot be read: ${systemReason(error)}`};
	}
	const content = parseState(text);
	return content === undefined ? {found: 'damaged'} : {found: 'content', content};
}

/**
 * Writes a state file (0600) by renaming, so that a crash leaves the old one or the new one whole.
 * Throws what the file system throws.
 */
export function writeStateFile(path: string, content: StateContent): void {
	const {kind, identity, file, clientId, localPorts} = content;
	const ports = Object.fromEntries(localPorts.slice(-PORT_LIMIT));
	const json = JSON.stringify(
		{version: 1, kind, identity, file, clientId, localPorts: ports},
		null,
		'\t',
	);
	replaceFile(path, `${json}\n`);
}

/** Writes a file (0600) by renaming, as {@link writeStateFile} does. */
export function replaceFile(path: string, text: string): void {
	const temporary = `${path}.${randomBytes(6).toString('hex')}`;
	try {
		// `wx` never follows a link that another user has put there.
		const descriptor = openSync(temporary, 'wx', 0o600);
		try {
			writeSync(descriptor, text);
			fsyncSync(descriptor);
		} finally {
			closeSync(descriptor);
		}
		renameSync(temporary, path);
	} catch (error) {
		rmSync(temporary, {force: true});
		throw error;
	}
}

function parseState(text: string): StateContent | undefined {
	const value = parseJson(text);
	if (!isRecord(value)) return undefined;
	const {version, kind, identity, file, clientId, localPorts} = value;
	if (version !== 1) return undefined;
	if (kind !== 'client' && kind !== 'server') return undefined;
	if (typeof identity !== 'string' || typeof clientId !== 'string') return undefined;
	if (!/^[0-9a-f]{32}$/.test(clientId) || !isRecord(localPorts)) return undefined;
	const number = typeof file === 'string' ? file : undefined;
	return {
		kind,
		identity,
		file: number,
		clientId,
		localPorts: Object.entries(localPorts).filter(isPortEntry),
	};
}

function isPortEntry(entry: [string, unknown]): entry is [string, number] {
	const port = entry[1];
	return typeof port === 'number' && Number.isInteger(port) && port >= 1 && port <= 65_535;
}

function parseJson(text: string): unknown {
	try {
		return JSON.parse(text);
	} catch {
		return undefined;
	}
}

function isRecord(value: unknown): value is Record<string, unknown> {
	return typeof value === 'object' && value !== null && !Array.isArray(value);
}
