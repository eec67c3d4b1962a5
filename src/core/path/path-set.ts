import {type Millis, NEVER} from '../../bytes/time.ts';
import {MAX_PATHS} from '../../wire/constants.ts';
import type {PathSettings} from '../../wire/frames/paths.ts';
import type {EndpointContext} from '../context.ts';
import type {PathState} from '../events.ts';
import type {RemoteAddress} from '../remote-address.ts';
import {PathAddress} from './address.ts';
import {Path} from './path.ts';

/**
 * A validated address of another path may be taken over when it was silent for this long, or when
 * all its probes named the new path for this long: then it once proved to be what it is not.
 */
const TAKE_OVER_SILENCE: Millis = 2000;

/** Chooses among the paths of a session. */
export interface PathsObserver {
	/** Chooses anew among `paths`, after anything changed that a choice rests on; keeps `paths`. */
	pathsChanged(paths: readonly Path[], now: Millis): void;
}

/** The paths of a session, where they lead and how they are judged. */
export class PathSet {
	readonly all: Path[] = [];
	readonly #byId: (Path | undefined)[] = new Array<Path | undefined>(MAX_PATHS).fill(undefined);
	readonly #byAddress = new Map<string, {readonly path: Path; readonly address: PathAddress}>();
	/** What was located last; undefined after any change of the addresses. */
	#lastRemote: RemoteAddress | undefined;
	/** Where it was, without meaning when there is none. */
	#lastLocation: {readonly path: Path; readonly address: PathAddress} | undefined;
	readonly #observers: PathsObserver[] = [];
	readonly #context: EndpointContext;
	readonly #session: number;

	/** @param session the number that events carry */
	constructor(context: EndpointContext, session: number) {
		this.#context = context;
		this.#session = session;
	}

	/** Has `observer` choose now, and after each change. */
	observe(observer: PathsObserver, now: Millis): void {
		this.#observers.push(observer);
		observer.pathsChanged(this.all, now);
	}

	/** The path with that id. */
	get(id: number): Path | undefined {
		return this.#byId[id];
	}

	/** Makes the path with these settings, or gives an existing one these settings. */
	configure(settings: PathSettings, rate: number): Path {
		let path = this.#byId[settings.id];
		if (path === undefined) {
			path = new Path(settings);
			this.#byId[settings.id] = path;
			this.all.push(path);
		}
		path.settings = settings;
		path.load.saturation.configure(rate);
		return path;
	}

	/** The path with that id, made with plain settings when it is new. */
	ensure(id: number): Path {
		const name = `path ${id + 1}`;
		const plain = {id, name, metered: false, backup: false, rateUp: 0, rateDown: 0};
		return this.#byId[id] ?? this.configure(plain, 0);
	}

	/** Which path a remote address belongs to. */
	locate(remote: RemoteAddress): {readonly path: Path; readonly address: PathAddress} | undefined {
		// Packets come in batches from the same address.
		if (remote !== this.#lastRemote) {
			this.#lastRemote = remote;
			this.#lastLocation = this.#byAddress.get(remote.key);
		}
		return this.#lastLocation;
	}

	/**
	 * Learns from an authenticated probe that a path is reached at `remote`. Returns undefined when
	 * the address proved to belong to another path that is alive.
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

	/** Tells of a change of state, if there is one; true when there was. */
	stateChanged(path: Path, from: PathState, now: Millis, reason: string): boolean {
		const to = path.state;
		if (to === from) return false;
		path.downSince = to === 'down' ? now : NEVER;
		if (to === 'down') path.downReason = reason;
		if (from === 'down') path.delivery.restart();
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

	/** Anything changed that a choice of paths rests on: all that observe the set choose anew. */
	changed(now: Millis): void {
		for (const observer of this.#observers) observer.pathsChanged(this.all, now);
	}

	/** The system says that a packet of this size is too long for a path; 0 = some packet was. */
	tooLong(path: Path, size: number, now: Millis): void {
		if (size === 0) path.mtu.hinted(now);
		else if (path.mtu.tooLong(size, now)) path.narrowed(now);
		this.changed(now);
	}
}
