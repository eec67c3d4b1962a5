import type {Millis} from '../../bytes/time.ts';
import type {RefusedKind} from '../../wire/refusal.ts';
import {type Account, unlimited} from '../budget.ts';
import {CodingShare} from '../coding.ts';
import type {ServerConfig, UserConfig} from '../endpoint.ts';
import type {UserStatus} from '../events.ts';
import type {FlowUser} from '../flow/server-flow-table.ts';
import type {LaneLimits} from '../lane/lanes.ts';
import {TokenBucket} from '../load/token-bucket.ts';
import {RateLimit} from '../rate-limit.ts';
import {UserSums} from '../session/user-sums.ts';
import type {StreamUser} from '../stream/stream-set.ts';
import {UserTotals} from './user-totals.ts';

/** Interval at which the same refusal of a user is reported. */
const REPORT_INTERVAL: Millis = 1000;
/** Defaults of a user: sessions, streams, and new streams per second. */
const SESSIONS = 64;
const STREAMS = 4096;
const CONNECTS = 128;
/** Seconds whose new streams a client may open at once. */
const CONNECT_SECONDS = 10;
/** Sessions without a genuine packet that a user may have; one more pushes the oldest out. */
export const HALF_OPEN = 16;

type Mutable<T> = {-readonly [K in keyof T]: T[K]};

/** A user's shares of the budgets of all users. */
export interface UserShares {
	readonly memory: Account;
	readonly sessions: Account;
}

/** One user of a server: its limits, and the counts of all its clients together. */
export class ServerUser implements FlowUser, StreamUser {
	readonly name: string;
	psk: Uint8Array;
	/** True when flows to a fixed target are served. */
	fixedTarget = false;
	/** True when flows and streams to targets that clients choose are served. */
	exit = false;
	/** Flows and streams that it may have at once. */
	flowLimit = 0;
	streamLimit = 0;
	/** Those of lanes that are made from now on. */
	readonly laneLimits: Mutable<LaneLimits> = {share: new CodingShare()};
	/** Bytes that its streams and waiting datagrams take, and sessions, half-open ones included. */
	readonly memory: Account;
	readonly sessions: Account;
	/** Flows, streams and half-open sessions that it has. */
	flows = 0;
	streams = 0;
	halfOpen = 0;
	/** Sums over the sessions that are over. */
	readonly past: UserTotals;
	/** Counts of all its sessions, by the names of paths and policies. */
	readonly sums: UserSums;
	#newFlows: RateLimit;
	#connects: TokenBucket;
	#flowRate = 0;
	#connectRate = 0;
	/** Refusals by kind and RefusalCode, and the time of the last report of each. */
	readonly #refused: Map<string, Refusals>;

	/** @param former the same user before it was removed, whose counts go on */
	constructor(
		user: UserConfig,
		config: ServerConfig,
		shares: UserShares = {memory: unlimited(), sessions: unlimited()},
		former?: ServerUser,
	) {
		this.past = former?.past ?? new UserTotals();
		this.sums = former?.sums ?? new UserSums();
		this.#refused = former === undefined ? new Map() : former.#refused;
		this.name = user.name;
		this.psk = user.psk;
		this.memory = shares.memory;
		this.sessions = shares.sessions;
		this.#newFlows = new RateLimit(0, 1);
		this.#connects = new TokenBucket(0, 0);
		this.configure(user, config);
	}

	/** Takes other settings; what it has beyond a limit stays, and nothing new comes. */
	configure(user: UserConfig, config: Omit<ServerConfig, 'users'>): void {
		this.psk = user.psk;
		this.fixedTarget = user.fixedTarget ?? config.fixedTarget;
		this.exit = (user.exit ?? config.exit) && !config.keyless;
		this.flowLimit = user.flowLimit ?? config.flowLimit;
		this.streamLimit = user.streamLimit ?? STREAMS;
		this.laneLimits.traffic = user.trafficLimit;
		this.laneLimits.coded = user.laneLimit;
		this.memory.cap = user.memoryLimit ?? Number.POSITIVE_INFINITY;
		this.sessions.cap = user.sessionLimit ?? SESSIONS;
		const {flowRate = config.flowRate, connectRate = CONNECTS} = user;
		if (flowRate !== this.#flowRate) this.#newFlows = new RateLimit(flowRate, 1);
		if (connectRate !== this.#connectRate) {
			this.#connects = new TokenBucket(connectRate, CONNECT_SECONDS * connectRate);
		}
		this.#flowRate = flowRate;
		this.#connectRate = connectRate;
	}

	/** Counts one more flow. True when the rate of new flows allows it. */
	mayOpen(now: Millis): boolean {
		return this.#newFlows.allow('', now);
	}

	/** Counts one more stream. True when the rate of new streams allows it. */
	mayConnect(now: Millis): boolean {
		return this.#connects.allow(now);
	}

	/** Counts a refusal, one of RefusalCode. True when it is time to report it. */
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

	/**
	 * Returns the status of the user.
	 *
	 * @param live sums over the sessions that go on
	 */
	status(live: UserTotals): UserStatus {
		const refused = [...this.#refused.values()].map(({kind, code, count}) => ({kind, code, count}));
		const all = new UserTotals();
		all.addAll(this.past);
		all.addAll(live);
		return {
			name: this.name,
			sessions: live.sessions,
			flows: this.flows,
			datagramsSent: all.sent,
			datagramsReceived: all.received,
			streams: {now: this.streams, ...all.streams},
			memory: this.memory.used,
			traffic: all.traffic,
			refused,
		};
	}
}

interface Refusals {
	readonly kind: RefusedKind;
	readonly code: number;
	count: number;
	reportedAt: Millis;
}
