import {readFile, stat} from 'node:fs/promises';
import process from 'node:process';
import {setImmediate as nextTurn} from 'node:timers/promises';
import type {Millis} from '../../bytes/time.ts';
import {hostName} from '../../text/host-name.ts';
import {parseIp, unmap} from '../../text/ip.ts';

/** Interval at which it is checked whether the file changed. */
const CHECK_INTERVAL: Millis = 1000;

/** Files longer than this are left alone: lists of millions of blocked names belong elsewhere. */
const SIZE_LIMIT = 16 * 1024 * 1024;

/** Lines read at once before the event loop gets its turn; a list of blocked names has many. */
const LINES_AT_ONCE = 2000;

const {SystemRoot = 'C:\\Windows'} = process.env;

/** Path of the system's hosts file. */
export const HOSTS_PATH: string =
	process.platform === 'win32' ? `${SystemRoot}\\System32\\drivers\\etc\\hosts` : '/etc/hosts';

/** The parts of the file system that a hosts file needs; a test has its own. */
export interface HostsSource {
	/** A text that changes when the file does. `undefined`: there is no (usable) file. */
	version(): Promise<string | undefined>;
	read(): Promise<string>;
}

function fileSource(path: string): HostsSource {
	return {
		async version() {
			const {mtimeMs, size, ino} = await stat(path);
			return size > SIZE_LIMIT ? undefined : `${mtimeMs} ${size} ${ino}`;
		},
		read: () => readFile(path, 'utf8'),
	};
}

type Hosts = Map<string, Uint8Array[]>;

function readLine(line: string, hosts: Hosts): void {
	const [address = '', ...names] = line.replace(/#.*$/s, '').trim().split(/\s+/);
	// What is no plain address (link-local ones have a zone id) serves no target.
	const bytes = parseIp(address);
	if (bytes === undefined) return;
	for (const text of names) {
		const name = hostName(text);
		if (name === undefined) continue;
		const known = hosts.get(name);
		if (known === undefined) hosts.set(name, [unmap(bytes)]);
		else known.push(unmap(bytes));
	}
}

/**
 * The system's hosts file: read again when it changed, in small steps and in the background. A file
 * that cannot be read is an empty one.
 */
export class HostsFile {
	readonly #source: HostsSource;
	readonly #now: () => Millis;
	#hosts: ReadonlyMap<string, readonly Uint8Array[]> = new Map();
	#version: string | undefined;
	#checkedAt: Millis = Number.NEGATIVE_INFINITY;
	#checking: Promise<void> | undefined;

	constructor(source: HostsSource | string, now: () => Millis) {
		this.#source = typeof source === 'string' ? fileSource(source) : source;
		this.#now = now;
	}

	/** True once the file was read, or found missing. */
	get isKnown(): boolean {
		return this.#checkedAt > Number.NEGATIVE_INFINITY;
	}

	/** The addresses of a name (in the spelling of `hostName`) as last read, in the file's order. */
	find(name: string): readonly Uint8Array[] | undefined {
		return this.#hosts.get(name);
	}

	/** Looks for changes unless that was done a moment ago; never rejects. */
	refresh(): Promise<void> | undefined {
		if (this.#checking !== undefined) return this.#checking;
		if (this.#now() - this.#checkedAt < CHECK_INTERVAL) return undefined;
		this.#checking = this.#check().finally(() => {
			this.#checkedAt = this.#now();
			this.#checking = undefined;
		});
		return this.#checking;
	}

	async #check(): Promise<void> {
		try {
			const version = await this.#source.version();
			if (version === this.#version) return;
			this.#hosts = version === undefined ? new Map() : await this.#read();
			this.#version = version;
		} catch {
			this.#hosts = new Map();
			this.#version = undefined;
		}
	}

	async #read(): Promise<Hosts> {
		const hosts: Hosts = new Map();
		const lines = (await this.#source.read()).split('\n');
		for (const [i, line] of lines.entries()) {
			if (i % LINES_AT_ONCE === LINES_AT_ONCE - 1) await nextTurn();
			readLine(line, hosts);
		}
		return hosts;
	}
}
