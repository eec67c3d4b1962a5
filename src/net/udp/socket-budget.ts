import {readFileSync} from 'node:fs';
import type {Millis} from '../../bytes/time.ts';
import {type Account, Budget} from '../../core/budget.ts';
import type {Reporter} from '../reporter.ts';

const REPORT_INTERVAL: Millis = 60_000;

/** Descriptors kept free for everything that is not the socket of a flow. */
const RESERVE = 512;

/** The least number of flow sockets that is allowed however low the limit is. */
const LEAST = 16;

/** Sockets that are left when idle flows begin to make room, and how many make room at once. */
export const SCARCE = 64;

/** Returns the flow sockets that may be open under `softLimit` descriptors. */
export function flowSocketLimit(softLimit: number): number {
	return Math.max(softLimit - RESERVE, LEAST);
}

/** The soft limit of open descriptors of this process; unlimited where it cannot be read. */
export function readSoftLimit(path = '/proc/self/limits'): number {
	try {
		const line = /^Max open files\s+(\d+)/m.exec(readFileSync(path, 'utf8'));
		return line === null ? Number.POSITIVE_INFINITY : Number(line[1]);
	} catch {
		return Number.POSITIVE_INFINITY;
	}
}

/** Inputs of a {@link SocketBudget}. */
export interface SocketBudgetInit {
	/** Sockets in all. */
	readonly limit: number;
	/** The names of those who share them. */
	readonly users: readonly string[];
	readonly reporter: Reporter;
	/**
	 * Called, with every one that is taken or asked for while few are left, for each user who is to
	 * make room.
	 */
	readonly scarce?: (user: string) => void;
}

/**
 * Limit of the open sockets of all kinds of flows and of all users together: each user is
 * guaranteed a share, see {@link Budget}, so that none takes them all.
 */
export class SocketBudget {
	readonly limit: number;
	readonly #scarce: SocketBudgetInit['scarce'];
	readonly #budget: Budget;
	readonly #open: (user: string, cap?: number) => SocketAccount;
	readonly #accounts = new Map<string, SocketAccount>();
	/** Account of unknown flows, with nothing. */
	readonly #unknown: SocketAccount;

	constructor({limit, users, reporter, scarce}: SocketBudgetInit) {
		this.limit = Math.min(limit, Number.MAX_SAFE_INTEGER);
		const budget = new Budget(this.limit, users.length);
		this.#budget = budget;
		this.#scarce = scarce;
		this.#open = (user, cap) =>
			new SocketAccount(user, {
				account: budget.account(cap),
				limit: this.limit,
				reporter,
				scarce: () => this.#makeRoom(user),
			});
		this.#unknown = this.#open('', 0);
		this.reconfigure(users);
	}

	/** Sockets that each user may use whatever the others do. */
	get guarantee(): number {
		return this.#budget.guarantee;
	}

	/** Shares them among other users; those who stay keep what they have. */
	reconfigure(users: readonly string[]): void {
		for (const [user, account] of this.#accounts) {
			if (users.includes(user)) continue;
			this.#accounts.delete(user);
			account.forgetIn(this.#budget);
		}
		this.#budget.resize(users.length);
		for (const user of users) {
			if (!this.#accounts.has(user)) this.#accounts.set(user, this.#open(user));
		}
	}

	/** The sockets of one user. */
	of(user: string): SocketAccount {
		return this.#accounts.get(user) ?? this.#unknown;
	}

	// Beside the user itself the one that has borrowed most makes room.
	#makeRoom(user: string): void {
		if (this.#scarce === undefined) return;
		this.#scarce(user);
		let most: SocketAccount | undefined;
		for (const account of this.#accounts.values()) {
			if (account.used > Math.max(this.guarantee, most?.used ?? 0)) most = account;
		}
		if (most !== undefined && most.user !== user) this.#scarce(most.user);
	}
}

interface SocketAccountInit {
	readonly account: Account;
	/** Of all users, for the log. */
	readonly limit: number;
	readonly reporter: Reporter;
	readonly scarce: () => void;
}

/** The sockets of one user. */
export class SocketAccount {
	readonly user: string;
	readonly #init: SocketAccountInit;

	constructor(user: string, init: SocketAccountInit) {
		this.user = user;
		this.#init = init;
	}

	/** Sockets that are open. */
	get used(): number {
		return this.#init.account.used;
	}

	/** Takes one; false when this user may have no more now. */
	take(): boolean {
		const {account, scarce} = this.#init;
		const {used, room} = account;
		if (room <= Math.min(SCARCE, Math.floor((used + room) / 4))) scarce();
		return account.take(1);
	}

	/** Gives one back. */
	give(): void {
		this.#init.account.give(1);
	}

	/** Takes it out of the budget that it is of: its user is gone. */
	forgetIn(budget: Budget): void {
		budget.forget(this.#init.account);
	}

	/** Logs that there was none. */
	report(): void {
		const {user, used} = this;
		const {reporter, limit} = this.#init;
		const limited = reporter.limited(`descriptors ${user}`, REPORT_INTERVAL);
		const message = 'too many flows for the open files allowed';
		limited.warn(message, {user: user || undefined, used, limit});
	}
}
