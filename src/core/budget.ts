/**
 * The part of a budget that is divided among its accounts; the rest is lent in the order of
 * requests.
 */
const DIVIDED = 0.5;
/**
 * Part of its room that an account spends on growth while others of the same account have little.
 */
const GROWTH_SHARE = 0.75;

/**
 * A number of bytes or of things that accounts share. Each account is guaranteed an equal share of
 * one half; beyond it accounts borrow from the rest, while there is some. So no account takes what
 * another is guaranteed, and a single account has everything.
 */
export class Budget {
	readonly limit: number;
	/** Amount that every account may use, however much the others use. */
	guarantee = 0;
	/** Amount that accounts use beyond their guarantees, together. */
	borrowed = 0;
	#common = 0;
	readonly #accounts = new Set<Account>();

	/** @param limit amount in all @param accounts number of accounts that share it, at least 1 */
	constructor(limit: number, accounts: number) {
		this.limit = limit;
		this.resize(accounts);
	}

	/** Shares it among another number of accounts; those that it has keep what they use. */
	resize(accounts: number): void {
		const {limit} = this;
		this.guarantee = accounts <= 1 ? limit : Math.floor((DIVIDED * limit) / accounts);
		this.#common = accounts <= 1 ? 0 : limit - accounts * this.guarantee;
		this.borrowed = 0;
		for (const {used} of this.#accounts) this.borrowed += Math.max(0, used - this.guarantee);
	}

	/** Amount that may still be borrowed. */
	get free(): number {
		return Math.max(0, this.#common - this.borrowed);
	}

	/** Returns a new account. @param cap the most that it may use */
	account(cap: number = Number.POSITIVE_INFINITY): Account {
		const account = new Account(this, cap);
		this.#accounts.add(account);
		return account;
	}

	/** Lets an account go: what it still uses counts no more. */
	forget(account: Account): void {
		if (!this.#accounts.delete(account)) return;
		this.borrowed -= Math.max(0, account.used - this.guarantee);
	}

	/** Notes that an account uses another amount than before. */
	moved(account: Account, before: number): void {
		if (!this.#accounts.has(account)) return;
		const {guarantee} = this;
		this.borrowed += Math.max(0, account.used - guarantee) - Math.max(0, before - guarantee);
	}
}

/** One user's part of a {@link Budget}. */
export class Account {
	used = 0;
	/** The most that it may use. */
	cap: number;
	readonly #budget: Budget;

	constructor(budget: Budget, cap: number) {
		this.#budget = budget;
		this.cap = cap;
	}

	/** Amount that it may still use. */
	get room(): number {
		const {guarantee, free} = this.#budget;
		return Math.min(this.cap - this.used, Math.max(0, guarantee - this.used) + free);
	}

	/** True while `count` more may be used. */
	hasRoom(count: number): boolean {
		return count <= this.room;
	}

	/** True while `count` more leave room for what begins later. */
	roomToGrow(count: number): boolean {
		return this.used + count <= GROWTH_SHARE * (this.used + Math.max(0, this.room));
	}

	/** Uses `count` if there is room. False: there is none, and nothing changed. */
	take(count: number): boolean {
		if (!this.hasRoom(count)) return false;
		this.add(count);
		return true;
	}

	/**
	 * Uses up to `count` as far as there is room to grow, and never less than the smaller of `count`
	 * and `least`. Returns the amount used.
	 */
	takeUpTo(count: number, least: number): number {
		const growth = GROWTH_SHARE * (this.used + Math.max(0, this.room)) - this.used;
		const got = Math.max(Math.min(count, least), Math.min(count, Math.floor(growth)));
		if (got <= 0) return 0;
		this.add(got);
		return got;
	}

	/** Uses `count` more, even beyond the room: for memory that is taken already. */
	add(count: number): void {
		this.#set(this.used + count);
	}

	/** Gives `count` back. */
	give(count: number): void {
		this.#set(this.used - count);
	}

	/** Sets the amount used, even beyond the room: for amounts that are counted elsewhere. */
	use(count: number): void {
		this.#set(count);
	}

	#set(used: number): void {
		const before = this.used;
		this.used = used;
		this.#budget.moved(this, before);
	}
}

/** Returns an account without a limit. */
export function unlimited(): Account {
	return new Budget(Number.MAX_SAFE_INTEGER, 1).account();
}
