import {type Millis, NEVER} from '../../bytes/time.ts';
import type {PathState} from '../../core/events.ts';
import {canonicalAddress} from '../../text/ip.ts';
import {MAX_PATHS} from '../../wire/constants.ts';
import {describeResolveError, type Resolver} from '../names/resolver.ts';
import type {Reporter} from '../reporter.ts';
import {localAddresses} from '../udp/interfaces.ts';
import type {UdpBackEnd} from '../udp/udp.ts';
import {
	ClientPath,
	type ClientPathEvents,
	type ClientPathOptions,
	type PathTrouble,
} from './client-path.ts';
import type {PortMemory} from './path-port.ts';

/** Inputs of a client's paths. */
export interface ClientPathsInit {
	readonly paths: readonly ClientPathOptions[];
	readonly backEnd: UdpBackEnd;
	readonly resolver: Resolver;
	readonly ports: PortMemory;
	readonly reporter: Reporter;
	readonly events: ClientPathEvents;
	readonly now: () => Millis;
	/** The addresses of this machine; `localAddresses` except in tests. */
	readonly addresses?: () => readonly string[];
}

/**
 * Interval at which a path without evidence is connected anew and, where the system reports no
 * changes, the addresses of the machine are compared.
 */
const TICK: Millis = 1000;

/** The first pause before the name of a silent path is resolved again; doubled up to the other. */
const FIRST_RETRY: Millis = 1000;
const RESOLVE_INTERVAL: Millis = 10_000;

/** Time for which a path that was removed still receives: packets are under way. */
const LEAVES_AFTER: Millis = 2000;

/** Silence after which the fault may be a NAT that keeps the mapping of the local port. */
const FRESH_PORT_AFTER: Millis = 5000;

/** State of one path's name. */
interface Naming {
	/** The addresses in use, joined; '' = none yet. */
	addresses: string;
	/** The last failure, so that only a change is reported. */
	failure: string;
	resolving: boolean;
	nextAt: Millis;
	pause: Millis;
	/** Since when nothing has proved that the path works; NEVER while it does. */
	silentSince: Millis;
}

/**
 * All paths of a client: opens them, resolves their names, follows changes of the machine's
 * addresses.
 */
export class ClientPaths {
	readonly #init: ClientPathsInit;
	/** All paths, and by their ids. */
	#paths: readonly ClientPath[];
	readonly #byId: (ClientPath | undefined)[] = [];
	readonly #namings: (Naming | undefined)[] = [];
	/** Paths that are removed and still receive, with the timers that close them. */
	readonly #leaving = new Map<ClientPath, NodeJS.Timeout>();
	/** Ids that were given up, the earliest first. */
	#freed: readonly number[] = [];
	/** Counts of paths that are closed. */
	readonly past = {dropped: 0, missed: 0, failures: 0};
	readonly #addresses: () => readonly string[];
	#machine = '';
	#timer: NodeJS.Timeout | undefined;
	#watch: {close(): void} | undefined;
	#closed = false;

	constructor(init: ClientPathsInit) {
		this.#init = init;
		this.#addresses = init.addresses ?? localAddresses;
		this.#paths = init.paths.map((options, id) => this.#make(id, options, init.ports));
	}

