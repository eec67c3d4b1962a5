import type {StatusSnapshot} from '../../../src/app/observe/status.ts';
import type {PathStatus} from '../../../src/core/events.ts';

/** A path with these values, and plain ones for all else. */
export function plainPath(path: Partial<PathStatus> = {}): PathStatus {
	const direction = {packets: 0, bytes: 0, streamBytes: 0, loss: undefined, queueing: undefined};
	return {
		id: 0,
		name: 'dsl',
		remote: '',
		state: 'up',
		rtt: undefined,
		jitter: undefined,
		sending: {...direction, dataLoss: undefined},
		receiving: direction,
		saturated: 0,
		mtu: 1472,
		backup: false,
		metered: false,
		silence: undefined,
		...path,
	};
}

/** A snapshot with these paths in one session, or with sessions of their own. */
export function snapshotOf(
	program: StatusSnapshot['program'],
	sessions: readonly {readonly session: number; readonly paths: readonly PathStatus[]}[],
	more: Partial<StatusSnapshot> = {},
): StatusSnapshot {
	const snapshot = {
		program,
		places: [],
		sessions: sessions.map((session) => ({user: '', lanes: [], ...session})),
		drops: {},
		waiting: 0,
		...more,
	};
	// All that a page reads of it by itself.
	return snapshot as unknown as StatusSnapshot;
}
