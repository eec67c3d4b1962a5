import {type Millis, NEVER} from '../../bytes/time.ts';
import {BASE_PACKET_SIZE, MAX_PACKET_SIZE, MAX_PATHS} from '../../wire/constants.ts';
import type {PathSettings} from '../../wire/paths.ts';
import type {EndpointContext} from '../context.ts';
import type {PathState} from '../events.ts';
import {chooseRedundant, chooseSamples} from '../lane/dispatch/redundant.ts';
import type {RemoteAddress} from '../remote-address.ts';
import {PathAddress} from './address.ts';
import {WORST_GRADE} from './delivery.ts';
import {Path} from './path.ts';

/**
 * A validated address of another path may be taken over when it was silent for this long, or when
 * all its probes named the new path for this long: then it once proved to be what it is not.
 */
const TAKE_OVER_SILENCE: Millis = 2000;

/** The paths of a session, where they lead, and which of them carry copies. */
export class PathSet {
	readonly all: Path[] = [];
	/** The paths that every packet goes out on. */
	readonly chosen: Path[] = [];
	/** Those beside them that get a copy now and then, to see whether data arrives there again. */
	readonly sampled: Path[] = [];
	/** The largest packet that fits the chosen paths whose size counts, in bytes of UDP payload. */
	packetSize: number = BASE_PACKET_SIZE;
	/** On how many paths each packet goes; 0 = on all. */
	copies = 0;
	readonly #byId: (Path | undefined)[] = new Array<Path | undefined>(MAX_PATHS).fill(undefined);
	readonly #byAddress = new Map<string, {readonly path: Path; readonly address: PathAddress}>();
	/** What was located last; undefined after any change of the addresses. */
	#lastRemote: RemoteAddress | undefined;
	/** Where it was, without meaning when there is none. */
	#lastLocation: {readonly path: Path; readonly address: PathAddress} | undefined;
	readonly #context: EndpointContext;
	readonly #session: number;

	/** @param session the number that events carry */
	constructor(context: EndpointContext, session: number) {
		this.#context = context;
		this.#session = session;
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
		path.saturation.configure(rate);
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
			const alive = address.validated && now - address.heard < TAKE_OVER_SILENCE;
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
			path.moved();
			this.#context.emit({
				type: 'path-address',
				session: this.#session,
				path: path.id,
				name: path.settings.name,
				address: `${remote.host} port ${remote.port}`,
			});
		}
		this.choose();
		return address;
	}

	/** Forgets all addresses on a local socket that is gone. */
	socketClosed(socket: number): void {
		this.#lastRemote = undefined;
		for (const [key, {path, address}] of this.#byAddress) {
			if (address.remote?.socket !== socket) continue;
			path.addresses.remove(address);
			this.#byAddress.delete(key);
		}
		this.choose();
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

	/** Tells of a change of state, if there is one, and chooses anew. */
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
		this.choose();
		return true;
	}

	/** Chooses the paths for copies anew, after anything changed that the choice rests on. */
	choose(): void {
		chooseRedundant(this.all, this.copies, this.chosen);
		chooseSamples(this.all, this.chosen, this.sampled);
		let size = MAX_PACKET_SIZE;
		let widest = BASE_PACKET_SIZE;
		for (const {mtu, sizeWorth} of this.chosen) {
			if (sizeWorth.counts) size = Math.min(size, mtu.confirmed);
			widest = Math.max(widest, mtu.confirmed);
		}
		this.packetSize = Math.min(size, widest);
	}

	/** The system says that a packet of this size is too long for a path; 0 = some packet was. */
	tooLong(path: Path, size: number, now: Millis): void {
		if (size === 0) path.mtu.hinted(now);
		else if (path.mtu.tooLong(size, now)) path.narrowed(now);
		this.choose();
	}

	/** Judges anew whose size counts. */
	weighSizes(now: Millis): void {
		let changed = false;
		for (const path of this.chosen) {
			if (path.sizeWorth.judge(path, this.#widerThan(path), now)) changed = true;
		}
		if (changed) this.choose();
	}

	/** The quickest path that carries more than this one, and most of it. */
	#widerThan(path: Path): Path | undefined {
		let best: Path | undefined;
		for (const other of this.chosen) {
			if (other.mtu.confirmed <= path.mtu.confirmed || other.state !== 'up') continue;
			if (other.grade === WORST_GRADE) continue;
			if (best === undefined || other.rtt.smoothed < best.rtt.smoothed) best = other;
		}
		return best;
	}
}
