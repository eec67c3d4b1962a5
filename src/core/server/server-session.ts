import type {Millis} from '../../bytes/time.ts';
import type {FlowOwner, ServerFlow} from '../flow/server-flow-table.ts';
import type {ServerFlows} from '../flow/server-flows.ts';
import type {RateLimit} from '../rate-limit.ts';
import type {Session} from '../session/session.ts';
import type {ServerUser} from './server-user.ts';

/** Record of the server about one client id of one user, over all its sessions. */
export interface ClientRecord extends FlowOwner {
	readonly key: string;
	readonly user: ServerUser;
	readonly flows: Map<string, ServerFlow>;
	/** The newest time of an INIT, in milliseconds since 1970; older INITs are stale. */
	newestTime: number;
	session: ServerSession | undefined;
	/** Time of its last use. */
	active: Millis;
}

/** A session and what only a server knows of it. */
export interface ServerSession {
	readonly session: Session;
	readonly flows: ServerFlows;
	readonly exporter: Uint8Array;
	record: ClientRecord;
	/**
	 * The time in its newest INIT, on the client's clock, which never goes back while the client
	 * lives.
	 */
	newestInit: number;
	/** Bounds what resumes of it cost. */
	readonly resumes: RateLimit;
	/** False until the first genuine packet came, which alone shows that the client is live. */
	live: boolean;
	/** Time at which handleTimeout looks at it. */
	deadline: Millis;
}
