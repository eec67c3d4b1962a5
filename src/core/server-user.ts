import type {ServerConfig, UserConfig} from './endpoint.ts';
import type {UserStatus} from './events.ts';
import {RateLimit} from './rate-limit.ts';
import type {Millis} from './time.ts';

/** How often the same refusal of a user's flows is told. */
const TELL_INTERVAL: Millis = 1000;

/** One user of a server: what it may do, and what all its clients together did. */
export class ServerUser {
	readonly name: string;
	readonly psk: Uint8Array;
	/** Whether flows to a fixed target are served, and those whose targets clients choose. */
	readonly fixedTarget: boolean;
	readonly exit: boolean;
	/** Flows that it may have at once. */
	readonly flowLimit: number;
	/** Flows that it has. */
	flows = 0;
	/** Datagrams sent to it and received from it in sessions that are over. */
	sent = 0;
	received = 0;
	readonly #newFlows: RateLimit;
	/** Refusals by RefusalCode, and when each was told last. */
	readonly #refused = new Map<number, {count: number; told: Millis}>();

	constructor(user: UserConfig, config: ServerConfig) {
		this.name = user.name;
		this.psk = user.psk;
		this.fixedTarget = user.fixedTarget ?? config.fixedTarget;
		this.exit = (user.exit ?? config.exit) && !config.keyless;
		this.flowLimit = user.flowLimit ?? config.flowLimit;
		this.#newFlows = new RateLimit(user.flowRate ?? config.flowRate, 1);
	}

	/** Whether one more flow may be opened now, as far as their number in a second is concerned. */
	mayOpen(now: Millis): boolean {
		return this.#newFlows.allow('', now);
	}

	/** Counts a refusal, one of RefusalCode; true = it is time to tell of it. */
	refused(code: number, now: Millis): boolean {
		let entry = this.#refused.get(code);
		if (entry === undefined) {
			entry = {count: 0, told: Number.NEGATIVE_INFINITY};
			this.#refused.set(code, entry);
		}
		entry.count++;
		if (now - entry.told < TELL_INTERVAL) return false;
		entry.told = now;
		return true;
	}

	/** For people; `live` is of the sessions that go on. */
	status(live: {
		readonly sessions: number;
		readonly sent: number;
		readonly received: number;
	}): UserStatus {
		const refused = [...this.#refused].map(([code, {count}]) => ({code, count}));
		return {
			name: this.name,
			sessions: live.sessions,
			flows: this.flows,
			datagramsSent: this.sent + live.sent,
			datagramsReceived: this.received + live.received,
			refused,
		};
	}
}
