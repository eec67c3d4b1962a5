import {createHash, randomBytes} from 'node:crypto';
import {mkdirSync, readdirSync, statSync} from 'node:fs';
import {homedir} from 'node:os';
import {isAbsolute, join} from 'node:path';
import {systemReason} from '../../config/text-file.ts';
import {quoteText} from '../../text/escape-text.ts';
import {CLIENT_ID_LENGTH} from '../../wire/constants.ts';
import {FolderLock, lockHolder} from './folder-lock.ts';
import {ForeignFileError, whyShared} from './own-file.ts';
import {adoptRenamed, fileNumber} from './renamed-state.ts';
import {type ReadState, readStateFile, type StateContent, writeStateFile} from './state-file.ts';

/** The kinds of program that keep state; their folders are always apart. */
export type StateKind = 'client' | 'server';

/** Local UDP ports by path name, kept over restarts. */
export interface LocalPorts {
	get(path: string): number | undefined;
	/** Remembers a port (1 to 65535); written to the file by the next {@link LocalPorts.save}. */
	set(path: string, port: number): void;
	/**
	 * Writes the state file when something changed, or anyway; a failure is returned as a warning,
	 * not thrown.
	 */
	save(anyway?: boolean): string | undefined;
}

/** A program's state, held by its lock until `release()`. */
export interface StateFolder {
	/** Absolute path. `undefined`: state lives in memory only (see `warnings`). */
	readonly folder: string | undefined;
	/** 16 random bytes that name this client to the server; the same after a restart. */
	readonly clientId: Uint8Array;
	readonly localPorts: LocalPorts;
	/** Keeps another client id for the next start; a failure is returned as a warning, not thrown. */
	rename(clientId: Uint8Array): string | undefined;
	/** Path of the status socket. `undefined`: there is no good place for one. */
	readonly socketPath: string | undefined;
	/** Warnings for the user, one sentence each; already escaped. */
	readonly warnings: readonly string[];
	/** Saves, and gives the lock up; may be called twice, never throws. */
	release(): void;
}

/** The environment that has XDG_STATE_HOME and HOME, such as `process.env`. */
export interface StateEnvironment {
	readonly XDG_STATE_HOME?: string | undefined;
	readonly HOME?: string | undefined;
}

/** Settings of a state folder. */
export interface StateFolderInit {
	readonly kind: StateKind;
	/** `--state`: an absolute path. `undefined`: the default folder of this kind and identity. */
	readonly folder: string | undefined;
	/** Identity of the configuration, see {@link clientIdentity} and {@link serverIdentity}. */
	readonly identity: string;
	readonly env: StateEnvironment;
}

/** A state folder as `mptunnel status` finds it. */
export interface FoundStateFolder {
	readonly folder: string;
	/** `undefined`: the state file is not readable. */
	readonly kind: StateKind | undefined;
	/** The identity of the configuration it belongs to, for people; not escaped. */
	readonly identity: string | undefined;
	/** The process that holds it. `undefined`: nothing is running. */
	readonly pid: number | undefined;
	/** Status socket of the running process. `undefined`: its path is too long for one. */
	readonly socketPath: string | undefined;
}

/**
 * Returns the identity of a client's default state folder: the absolute path of its configuration
 * file.
 */
export function clientIdentity(configFile: string): string {
	return configFile;
}

/**
 * Returns the identity of a server's default state folder: its port and its bind addresses in any
 * order.
 */
export function serverIdentity(port: number, bind: readonly string[]): string {
	return [String(port), ...bind.toSorted()].join(' ');
}

/**
 * Opens the state of one program: makes the folder (0700), takes its lock and reads or makes the
 * client id. Whatever the machine refuses becomes a warning and state in memory; never throws.
 */
export function openStateFolder(init: StateFolderInit): StateFolder {
	const folder = init.folder ?? defaultFolder(init.kind, init.identity, init.env);
	const shown = quoteText(folder);
	let lock: FolderLock | undefined;
	let formerName: string | undefined;
	try {
		if (init.folder === undefined && init.kind === 'client') {
			formerName = adoptRenamed(folder, init.identity, {state: STATE_NAME, lock: LOCK_NAME});
		}
		mkdirSync(folder, {recursive: true, mode: 0o700});
		const shared = whyShared(statSync(folder));
		if (shared !== undefined) return inMemory(`state folder ${shown} ${shared}: it is not used`);
		lock = FolderLock.take(join(folder, LOCK_NAME));
	} catch (error) {
		return inMemory(`state folder ${shown} cannot be used: ${reasonOf(error)}`);
	}
	if (lock === undefined) {
		const holder = lockHolder(join(folder, LOCK_NAME));
		const process = holder === undefined ? 'another process' : `process ${holder}`;
		return inMemory(`state folder ${shown} is in use by ${process}; this one is on its own`);
	}
	try {
		const state = readStateFile(join(folder, STATE_NAME));
		if (state.found !== 'unreadable')
			return new HeldStateFolder(folder, lock, init, state, formerName);
		lock.release();
		return inMemory(`state in ${shown} ${state.reason}; this run's is kept in memory`);
	} catch (error) {
		lock.release();
		return inMemory(`state in ${shown} cannot be kept: ${systemReason(error)}`);
	}
}

/** The state folder that {@link openStateFolder} would open, as it is now. */
export function findStateFolder(init: StateFolderInit): FoundStateFolder {
	return inspectStateFolder(init.folder ?? defaultFolder(init.kind, init.identity, init.env));
}

/**
 * The state folders under the default place, those of running programs first, then by name; empty
 * when there are none. One given with `--state` is found by {@link inspectStateFolder} only.
 */
