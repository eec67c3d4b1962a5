import type {Millis} from '../../bytes/time.ts';
import type {FlowLine} from '../observe/flow-lines.ts';
import type {Happenings} from '../observe/happenings.ts';
import type {LogTail} from '../observe/log-tail.ts';
import type {StatusSnapshot} from '../observe/status.ts';
import {History, type Sample} from './history.ts';
import {serverSentEvent, type ViewerSink, Viewers} from './viewers.ts';

/** Time between two snapshots, however many viewers there are. */
const INTERVAL: Millis = 1000;

/** Snapshots take at most one in so many parts of the time; else there are fewer. */
const SHARE = 50;

/** Sessions and users that are shown; of the rest there is a number. */
const SESSIONS = 32;
const USERS = 50;

/** The parts of a program that are shown, and the clocks. */
export interface FeedInit {
	readonly snapshot: () => StatusSnapshot;
	/** Flows and connections that carried most. */
	readonly flows: () => readonly FlowLine[];
	readonly happenings: Happenings;
	/** `undefined`: the log is not shown. */
	readonly log: LogTail | undefined;
	/** True while viewers can change something. */
	readonly steering: boolean;
	/** Wall clock: milliseconds since 1970. */
	readonly wallTime: () => Millis;
	/** A clock that never jumps. */
	readonly now: () => Millis;
}

/** Takes snapshots, keeps their past and gives both to the viewers: each text is made once. */
export class Feed {
	readonly #init: FeedInit;
	readonly #history = new History();
	readonly #viewers = new Viewers();
	#last: {readonly snapshot: StatusSnapshot; readonly sample: Sample} | undefined;
	/** The text for one who comes; the same for all who come between two snapshots. */
	#welcome: string | undefined;
	/** Lines and happenings of the snapshots so far. */
	#lines = 0;
	#happened = 0;

	constructor(init: FeedInit) {
		this.#init = init;
	}

	/** Adds a viewer and writes the past; false: there are too many. */
	join(sink: ViewerSink): boolean {
		if (!this.#viewers.add(sink)) return false;
		this.#welcome ??= this.#past();
		sink.write(this.#welcome);
		return true;
	}

	/** Forgets a viewer whose connection has ended. */
	leave(sink: ViewerSink): void {
		this.#viewers.remove(sink);
	}

	/** Takes the next snapshot; returns the time until the one after it. */
	tick(): Millis {
		const {snapshot: take, flows, log, happenings, wallTime, now} = this.#init;
		const from = now();
		const snapshot = take();
		const sample = this.#history.sample(snapshot, wallTime());
		if (this.#viewers.size > 0) {
			const text = JSON.stringify({
				...shown(snapshot),
				...sample,
				flows: flows(),
				happened: happenings.since(this.#happened),
				log: log?.since(this.#lines) ?? [],
			});
			this.#viewers.send(serverSentEvent('tick', text));
		}
		this.#last = {snapshot, sample};
		this.#welcome = undefined;
		this.#lines = log?.count ?? 0;
		this.#happened = happenings.count;
		return Math.max(INTERVAL, (now() - from) * SHARE);
	}

	/** Drops all viewers. */
	close(): void {
		this.#viewers.close();
	}

	#past(): string {
		const {flows, log, happenings, steering} = this.#init;
		const past = {
			...this.#history.past(),
			...(this.#last && {...shown(this.#last.snapshot), series: this.#last.sample.series}),
			steering,
			flows: flows(),
			happened: happenings.upTo(this.#happened),
			log: log?.upTo(this.#lines) ?? [],
		};
		return serverSentEvent('past', JSON.stringify(past));
	}
}

/** The part of a snapshot that fits on a page. */
function shown(snapshot: StatusSnapshot) {
	const {sessions, users} = snapshot;
	return {
		status: {
			...snapshot,
			sessions: sessions.slice(0, SESSIONS),
			...(users && {users: users.slice(0, USERS)}),
		},
		more: {
			sessions: Math.max(0, sessions.length - SESSIONS),
			users: Math.max(0, (users?.length ?? 0) - USERS),
		},
	};
}
