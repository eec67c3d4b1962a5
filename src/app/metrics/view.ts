import type {LaneStatus, PathStatus} from '../../core/events.ts';
import {OTHER_NAME} from '../../core/totals.ts';
import {nameOf, type StatusSnapshot} from '../observe/status.ts';
import type {ProcessFigures} from './process-figures.ts';

/** Users with samples of their own; all further ones are `other`. */
const USERS = 100;

/** A path of a session now, under its labels. */
export interface PathView {
	readonly user: string;
	readonly path: string;
	readonly status: PathStatus;
}

/** A lane of a session now, under its labels. */
export interface LaneView {
	readonly user: string;
	readonly policy: string;
	readonly status: LaneStatus;
}

/** One snapshot as metrics read it: with labels of which there are few. */
export class MetricsView {
	readonly snapshot: StatusSnapshot;
	readonly process: ProcessFigures;
	readonly #paths = new Map<string, ReadonlySet<string>>();
	readonly #policies = new Map<string, ReadonlySet<string>>();
	readonly #shown: ReadonlySet<string>;

	constructor(snapshot: StatusSnapshot, process: ProcessFigures) {
		this.snapshot = snapshot;
		this.process = process;
		this.#shown = new Set(snapshot.totals.slice(0, USERS).map(({user}) => user));
		for (const {user, paths, lanes} of snapshot.totals) {
			this.#paths.set(user, new Set(paths.map(({name}) => name)));
			this.#policies.set(user, new Set(lanes.map(({policy}) => policy)));
		}
	}

	/** Returns the label of a user. */
	user(name: string): string {
		return this.#shown.has(name) ? name : OTHER_NAME;
	}

	/** Paths of all sessions; those that have no name yet are left out. */
	*paths(): Generator<PathView> {
		for (const {user, paths} of this.snapshot.sessions) {
			const known = this.#paths.get(user);
			for (const status of paths) {
				const name = nameOf(status, this.snapshot);
				if (known?.has(name)) yield {user: this.user(user), path: name, status};
				else if (known?.has(OTHER_NAME)) {
					yield {user: this.user(user), path: OTHER_NAME, status};
				}
			}
		}
	}

	/** Lanes of all sessions. */
	*lanes(): Generator<LaneView> {
		for (const {user, lanes} of this.snapshot.sessions) {
			const known = this.#policies.get(user);
			for (const status of lanes) {
				const policy = known?.has(status.policy) ? status.policy : OTHER_NAME;
				yield {user: this.user(user), policy, status};
			}
		}
	}
}
