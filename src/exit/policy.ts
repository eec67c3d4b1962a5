import {hostName} from '../text/host-name.ts';
import {unmap} from '../text/ip.ts';
import type {Prefix} from '../text/prefix.ts';
import {classify} from './classify.ts';
import {embeddedIpv4} from './embedded.ts';
import {RuleSet} from './rules.ts';

/** Protocol that a target is reached by. */
export type ExitProtocol = 'udp' | 'tcp';

/** The rules of one user, beside those of the server. */
export interface UserRules {
	/** With any rule in it the user gets nothing else, and never more than the server gives all. */
	readonly allow: RuleSet;
	readonly deny: RuleSet;
}

/** Reason of a refused target. */
export interface Refusal {
	readonly reason: 'denied';
	/** The rule or range, for a log: parts are the user's text, unescaped. */
	readonly detail: string;
}

/** The addresses that the system keeps for itself, whatever is in its lists of addresses. */
export interface Locality {
	/**
	 * True while packets to this address (4 or 16 bytes) stay in this machine. `undefined`: unknown.
	 */
	isLocal(address: Uint8Array): boolean | undefined;
}

/** Rules and settings of a policy. */
export interface ExitPolicyInit {
	/** Opens targets that the default denies. */
	readonly allow?: RuleSet;
	readonly deny?: RuleSet;
	/** Prefixes of NAT64 translators in use, beside the well-known one. */
	readonly nat64?: readonly Prefix[];
	/** See {@link ExitPolicy.setOwnAddresses}. */
	readonly ownAddresses?: readonly Uint8Array[];
	/** Answers of the system about single addresses; none in tests. */
	readonly locality?: Locality;
}

/** The default spares the world the mail of bots; mail clients use other ports. */
const SMTP_PORT = 25;

const OWN_ADDRESS = 'an address of the server itself';
const UNKNOWN_ADDRESSES = 'which addresses are those of the server itself is not known';

function refusal(detail: string): Refusal {
	return {reason: 'denied', detail};
}

/**
 * The targets that users may reach through this server. The first of these decides:
 *
 *   1. the server's deny list
 *   2. the user's deny list
 *   3. the user's allow list, unless empty: what is not in it is denied
 *   4. the server's allow list: allowed
 *   5. the default: port 0, TCP 25, this server's own addresses and what is no place on the
 *      internet are denied, all else is allowed
 *
 * Deny rules look at every IPv4 address inside an IPv6 one, too; allow rules only at the address
 * itself. `*` in the server's allow list lifts the default's ports but no range and no own address,
 * so that `*` alone does not open the loopback interface: that takes an address.
 */
export class ExitPolicy {
	readonly #allow: RuleSet;
	readonly #deny: RuleSet;
	readonly #nat64: readonly Prefix[];
	readonly #locality: Locality | undefined;
	#own: ReadonlySet<string> | undefined;

	constructor(init: ExitPolicyInit = {}) {
		this.#allow = init.allow ?? new RuleSet();
		this.#deny = init.deny ?? new RuleSet();
		this.#nat64 = init.nat64 ?? [];
		this.#locality = init.locality;
		this.setOwnAddresses(init.ownAddresses ?? []);
	}

	/**
	 * Sets every address at which packets reach this server, public ones included. `undefined`: the
	 * system does not list them. Then the system is asked about every single address, and where it
	 * has no answer either, only addresses that a rule opens are reached.
	 */
	setOwnAddresses(addresses: readonly Uint8Array[] | undefined): void {
		this.#own = addresses && new Set(addresses.map((address) => unmap(address).join()));
	}

	/**
	 * True while a rule of the server's opens this very address, even where it is the server's own.
	 */
	opens(address: Uint8Array, port: number): boolean {
		return this.#allow.find([unmap(address)], port, true) !== undefined;
	}

	/**
	 * Returns the reason why a user may not reach a target. `undefined`: allowed. `address` is what
	 * is handed to the system, 4 or 16 bytes: of a name every address is checked, each time anew. The
	 * system is asked last, about what all else lets pass.
	 */
	check(
		protocol: ExitProtocol,
		address: Uint8Array,
		port: number,
		user?: UserRules,
	): Refusal | undefined {
		if (!(port >= 1 && port <= 65_535)) return refusal(`port ${port}`);
		const forms = this.#formsOf(address);
		const refused = this.#judge(protocol, address, forms, port, user);
		return refused ?? (this.opens(address, port) ? undefined : this.#judgeLocality(forms));
	}

	/**
	 * Returns the reason why datagrams from there are not delivered to a user. `undefined`: they are.
	 * As {@link check}, but without asking the system, since an attacker may send from any number of
	 * addresses.
	 */
	checkSource(address: Uint8Array, port: number, user?: UserRules): Refusal | undefined {
		if (!(port >= 1 && port <= 65_535)) return refusal(`port ${port}`);
		return this.#judge('udp', address, this.#formsOf(address), port, user);
	}

	/**
	 * Returns the reason why a user may not even ask for a name: a deny rule with this very name. It
	 * spares the lookup, and holds where the name's addresses change from answer to answer; {@link
	 * check} comes after.
	 */
	checkName(name: string, port: number, user?: UserRules): Refusal | undefined {
		const canonical = hostName(name);
		if (canonical === undefined) return undefined;
		const server = this.#deny.findName(canonical, port);
		if (server !== undefined) return refusal(`deny ${server.text}`);
		const own = user?.deny.findName(canonical, port);
		return own === undefined ? undefined : refusal(`the user's deny ${own.text}`);
	}

	#formsOf(address: Uint8Array): readonly Uint8Array[] {
		const target = unmap(address);
		return [target, ...embeddedIpv4(target, this.#nat64)];
	}

	#judge(
		protocol: ExitProtocol,
		address: Uint8Array,
		forms: readonly Uint8Array[],
		port: number,
		user: UserRules | undefined,
	): Refusal | undefined {
		const target = forms[0]!;
		// A rule about ::/0 covers mapped addresses, too.
		const written = address.length === target.length ? forms : [address, ...forms];
		const denied = this.#denied(written, port, user);
		if (denied !== undefined) return denied;
		if (!isAllowed(user, [target], port)) return refusal("not in the user's allow list");
		if (this.opens(target, port)) return undefined;
		const mail = protocol === 'tcp' && port === SMTP_PORT;
		if (mail && this.#allow.find([target], port) === undefined) return refusal('TCP port 25');
		if (forms.some((form) => this.#own?.has(form.join()))) return refusal(OWN_ADDRESS);
		const reason = classify(target, this.#nat64);
		return reason === undefined ? undefined : refusal(reason);
	}

	#judgeLocality(forms: readonly Uint8Array[]): Refusal | undefined {
		for (const form of forms) {
			const isLocal = this.#locality?.isLocal(form);
			if (isLocal === true) return refusal(OWN_ADDRESS);
			if (isLocal === undefined && this.#own === undefined) return refusal(UNKNOWN_ADDRESSES);
		}
		return undefined;
	}

	#denied(
		forms: readonly Uint8Array[],
		port: number,
		user: UserRules | undefined,
	): Refusal | undefined {
		const server = this.#deny.find(forms, port);
		if (server !== undefined) return refusal(`deny ${server.text}`);
		const own = user?.deny.find(forms, port);
		return own === undefined ? undefined : refusal(`the user's deny ${own.text}`);
	}
}

function isAllowed(
	user: UserRules | undefined,
	forms: readonly Uint8Array[],
	port: number,
): boolean {
	if (user === undefined || user.allow.rules.length === 0) return true;
	return user.allow.find(forms, port) !== undefined;
}
