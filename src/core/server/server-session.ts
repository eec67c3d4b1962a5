import type {Millis} from '../../bytes/time.ts';
import type {FlowOwner, ServerFlow} from '../flow/server-flow-table.ts';
import type {ServerFlows} from '../flow/server-flows.ts';
import type {RateLimit} from '../rate-limit.ts';
import type {Session} from '../session/session.ts';
import type {ServerUser} from './server-user.ts';

/** The server's record of one client id of one user, over all its sessions. */
export interface ClientRecord extends FlowOwner {
	/** Key among all records; empty for a client without an id. */
	readonly key: string;
	readonly user: ServerUser;
	readonly flows: Map<string, ServerFlow>;
	/** The newest time of an INIT, in milliseconds since 1970; older INITs are stale. */
	newestTime: number;
	/** The client's live session. `undefined`: none. */
	session: ServerSession | undefined;
	/** Time of the record's last use. */
	active: Millis;
}

/** A session with the parts that only a server keeps. */
export interface ServerSession {
	readonly session: Session;
	readonly flows: ServerFlows;
	/** Exporter secret, 32 bytes: proves a client that resumes. */
	readonly exporter: Uint8Array;
	/** Record of its client; replaced once a keyless client sent its id. */
	record: ClientRecord;
	/**
	 * The time in its newest INIT: milliseconds since 1970 on the client's clock, which never goes
	 * back while the client lives.
	 */
	newestInit: number;
	/** Limit of its resumes per second. */
	readonly resumes: RateLimit;
	/** Set when the first genuine packet came, which alone shows that the client is live. */
	live: boolean;
	/** Time at which its timers are due. */
	deadline: Millis;
}