	#make(id: number, options: ClientPathOptions, ports: PortMemory): ClientPath {
		const {backEnd, reporter, events, now} = this.#init;
		const path = new ClientPath({id, options, backEnd, ports, reporter, events, now});
		this.#byId[id] = path;
		this.#namings[id] = {
			addresses: '',
			failure: '',
			resolving: false,
			nextAt: 0,
			pause: FIRST_RETRY,
			silentSince: NEVER,
		};
		return path;
	}

	/** All paths. */
	get all(): readonly ClientPath[] {
		return this.#paths;
	}

	/**
	 * Opens all paths; names are resolved in the background. Throws a SocketError when a local port
	 * that the user asked for is in use; close() then.
	 */
	start(): void {
		for (const path of this.#paths) path.reserve();
		this.#machine = this.#addresses().join();
		this.sessionLost();
		for (const path of this.#paths) this.#begin(path);
		this.#savePorts();
		const {backEnd} = this.#init;
		this.#watch = backEnd.watchNetwork?.(() => this.#networkChanged());
		this.#timer = setInterval(() => this.tick(), TICK);
	}

	#begin(path: ClientPath): void {
		const literal = canonicalAddress(path.options.host);
		if (literal !== undefined) this.#use(path, [literal]);
		else void this.#resolve(path);
	}

	/** Returns the id that was free for longest. `undefined`: all are taken. */
	freeId(taken: ReadonlySet<number>): number | undefined {
		for (let id = 0; id < MAX_PATHS; id++) {
			if (!taken.has(id) && this.#byId[id] === undefined && !this.#freed.includes(id)) return id;
		}
		return this.#freed.find((id) => !taken.has(id) && this.#byId[id] === undefined);
	}

	/**
	 * Takes other paths by their ids. Those that are missing send no more and receive for a while;
	 * one with the same id has another name at most.
	 */
	reconfigure(paths: ReadonlyMap<number, ClientPathOptions>): void {
		for (const path of this.#paths) {
			const options = paths.get(path.id);
			if (options === undefined) this.#leave(path);
			else path.options = options;
		}
		const fresh = [...paths].filter(([id]) => this.#byId[id] === undefined);
		const added = fresh.map(([id, options]) => this.#join(id, options));
		this.#paths = [...paths.keys()].flatMap((id) => this.#byId[id] ?? []);
		for (const path of added) this.#begin(path);
		this.#savePorts();
	}

	#join(id: number, options: ClientPathOptions): ClientPath {
		const {ports} = this.#init;
		const others = [...this.#leaving.keys()].filter(
			(path) => path.id === id || path.options.localPort === (options.localPort ?? -1),
		);
		for (const path of others) void this.#end(path);
		this.#freed = this.#freed.filter((freed) => freed !== id);
		const namesakes = [...this.#leaving.keys(), ...this.#paths].some(
			(path) => path.options.name === options.name,
		);
		// Its usual port is that of a path which has not left yet.
		return this.#make(id, options, namesakes ? forgetful(ports) : ports);
	}

	#leave(path: ClientPath): void {
		this.#byId[path.id] = undefined;
		this.#namings[path.id] = undefined;
		this.#freed = [...this.#freed, path.id];
		path.flush();
		this.#leaving.set(
			path,
			setTimeout(() => void this.#end(path), LEAVES_AFTER),
		);
	}

	async #end(path: ClientPath): Promise<void> {
		clearTimeout(this.#leaving.get(path));
		this.#leaving.delete(path);
		await path.close();
		this.past.dropped += path.dropped;
		this.past.missed += path.missed;
		this.past.failures += path.failures;
	}

	/** Returns the reason why a path cannot send. `undefined`: it can. */
	troubleOf(id: number): PathTrouble | undefined {
		const {addresses, failure} = this.#namings[id] ?? {addresses: '', failure: ''};
		if (addresses === '' && failure !== '') return {kind: 'unresolved', reason: failure};
		return this.#byId[id]?.trouble;
	}

	/** Sends on one path; true = a socket still refers to the bytes after `flush`. */
	send(path: number, bytes: Uint8Array, start: number, end: number): boolean {
		return this.#byId[path]?.send(bytes, start, end) ?? false;
	}

	flush(): void {
		for (const path of this.#paths) path.flush();
	}

	/** Called when nothing was received on the path for a while. */
	silent(path: number): void {
		this.#byId[path]?.reconnect(false);
	}

	/** The core judged the path: one that is down is connected anew, and its name resolved again. */
	judged(id: number, state: PathState): void {
		const path = this.#byId[id];
		const naming = this.#namings[id];
		if (path === undefined || naming === undefined) return;
		if (state === 'up') {
			naming.silentSince = NEVER;
			path.proven();
		} else if (state === 'down') {
			this.#fellSilent(naming);
			path.unproven();
			if (this.#init.now() >= naming.nextAt) void this.#resolve(path);
		}
	}

	/** There is no session, so nothing judges the paths. */
	sessionLost(): void {
		for (const naming of this.#namings) if (naming !== undefined) this.#fellSilent(naming);
	}

	#fellSilent(naming: Naming): void {
		if (naming.silentSince !== NEVER) return;
		naming.silentSince = this.#init.now();
		naming.pause = FIRST_RETRY;
		naming.nextAt = naming.silentSince;
	}

	async close(): Promise<void> {
		this.#closed = true;
		clearInterval(this.#timer);
		this.#watch?.close();
		const leaving = [...this.#leaving.keys()].map((path) => this.#end(path));
		await Promise.all([...leaving, ...this.#paths.map((path) => path.close())]);
	}

	/** Does what is due; called once a second. */
	tick(): void {
		if (this.#watch === undefined) this.#compareAddresses();
		const now = this.#init.now();
		for (const path of this.#paths) {
			const naming = this.#namings[path.id];
			if (naming === undefined) continue;
			const silent = naming.silentSince !== NEVER;
			if ((silent || naming.addresses === '') && now >= naming.nextAt) void this.#resolve(path);
			if (silent || path.blocked) path.follow();
			if (silent) path.unproven();
			const silence = now - naming.silentSince;
			if (silence >= FRESH_PORT_AFTER) path.alternate(silence);
		}
		this.#savePorts();
	}

	// A route may have changed without an address, and an address with the routes of others.
	#networkChanged(): void {
		if (!this.#compareAddresses()) for (const path of this.#paths) path.follow();
	}

	/** Connects all paths anew when the machine has other addresses; true = it has. */
	#compareAddresses(): boolean {
		const machine = this.#addresses().join();
		// An empty list is one that could not be read, for want of a descriptor or of the right.
		if (machine === this.#machine || machine === '') return false;
		this.#machine = machine;
		this.#init.reporter.info('the addresses of this machine have changed');
		for (const path of this.#paths) path.reconnect(true);
		return true;
	}

	async #resolve(path: ClientPath): Promise<void> {
		const naming = this.#namings[path.id];
		if (naming === undefined || naming.resolving) return;
		if (canonicalAddress(path.options.host) !== undefined) return;
		naming.resolving = true;
		try {
			const addresses = await this.#init.resolver(path.options.host);
			if (this.#has(path)) this.#resolved(path, naming, addresses);
		} catch (error) {
			if (this.#has(path)) this.#unresolved(path, naming, describeResolveError(error));
		} finally {
			naming.resolving = false;
			naming.nextAt = this.#init.now() + naming.pause;
			naming.pause = Math.min(naming.pause * 2, RESOLVE_INTERVAL);
		}
	}

	/** True while the path is one of those in use. */
	#has(path: ClientPath): boolean {
		return !this.#closed && this.#byId[path.id] === path;
	}

	#resolved(path: ClientPath, naming: Naming, addresses: readonly string[]): void {
		const {host} = path.options;
		if (naming.failure !== '') {
			this.#init.reporter.info('the name of a path can be resolved again', {
				path: path.options.name,
				host,
			});
		}
		naming.failure = '';
		const joined = [...addresses].sort().join();
		// One unchanged address leaves nothing to try that the path does not try by itself.
		if (joined === naming.addresses && addresses.length === 1) return;
		if (joined === naming.addresses && naming.silentSince === NEVER) return;
		naming.addresses = joined;
		this.#use(path, addresses);
	}

	#unresolved(path: ClientPath, naming: Naming, failure: string): void {
		if (failure === naming.failure) return;
		naming.failure = failure;
		const {name, host} = path.options;
		this.#init.reporter.warn('the name of a path cannot be resolved', {
			path: name,
			host,
			reason: failure,
		});
	}

	#use(path: ClientPath, addresses: readonly string[]): void {
		const naming = this.#namings[path.id];
		if (naming !== undefined) naming.addresses = [...addresses].sort().join();
		path.setAddresses(addresses);
	}

	#savePorts(): void {
		const warning = this.#init.ports.save();
		if (warning !== undefined) {
			this.#init.reporter.limited('save ports', 60_000).warn('cannot save the local ports', {
				reason: warning,
			});
		}
	}
}

/** Returns the same memory, but for what it remembers. */
function forgetful(ports: PortMemory): PortMemory {
	return {
		get: () => undefined,
		set: (path, port) => ports.set(path, port),
		save: () => ports.save(),
	};
}
