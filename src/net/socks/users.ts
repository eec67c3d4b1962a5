import {createHash, timingSafeEqual} from 'node:crypto';

/** A user of a SOCKS listener. */
export interface SocksUser {
	readonly name: string;
	/** Must not be printed. */
	readonly password: string;
}

function digest(bytes: string | Uint8Array): Uint8Array {
	return createHash('sha256').update(bytes).digest();
}

/**
 * Returns a check of a user's password, in a time that depends on neither: every user is compared
 * with, by hash. `undefined`: there are no users, and no login is asked for.
 */
export function passwordCheck(
	users: readonly SocksUser[],
): ((user: Uint8Array, password: Uint8Array) => boolean) | undefined {
	if (users.length === 0) return undefined;
	const known = users.map(({name, password}) => ({
		name: digest(name),
		password: digest(password),
	}));
	return (user, password) => {
		const name = digest(user);
		const secret = digest(password);
		let found = false;
		for (const one of known) {
			const sameName = timingSafeEqual(one.name, name);
			const samePassword = timingSafeEqual(one.password, secret);
			if (sameName && samePassword) found = true;
		}
		return found;
	};
}
