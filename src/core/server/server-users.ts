import {equalBytes} from '../../crypto/keys.ts';
import {CloseCode} from '../../wire/constants.ts';
import {Budget} from '../budget.ts';
import type {ServerConfig, ServerSettings} from '../endpoint.ts';
import type {UserStatus} from '../events.ts';
import {STREAM_MEMORY} from '../stream/stream-set.ts';
import type {ServerSession} from './server-session.ts';
import {ServerUser} from './server-user.ts';
import {UserTotals} from './user-totals.ts';

/** A user whose sessions end because of other settings, with the code of their CLOSE. */
export interface UserCut {
	readonly user: ServerUser;
	readonly code: typeof CloseCode.REMOVED | typeof CloseCode.CHANGED;
	/** True when the user is gone. */
	readonly isGone: boolean;
}

/** The users of a server, and what they share. */
export class ServerUsers {
	readonly #config: ServerConfig;
	readonly #memory: Budget;
	readonly #sessions: Budget;
	readonly #byName = new Map<string, ServerUser>();
	/** Users that are gone, whose counts go on when they come back. */
	readonly #former = new Map<string, ServerUser>();

	constructor(config: ServerConfig) {
		const {users, streamMemory = STREAM_MEMORY, sessionLimit} = config;
		this.#config = config;
		this.#memory = new Budget(streamMemory, users.length);
		this.#sessions = new Budget(sessionLimit, users.length);
		this.reconfigure(config);
	}

	/** All users. */
	get all(): readonly ServerUser[] {
		return [...this.#byName.values()];
	}

	/** Returns the user of that name. `undefined`: there is none. */
	named(name: string): ServerUser | undefined {
		return this.#byName.get(name);
	}

	/** Takes other users and settings of theirs; returns those whose sessions have to end. */
	reconfigure({users, fixedTarget}: ServerSettings): readonly UserCut[] {
		const cuts: UserCut[] = [];
		const names = new Set(users.map(({name}) => name));
		for (const user of this.all) {
			if (names.has(user.name)) continue;
			this.#byName.delete(user.name);
			this.#former.set(user.name, user);
			this.#memory.forget(user.memory);
			this.#sessions.forget(user.sessions);
			cuts.push({user, code: CloseCode.REMOVED, isGone: true});
		}
		this.#memory.resize(users.length);
		this.#sessions.resize(users.length);
		const config = {...this.#config, fixedTarget};
		for (const settings of users) {
			const user = this.#byName.get(settings.name);
			if (user === undefined) {
				const shares = {memory: this.#memory.account(), sessions: this.#sessions.account()};
				const former = this.#former.get(settings.name);
				this.#byName.set(settings.name, new ServerUser(settings, config, shares, former));
				this.#former.delete(settings.name);
				continue;
			}
			const {psk, exit} = user;
			user.configure(settings, config);
			if (!equalBytes(psk, user.psk)) cuts.push({user, code: CloseCode.REMOVED, isGone: false});
			else if (exit !== user.exit) cuts.push({user, code: CloseCode.CHANGED, isGone: false});
		}
		return cuts;
	}

	/** Returns the status of all users, with what their sessions count. */
	status(sessions: Iterable<ServerSession>): readonly UserStatus[] {
		const live = new Map(this.all.map((user) => [user, new UserTotals()]));
		for (const {live: isLive, session, record} of sessions) {
			if (isLive) live.get(record.user)?.add(session);
		}
		return [...live].map(([user, sums]) => user.status(sums));
	}
}
