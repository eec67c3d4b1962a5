import {type Millis, NEVER} from '../../bytes/time.ts';
import {MAX_PATHS} from '../../wire/constants.ts';
import type {PathSettings} from '../../wire/frames/paths.ts';
import type {EndpointContext} from '../context.ts';
import type {PathState} from '../events.ts';
import type {RemoteAddress} from '../remote-address.ts';
import {PathAddress} from './address.ts';
import {Path} from './path.ts';
import {PathCounts} from './path-counts.ts';

/**
 * A validated address of another path may be taken over when it was silent for this long, or when
 * all its probes named the new path for this long: then it once proved to be what it is not.
 */
const TAKE_OVER_SILENCE: Millis = 2000;
/** Time for which late probes do not bring back a path that was removed. */
const GONE_FOR: Millis = 5000;

/** Chooses among the paths of a session. */
export interface PathsObserver {
	/** Chooses anew among `paths`, after anything changed that a choice rests on; keeps `paths`. */
	pathsChanged(paths: readonly Path[], now: Millis): void;
}

/** The paths of a session, with their addresses and judgements. */
export class PathSet {
	readonly all: Path[] = [];
	readonly counts: PathCounts = new PathCounts();
	readonly #byId: (Path | undefined)[] = new Array<Path | undefined>(MAX_PATHS).fill(undefined);
	readonly #byAddress = new Map<string, {readonly path: Path; readonly address: PathAddress}>();
	/** Times up to which the paths with these ids stay away. */
	readonly #gone = new Map<number, Millis>();
	/** Remote address located last. `undefined`: an address changed since then. */
	#lastRemote: RemoteAddress | undefined;
	/** Location of that address; without meaning when there is none. */
	#lastLocation: {readonly path: Path; readonly address: PathAddress} | undefined;
	readonly #observers: PathsObserver[] = [];
	readonly #context: EndpointContext;
	readonly #session: number;

	/** @param session the number that events carry */
	constructor(context: EndpointContext, session: number) {
		this.#context = context;
		this.#session = session;
	}

	/** Calls `observer` now, and after each change. */
	observe(observer: PathsObserver, now: Millis): void {
		this.#observers.push(observer);
		observer.pathsChanged(this.#carrying(), now);
	}

	/** The paths that may carry anything but probes. */
	#carrying(): readonly Path[] {
		const {all} = this;
		return all.some(({settings}) => settings.held)
			? all.filter(({settings}) => !settings.held)
			: all;
	}

	/** Returns the path with that id. `undefined`: there is none. */
	get(id: number): Path | undefined {
		return this.#byId[id];
	}

	/** Makes the path with these settings, or gives them to an existing one. Returns it. */
	configure(settings: PathSettings, rate: number): Path {
		this.#gone.delete(settings.id);
		const path = this.#byId[settings.id] ?? this.#add(settings);
		if (path.isNamed && path.settings.name !== settings.name) this.counts.leave(path);
		path.isNamed = true;
		path.settings = settings;
		path.load.saturation.configure(rate);
		return path;
	}

	/**
	 * Returns the path with that id, made with plain settings when it is new. `undefined`: it was
	 * removed not long ago.
	 */
	ensure(id: number, now: Millis): Path | undefined {
		const path = this.#byId[id];
		if (path !== undefined) return path;
		if (now < (this.#gone.get(id) ?? 0)) return undefined;
		const name = `path ${id + 1}`;
		const plain = {id, name, metered: false, backup: false, rateUp: 0, rateDown: 0};
		return this.#add(plain);
	}

	#add(settings: PathSettings): Path {
		const path = new Path(settings);
		this.#byId[settings.id] = path;
		this.all.push(path);
		return path;
	}

	/**
	 * Removes the paths with other ids than these: nothing is sent there any more, and what comes
	 * from there is of no path. Called before `changed`.
	 */
	keep(ids: ReadonlySet<number>, now: Millis): void {
		for (const path of this.all.filter(({id}) => !ids.has(id))) this.#remove(path, now);
	}

	#remove(path: Path, now: Millis): void {
		this.all.splice(this.all.indexOf(path), 1);
		this.#byId[path.id] = undefined;
		this.#gone.set(path.id, now + GONE_FOR);
		this.#lastRemote = undefined;
		for (const {remote} of path.addresses.list) {
			if (remote) this.#byAddress.delete(remote.key);
		}
		// Who still holds it finds it closed.
		path.addresses.list.length = 0;
		path.nextProbe = NEVER;
		this.counts.leave(path);
		this.counts.forget(path);
	}

