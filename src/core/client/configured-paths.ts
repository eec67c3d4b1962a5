import {type Millis, NEVER} from '../../bytes/time.ts';
import {encodeFrame} from '../../wire/frames/codec.ts';
import {pathsFrame} from '../../wire/frames/paths.ts';
import type {ClientPathConfig, ClientSettings} from '../endpoint.ts';
import {PathAddress} from '../path/address.ts';
import {ReplayWindow} from '../replay-window.ts';
import type {Session} from '../session/session.ts';
import {ClientTimer, type Timers} from '../timers.ts';

/** Packet numbers kept for each path: 20,000 packets/s for the 3 s in which a RESET may come. */
const SENT_NUMBERS = 65_536;
const PATHS_AGAIN: Millis = 200;
const NO_CHALLENGE = new Uint8Array(8);

/**
 * The paths that a client is configured with: their settings, the state of their sockets, and
 * PATHS, which announces them to the server.
 */
export class ConfiguredPaths {
	readonly #timers: Timers<ClientTimer>;
	#all: readonly ClientPathConfig[];
	#copies: number;
	/** True while the path's socket is ready, by id. */
	readonly #open: boolean[] = [];
	/** Sequence of the PATHS that describes them as they are now, 0 to 255. */
	#sequence = 0;

	/** @param copies paths on which each packet goes; 0 = all */
	constructor(timers: Timers<ClientTimer>, paths: readonly ClientPathConfig[], copies: number) {
		this.#timers = timers;
		this.#all = paths;
		this.#copies = copies;
	}

	/** Settings of all paths. */
	get all(): readonly ClientPathConfig[] {
		return this.#all;
	}

	/** True while the path's socket is ready. */
	isOpen(id: number): boolean {
		return this.#open[id] === true;
	}

	/** Opens a path whose socket is ready, perhaps once more on another address; probes it. */
	opened(id: number, session: Session | undefined, now: Millis): void {
		// A path that was removed may have been about to open.
		if (!this.#all.some((path) => path.id === id)) return;
		this.#open[id] = true;
		const path = session?.paths.get(id);
		if (session === undefined || path === undefined) return;
		if (!path.open) this.#openIn(session, id, now);
		path.forgetDelays();
		session.prober.probe(path, now);
	}

	#openIn(session: Session, id: number, now: Millis): void {
		session.paths.get(id)?.addresses.add(new PathAddress(undefined, NO_CHALLENGE, now));
		session.paths.changed(now);
	}

	/** Gives a new session the paths. */
	configure(session: Session, now: Millis): void {
		session.lanes.copies = this.#copies;
		for (const settings of this.#all) {
			const path = session.paths.configure(settings, settings.rateUp);
			path.sentNumbers ??= new ReplayWindow(SENT_NUMBERS);
			path.keepAlive = settings.keepAlive ?? NEVER;
			if (this.isOpen(settings.id) && !path.open) this.#openIn(session, settings.id, now);
		}
	}

	/**
	 * Takes other settings and other paths, and announces them under the next sequence; those that
	 * are missing are removed, and what they carried goes over the others.
	 */
	change({paths, copies}: ClientSettings, session: Session | undefined, now: Millis): void {
		const ids = new Set(paths.map(({id}) => id));
		for (const {id} of this.#all) if (!ids.has(id)) this.#open[id] = false;
		this.#all = paths;
		this.#copies = copies;
		this.#sequence = (this.#sequence + 1) & 0xff;
		if (session === undefined) return;
		session.paths.keep(ids, now);
		this.configure(session, now);
		session.paths.changed(now);
		this.announce(session, now);
	}

	/** Sends PATHS, and again until it is confirmed. */
	announce(session: Session, now: Millis): void {
		const sequence = this.#sequence;
		if (session.pathsKnown === sequence) {
			this.#timers.clear(ClientTimer.PATHS);
			return;
		}
		const frame = {sequence, copies: this.#copies, paths: this.#all};
		session.sendControl(encodeFrame(pathsFrame, frame), now);
		this.#timers.set(ClientTimer.PATHS, now + PATHS_AGAIN);
	}
}
