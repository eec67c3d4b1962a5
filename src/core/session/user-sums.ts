import type {StreamTotals} from '../events.ts';
import {
	addLane,
	addPath,
	type LaneTotals,
	NamedSums,
	noLaneTotals,
	noPathTotals,
	type PathTotals,
	type TotalsStatus,
} from '../totals.ts';
import type {Session} from './session.ts';

/** The streams of a user that its sums are shown with. */
type Streams = Pick<StreamTotals, 'opened' | 'sent' | 'received'>;

/** Sums over the sessions of one user: those that are over, and those that go on. */
export class UserSums {
	readonly #over = new Sums();
	/** Sessions that came up, those that go on included. */
	sessions = 0;

	/** Adds a session that is over. */
	add(session: Session): void {
		this.#over.add(session);
	}

	/**
	 * Returns the sums.
	 * @param live the sessions that go on
	 * @param streams those of all sessions
	 */
	read(user: string, live: readonly Session[], streams: Streams): TotalsStatus {
		// A name has its place from now on, whichever session ends first.
		for (const session of live) this.#over.admit(session);
		const sums = this.#over.copy();
		for (const session of live) sums.add(session);
		const {rekeys, sent, received, split, paths, lanes} = sums;
		return {
			user,
			sessions: this.sessions,
			rekeys,
			datagramsSent: sent,
			datagramsReceived: received,
			datagramsSplit: split,
			streamsOpened: streams.opened,
			streamBytesSent: streams.sent,
			streamBytesReceived: streams.received,
			paths: paths.all(),
			lanes: lanes.all(),
		};
	}
}

class Sums {
	rekeys = 0;
	sent = 0;
	received = 0;
	split = 0;
	readonly paths = new NamedSums<PathTotals>(noPathTotals);
	readonly lanes = new NamedSums<LaneTotals>(noLaneTotals);

	add(session: Session): void {
		this.rekeys += session.rekeys;
		this.sent += session.sent;
		this.received += session.received;
		this.split += session.lanes.split;
		session.paths.counts.addTo(this.paths, session.paths.all);
		for (const lane of session.lanes.totals()) addLane(this.lanes.of(lane.policy), lane);
	}

	/** Gives the names of a session their places. */
	admit(session: Session): void {
		const {paths, lanes} = session;
		for (const name of paths.counts.names(paths.all)) this.paths.of(name);
		for (const {policy} of lanes.totals()) this.lanes.of(policy);
	}

	copy(): Sums {
		const sums = new Sums();
		sums.rekeys = this.rekeys;
		sums.sent = this.sent;
		sums.received = this.received;
		sums.split = this.split;
		for (const path of this.paths.all()) addPath(sums.paths.of(path.name), path);
		for (const lane of this.lanes.all()) addLane(sums.lanes.of(lane.policy), lane);
		return sums;
	}
}