	/** Returns the path and the address that a remote address is. `undefined`: it is unknown. */
	locate(remote: RemoteAddress): {readonly path: Path; readonly address: PathAddress} | undefined {
		// Packets come in batches from the same address.
		if (remote !== this.#lastRemote) {
			this.#lastRemote = remote;
			this.#lastLocation = this.#byAddress.get(remote.key);
		}
		return this.#lastLocation;
	}

	/**
	 * Notes that a path is reached at `remote`, as an authenticated probe shows. Returns the address.
	 * `undefined`: it proved to belong to another path, which is in use.
	 */
	learn(path: Path, remote: RemoteAddress, now: Millis): PathAddress | undefined {
		const known = this.#byAddress.get(remote.key);
		if (known?.path === path) {
			known.address.contestedSince = NEVER;
			return known.address;
		}
		if (known !== undefined) {
			const {address} = known;
			address.contestedSince = Math.min(address.contestedSince, now);
			const alive = address.validated && now - address.lastReceived < TAKE_OVER_SILENCE;
			if (alive && now - address.contestedSince < TAKE_OVER_SILENCE) return undefined;
			known.path.addresses.remove(known.address);
		}
		const challenge = new Uint8Array(8);
		this.#context.environment.random.fill(challenge);
		const address = new PathAddress(remote, challenge, now);
		const evicted = path.addresses.add(address);
		this.#lastRemote = undefined;
		if (evicted?.remote) this.#byAddress.delete(evicted.remote.key);
		this.#byAddress.set(remote.key, {path, address});
		if (path.addresses.list.length > 1) {
			path.forgetDelays();
			this.#context.emit({
				type: 'path-address',
				session: this.#session,
				path: path.id,
				name: path.settings.name,
				address: `${remote.host} port ${remote.port}`,
			});
		}
		this.changed(now);
		return address;
	}

	/** Forgets all addresses on a local socket that is gone. */
	socketClosed(socket: number, now: Millis): void {
		this.#lastRemote = undefined;
		for (const [key, {path, address}] of this.#byAddress) {
			if (address.remote?.socket !== socket) continue;
			path.addresses.remove(address);
			this.#byAddress.delete(key);
		}
		this.changed(now);
	}

	/** Lets go of addresses that newer ones have replaced. */
	expireAddresses(now: Millis): void {
		this.#lastRemote = undefined;
		for (const path of this.all) {
			for (const {remote} of path.addresses.expire(now)) {
				if (remote) this.#byAddress.delete(remote.key);
			}
		}
	}

	/** Reports a change of state. False: there was none. */
	stateChanged(path: Path, from: PathState, now: Millis, reason: string): boolean {
		const to = path.state;
		if (to === from) return false;
		path.downSince = to === 'down' ? now : NEVER;
		if (to === 'down') path.downReason = reason;
		if (from === 'down') path.dataLoss.restart();
		this.#context.emit({
			type: 'path-state',
			session: this.#session,
			path: path.id,
			name: path.settings.name,
			from,
			to,
			reason,
		});
		this.changed(now);
		return true;
	}

	/** Calls all observers: something changed that a choice of paths rests on. */
	changed(now: Millis): void {
		const carrying = this.#carrying();
		for (const observer of this.#observers) observer.pathsChanged(carrying, now);
	}

	/**
	 * Notes that a packet of `size` bytes is too long for a path, as the system reports. `0`: some
	 * packet was.
	 */
	tooLong(path: Path, size: number, now: Millis): void {
		if (size === 0) path.mtu.hinted(now);
		else if (path.mtu.tooLong(size, now)) path.narrowed(now);
		this.changed(now);
	}
}
