import type {Millis} from '../../bytes/time.ts';
import type {SessionStatus, StreamTotals} from '../events.ts';
import type {Session} from './session.ts';

/** Parts of the status that the endpoint adds to those of the session. */
export interface StatusContext {
	readonly state: SessionStatus['state'];
	readonly user: string;
	readonly flows: number;
	readonly streams: StreamTotals | undefined;
	readonly now: Millis;
}

/** Returns the status of a session. `undefined`: that of an endpoint without one. */
export function sessionStatus(session: Session | undefined, context: StatusContext): SessionStatus {
	const {state, user, flows, streams, now} = context;
	return {
		session: session?.number ?? 0,
		user,
		state,
		age: session === undefined ? 0 : now - session.since,
		flows,
		streams,
		datagramsSent: session?.sent ?? 0,
		datagramsReceived: session?.received ?? 0,
		datagramsSplit: session?.lanes.split ?? 0,
		residualLoss: session?.prober.residualLoss,
		rekeys: session?.rekeys ?? 0,
		keyAge: session === undefined ? 0 : now - session.keys.since,
		paths: session?.paths.all.map((path) => path.status(now)) ?? [],
		lanes: session?.lanes.status(now) ?? [],
	};
}
