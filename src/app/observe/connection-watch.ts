import {type Millis, NEVER} from '../../bytes/time.ts';
import type {EndpointEvent, PathState} from '../../core/events.ts';
import type {PathTrouble} from '../../net/tunnel/client-path.ts';
import {judgeSigns, type PathFinding, type ServerWarning} from './path-finding.ts';

/** Time without a session after which a client reports it. */
const FIRST_REPORT: Millis = 3000;

/** Interval at which it is reported again. */
const REPORT_INTERVAL: Millis = 60_000;

/** Reports of a connection that comes and goes are at least this far apart. */
const REPORT_PAUSE: Millis = 15_000;

/**
 * Time for which an error of the system or an answer of the server counts: two of the longest
 * pauses between INITs.
 */
const SIGN_LASTS: Millis = 12_000;

/** Reason why a path carries nothing, and for how long it has not. */
export interface IdleFinding extends PathFinding {
	readonly for: Millis;
}

/** State of a client's connection: up while it has a session that some path carries. */
export interface ConnectionStatus {
	readonly up: boolean;
	/** Time since the last change, in ms. */
	readonly for: Millis;
	/** Reason of the last session's end; '' when there was none, or it is up. */
	readonly reason: string;
}

/** Inputs of a watch. */
export interface ConnectionWatchInit {
	readonly paths: number;
	readonly now: Millis;
	/** Returns the reason why a path cannot send. `undefined`: it can. */
	readonly troubleOf: (path: number) => PathTrouble | undefined;
}

interface WatchedPath {
	state: PathState;
	/** True while it is up, or was until now. */
	carries: boolean;
	/** Time at which it ceased to carry packets, or began to be tried. */
	since: Millis;
	refusal: string;
	refusedAt: Millis;
}

/**
 * Watches whether a client has a connection, and finds the reason for each path that does not work.
 * A client has a connection while a session exists and not all of its paths are down. Time and
 * events are passed in; after each of them `nextTimeout` returns the time of the next report.
 */
export class ConnectionWatch {
	readonly #troubleOf: ConnectionWatchInit['troubleOf'];
	/** By the ids of the paths. */
	readonly #paths = new Map<number, WatchedPath>();
	#hasSession = false;
	#up = false;
	#since: Millis;
	#reason = '';
	#warning: ServerWarning | undefined;
	#warnedAt: Millis = Number.NEGATIVE_INFINITY;
	#nextReport: Millis;
	#reportedAt: Millis = Number.NEGATIVE_INFINITY;

	constructor({paths, now, troubleOf}: ConnectionWatchInit) {
		this.#troubleOf = troubleOf;
		this.#since = now;
		this.#nextReport = now + FIRST_REPORT;
		for (let id = 0; id < paths; id++) this.#paths.set(id, freshPath(now));
	}

	/** Takes other paths by their ids; those that stay are watched on. */
	reconfigure(ids: ReadonlySet<number>, now: Millis): void {
		for (const id of [...this.#paths.keys()]) if (!ids.has(id)) this.#paths.delete(id);
		for (const id of ids) if (!this.#paths.has(id)) this.#paths.set(id, freshPath(now));
		this.#judge(now);
	}

	/** Takes an event of the endpoint. */
	event(event: EndpointEvent, now: Millis): void {
		if (event.type === 'session-up') {
			if (!event.resumed) for (const path of this.#paths.values()) move(path, 'new', now);
			this.#hasSession = true;
			this.#warning = undefined;
		} else if (event.type === 'session-down') {
			this.#hasSession = false;
			this.#reason = event.reason;
			for (const path of this.#paths.values()) move(path, 'down', now);
		} else if (event.type === 'path-state') {
			const path = this.#paths.get(event.path);
			if (path !== undefined) move(path, event.to, now);
		} else if (event.type === 'warning') {
			this.#warning = event;
			this.#warnedAt = now;
		}
		this.#judge(now);
	}

	/** Takes the system's error for packets to where a path leads. */
	refused(id: number, reason: string, now: Millis): void {
		const path = this.#paths.get(id);
		if (path === undefined) return;
		path.refusal = reason;
		path.refusedAt = now;
	}

	/** Returns the time of the next report. `NEVER`: there is a connection. */
	nextTimeout(): Millis {
		return this.#nextReport;
	}

	/** Lets time pass; whether the findings of all paths are to be reported now. */
	handleTimeout(now: Millis): boolean {
		if (now < this.#nextReport) return false;
		this.#reportedAt = now;
		this.#nextReport = now + REPORT_INTERVAL;
		return true;
	}

	/** Returns the reason why a path carries nothing. `undefined`: it does or is about to. */
	finding(id: number, now: Millis): IdleFinding | undefined {
		const path = this.#paths.get(id);
		if (path === undefined || path.carries) return undefined;
		const idle = now - path.since;
		if (idle < FIRST_REPORT && path.state !== 'down') return undefined;
		const refused = now - path.refusedAt <= SIGN_LASTS;
		// The answer came over some path, and not over one that is refused.
		const warned = !refused && now - this.#warnedAt <= SIGN_LASTS;
		const signs = {
			trouble: this.#troubleOf(id),
			refusal: refused ? path.refusal : undefined,
			warning: warned ? this.#warning : undefined,
		};
		return {...judgeSigns(signs), for: idle};
	}

	status(now: Millis): ConnectionStatus {
		return {up: this.#up, for: now - this.#since, reason: this.#up ? '' : this.#reason};
	}

	#judge(now: Millis): void {
		const up = this.#hasSession && [...this.#paths.values()].some(isNotDown);
		if (up === this.#up) return;
		this.#up = up;
		this.#since = now;
		if (up) this.#nextReport = NEVER;
		else this.#nextReport = Math.max(now + FIRST_REPORT, this.#reportedAt + REPORT_PAUSE);
	}
}

function move(path: WatchedPath, state: PathState, now: Millis): void {
	// A suspect path is what it was: one that was never up carries nothing.
	const carries = state === 'suspect' ? path.carries : state === 'up';
	path.state = state;
	if (carries !== path.carries) path.since = now;
	path.carries = carries;
}

function isNotDown({state}: WatchedPath): boolean {
	return state !== 'down';
}

function freshPath(now: Millis): WatchedPath {
	return {
		state: 'new',
		carries: false,
		since: now,
		refusal: '',
		refusedAt: Number.NEGATIVE_INFINITY,
	};
}
