import type {UserRules} from '../../exit/policy.ts';
import {type Rule, RuleSet} from '../../exit/rules.ts';

/** Rules as they are written. */
export interface WrittenRules {
	readonly allow: readonly Rule[];
	readonly deny: readonly Rule[];
}

/** The rules of an exit, and of its users by name; they are complete. */
export interface RuleSettings {
	readonly server: WrittenRules;
	readonly users: ReadonlyMap<string, WrittenRules>;
	/** Users who may not choose targets. */
	readonly barred: ReadonlySet<string>;
}

/** Returns the host names in rules, each once. */
export function namesOf({server, users}: RuleSettings): readonly string[] {
	const written = [server, ...users.values()].flatMap(({allow, deny}) => [allow, deny]);
	return [...new Set(written.flatMap((rules) => new RuleSet(rules).names()))];
}

/** The rules of an exit as its policy looks at them; they may be replaced. */
export class ExitRules {
	readonly server: UserRules = {allow: new RuleSet(), deny: new RuleSet()};
	/** All lists: those of the server, then those of users. */
	readonly sets: RuleSet[] = [];
	readonly #users = new Map<string, UserRules>();
	#barred: ReadonlySet<string> = new Set();

	constructor(settings: RuleSettings) {
		this.replace(settings, new Map());
	}

	/** Returns the rules of a user. `undefined`: there is no such user. */
	of(user: string): UserRules | undefined {
		return this.#users.get(user);
	}

	/** True when a user may choose targets. */
	mayChoose(user: string): boolean {
		return !this.#barred.has(user);
	}

	/**
	 * Takes other rules; names that were there before keep the addresses that they have.
	 * @param addresses those of names, as far as they were found
	 */
	replace(
		{server, users, barred}: RuleSettings,
		addresses: ReadonlyMap<string, readonly Uint8Array[]>,
	): void {
		this.#barred = barred;
		assign(this.server, server);
		for (const user of [...this.#users.keys()]) if (!users.has(user)) this.#users.delete(user);
		for (const [user, written] of users) {
			const rules = this.#users.get(user) ?? {allow: new RuleSet(), deny: new RuleSet()};
			assign(rules, written);
			this.#users.set(user, rules);
		}
		const all = [this.server, ...this.#users.values()];
		this.sets.splice(0, this.sets.length, ...all.flatMap(({allow, deny}) => [allow, deny]));
		for (const set of this.sets) {
			for (const name of set.names()) {
				const found = addresses.get(name);
				if (found !== undefined) set.setAddresses(name, found);
			}
		}
	}
}

function assign({allow, deny}: UserRules, written: WrittenRules): void {
	allow.rules = written.allow;
	deny.rules = written.deny;
}