export function listStateFolders(env: StateEnvironment): readonly FoundStateFolder[] {
	const base = stateHome(env);
	let names: string[];
	try {
		names = readdirSync(base).toSorted();
	} catch {
		return [];
	}
	const found = names
		.filter((name) => /^(client|server)-[0-9a-f]{8}$/.test(name))
		.map((name) => inspectStateFolder(join(base, name)));
	const running = found.filter((folder) => folder.pid !== undefined);
	return [...running, ...found.filter((folder) => folder.pid === undefined)];
}

/** Looks at a state folder without changing it; one that does not exist reads as not running. */
export function inspectStateFolder(folder: string): FoundStateFolder {
	const state = readStateFile(join(folder, STATE_NAME));
	const content = state.found === 'content' ? state.content : undefined;
	return {
		folder,
		kind: content?.kind,
		identity: content?.identity,
		pid: lockHolder(join(folder, LOCK_NAME)),
		socketPath: socketPathIn(folder),
	};
}

const STATE_NAME = 'state.json';
const LOCK_NAME = 'lock';
const SOCKET_NAME = 'status.sock';

// sun_path without its final zero: 108 bytes on Linux, 104 on the BSDs and macOS. A longer path is
// cut by the system, silently, and then names another socket.
const SOCKET_PATH_LIMIT = process.platform === 'linux' ? 107 : 103;

class HeldStateFolder implements StateFolder {
	readonly folder: string;
	readonly clientId: Uint8Array;
	readonly localPorts: LocalPorts;
	readonly socketPath: string | undefined;
	readonly warnings: readonly string[];
	readonly #lock: FolderLock;
	readonly #content: {clientId: string};

	constructor(
		folder: string,
		lock: FolderLock,
		init: StateFolderInit,
		state: ReadState,
		formerName: string | undefined,
	) {
		const {kind, identity} = init;
		const file = kind === 'client' ? fileNumber(identity) : undefined;
		const path = join(folder, STATE_NAME);
		const content = state.found === 'content' ? state.content : undefined;
		const kept = {clientId: content?.clientId ?? randomBytes(CLIENT_ID_LENGTH).toString('hex')};
		const ports = new Map(content?.localPorts);
		const save = () =>
			writeStateFile(path, {
				kind,
				identity,
				file,
				...kept,
				localPorts: [...ports],
			} satisfies StateContent);
		const isKnown =
			content?.identity === identity && content.kind === kind && content.file === file;
		if (!isKnown) save();
		this.folder = folder;
		this.clientId = Uint8Array.from(Buffer.from(kept.clientId, 'hex'));
		this.#content = kept;
		this.localPorts = new SavedPorts(ports, save, quoteText(path));
		this.socketPath = socketPathIn(folder);
		this.#lock = lock;
		const warnings: string[] = [];
		if (formerName !== undefined) {
			const shown = quoteText(formerName);
			warnings.push(`the configuration file was ${shown}: its client id and local ports go on`);
		}
		if (state.found === 'damaged') {
			warnings.push(`${quoteText(path)} is damaged; it was begun anew`);
		}
		if (this.socketPath === undefined) {
			warnings.push(`${quoteText(folder)} is too long a path for a status socket: there is none`);
		}
		this.warnings = warnings;
	}

	rename(clientId: Uint8Array): string | undefined {
		this.#content.clientId = Buffer.from(clientId).toString('hex');
		return this.localPorts.save(true);
	}

	release(): void {
		this.localPorts.save();
		this.#lock.release();
	}
}

class SavedPorts implements LocalPorts {
	readonly #ports: Map<string, number>;
	readonly #write: () => void;
	readonly #shown: string;
	#changed = false;

	constructor(ports: Map<string, number>, write: () => void, shown: string) {
		this.#ports = ports;
		this.#write = write;
		this.#shown = shown;
	}

	get(path: string): number | undefined {
		return this.#ports.get(path);
	}

	set(path: string, port: number): void {
		if (this.#ports.get(path) === port) return;
		this.#ports.set(path, port);
		this.#changed = true;
	}

	save(anyway = false): string | undefined {
		if (!this.#changed && !anyway) return undefined;
		try {
			this.#write();
			this.#changed = false;
			return undefined;
		} catch (error) {
			return `${this.#shown} cannot be written: ${systemReason(error)}`;
		}
	}
}

function inMemory(warning: string): StateFolder {
	return {
		folder: undefined,
		clientId: Uint8Array.from(randomBytes(CLIENT_ID_LENGTH)),
		localPorts: new SavedPorts(new Map(), () => {}, ''),
		rename: () => undefined,
		socketPath: undefined,
		warnings: [warning],
		release: () => {},
	};
}

function defaultFolder(kind: StateKind, identity: string, env: StateEnvironment): string {
	const hash = createHash('sha256').update(identity).digest('hex').slice(0, 8);
	return join(stateHome(env), `${kind}-${hash}`);
}

function stateHome(env: StateEnvironment): string {
	const {XDG_STATE_HOME: xdg, HOME: home} = env;
	// The XDG specification: a relative path is invalid and to be ignored.
	if (xdg !== undefined && isAbsolute(xdg)) return join(xdg, 'mptunnel');
	const base = home !== undefined && isAbsolute(home) ? home : homedir();
	return join(base, '.local', 'state', 'mptunnel');
}

function reasonOf(error: unknown): string {
	return error instanceof ForeignFileError ? `its lock ${error.message}` : systemReason(error);
}

function socketPathIn(folder: string): string | undefined {
	const path = join(folder, SOCKET_NAME);
	return Buffer.byteLength(path) <= SOCKET_PATH_LIMIT ? path : undefined;
}
