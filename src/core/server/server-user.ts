import type {Millis} from '../../bytes/time.ts';
import type {RefusedKind} from '../../wire/refusal.ts';
import {type Account, unlimited} from '../budget.ts';
import type {ServerConfig, UserConfig} from '../endpoint.ts';
import type {UserStatus} from '../events.ts';
import type {FlowUser} from '../flow/server-flow-table.ts';
import {TokenBucket} from '../load/token-bucket.ts';
import {RateLimit} from '../rate-limit.ts';
import type {StreamTraffic} from '../stream/stream.ts';
import type {StreamUser} from '../stream/stream-set.ts';

/** Interval at which the same refusal of a user is reported. */
const REPORT_INTERVAL: Millis = 1000;
/** Sessions, streams, and new streams in a second, of a user for whom nothing else is said. */
export const SESSIONS = 64;
const STREAMS = 4096;
const CONNECTS = 128;
/** A client may open at once what it may open in so many seconds. */
const CONNECT_SECONDS = 10;
/** Sessions without a genuine packet that a user may have; more push its oldest one out. */
export const HALF_OPEN = 16;

/** A user's shares of what all users share. */
export interface UserShares {
	readonly memory: Account;
	readonly sessions: Account;
}

/** One user of a server: what it may do, and what all its clients together did. */
export class ServerUser implements FlowUser, StreamUser {
	readonly name: string;
	readonly psk: Uint8Array;
	/** True when flows to a fixed target are served; below, those whose targets clients choose. */
	readonly fixedTarget: boolean;
	readonly exit: boolean;
	/** Flows and streams that it may have at once. */
	readonly flowLimit: number;
	readonly streamLimit: number;
	/** Bytes that its streams and waiting datagrams take, and sessions, half-open ones included. */
	readonly memory: Account;
	readonly sessions: Account;
	/** Flows, streams and half-open sessions that it has. */
	flows = 0;
	streams = 0;
	halfOpen = 0;
	/** Datagrams sent to it and received from it in sessions that are over. */
	sent = 0;
	received = 0;
	/** Of the streams of those sessions. */
	readonly traffic: StreamTraffic = {opened: 0, sent: 0, received: 0};
	readonly #newFlows: RateLimit;
	readonly #connects: TokenBucket;
	/** Refusals by kind and RefusalCode, and the time of the last report of each. */
	readonly #refused = new Map<string, Refusals>();

	constructor(
		user: UserConfig,
		config: ServerConfig,
		shares: UserShares = {memory: unlimited(), sessions: unlimited()},
	) {
		this.name = user.name;
		this.psk = user.psk;
		this.fixedTarget = user.fixedTarget ?? config.fixedTarget;
		this.exit = (user.exit ?? config.exit) && !config.keyless;
		this.flowLimit = user.flowLimit ?? config.flowLimit;
		this.streamLimit = user.streamLimit ?? STREAMS;
		this.memory = shares.memory;
		this.sessions = shares.sessions;
		const connects = user.connectRate ?? CONNECTS;
		this.#newFlows = new RateLimit(user.flowRate ?? config.flowRate, 1);
		this.#connects = new TokenBucket(connects, CONNECT_SECONDS * connects);
	}

	/** True when one more flow may be opened now, as far as their number in a second is concerned. */
	mayOpen(now: Millis): boolean {
		return this.#newFlows.allow('', now);
	}

	mayConnect(now: Millis): boolean {
		return this.#connects.allow(now);
	}

	/** Counts a refusal, one of RefusalCode; true = it is time to tell of it. */
	refused(kind: RefusedKind, code: number, now: Millis): boolean {
		const key = `${kind} ${code}`;
		let entry = this.#refused.get(key);
		if (entry === undefined) {
			entry = {kind, code, count: 0, reportedAt: Number.NEGATIVE_INFINITY};
			this.#refused.set(key, entry);
		}
		entry.count++;
		if (now - entry.reportedAt < REPORT_INTERVAL) return false;
		entry.reportedAt = now;
		return true;
	}

	/** For people; `live` is of the sessions that go on. */
	status(live: {
		readonly sessions: number;
		readonly sent: number;
		readonly received: number;
		readonly streams: StreamTraffic;
	}): UserStatus {
		const refused = [...this.#refused.values()].map(({kind, code, count}) => ({kind, code, count}));
		const streams = {...live.streams};
		addTraffic(streams, this.traffic);
		return {
			name: this.name,
			sessions: live.sessions,
			flows: this.flows,
			datagramsSent: this.sent + live.sent,
			datagramsReceived: this.received + live.received,
			streams: {now: this.streams, ...streams},
			memory: this.memory.used,
			refused,
		};
	}
}

/** Adds counts to others. */
export function addTraffic(sum: StreamTraffic, {opened, sent, received}: StreamTraffic): void {
	sum.opened += opened;
	sum.sent += sent;
	sum.received += received;
}

interface Refusals {
	readonly kind: RefusedKind;
	readonly code: number;
	count: number;
	reportedAt: Millis;
}
