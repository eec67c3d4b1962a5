import {quoteText} from '../text/escape-text.ts';
import {sameAddress, unmap} from '../text/ip.ts';
import {contains, type Prefix} from '../text/prefix.ts';
import {
	type HostPattern,
	type PortRange,
	parsePrefix,
	parseTargetPattern,
} from '../text/target-pattern.ts';
import {ValueError} from '../text/value-error.ts';
import {NAT64_LENGTHS} from './embedded.ts';

/** Targets of a rule; a host name stands for the addresses it has at the moment. */
export type RuleTarget = Exclude<HostPattern, {readonly kind: 'below'}>;

/** One item of an allow or deny list. */
export interface Rule extends PortRange {
	/** As the user wrote it. */
	readonly text: string;
	readonly target: RuleTarget;
}

/** Reads one item of --allow or --deny; throws a {@link ValueError} for what is none. */
export function parseRule(text: string): Rule {
	const {target, ...rest} = parseTargetPattern(text);
	// The addresses of all names below one cannot be looked up.
	if (target.kind !== 'below') return {...rest, target};
	throw new ValueError(
		'a target (a host name without *, an address, a prefix or *)',
		quoteText(text),
	);
}

/** Reads one --nat64-prefix; throws a {@link ValueError} for what is none. */
export function parseNat64Prefix(text: string): Prefix {
	const prefix = parsePrefix(text);
	// Byte 8 is no part of any such address and must be zero (RFC 6052 2.2).
	const isSound = prefix.bytes[8] === 0 && NAT64_LENGTHS.includes(prefix.length);
	if (isSound) return prefix;
	const expected = `an IPv6 prefix of ${NAT64_LENGTHS.join(', ')} bits`;
	throw new ValueError(expected, quoteText(text));
}

/**
 * A list of rules and the addresses that its host names have at the moment. Its owner looks the
 * names up, at once and every 60 s, and passes the addresses in; until then, and where a name has
 * no answer, a rule keeps the addresses it had, at first none.
 */
export class RuleSet {
	/** In the order given. */
	/** A name in others that replace them keeps its addresses. */
	rules: readonly Rule[];
	readonly #addresses = new Map<string, readonly Uint8Array[]>();

	constructor(rules: readonly Rule[] = []) {
		this.rules = rules;
	}

	/** The host names of all rules, each once, in lower case. */
	names(): string[] {
		const names = this.rules.map(({target}) => (target.kind === 'name' ? target.name : ''));
		return [...new Set(names)].filter((name) => name !== '');
	}

	/** Sets the addresses of a name, each of 4 or 16 bytes. */
	setAddresses(name: string, addresses: readonly Uint8Array[]): void {
		this.#addresses.set(name, addresses.map(unmap));
	}

	/**
	 * The first rule about any of these addresses (one target in several forms) with this port;
	 * `specific` passes over the rules about all addresses.
	 */
	find(forms: readonly Uint8Array[], port: number, specific = false): Rule | undefined {
		return this.rules.find(
			(rule) =>
				port >= rule.firstPort &&
				port <= rule.lastPort &&
				(!specific || rule.target.kind !== 'any') &&
				forms.some((address) => this.#matches(rule.target, address)),
		);
	}

	/** The first rule that gives this very name or any target, with this port. */
	findName(name: string, port: number): Rule | undefined {
		return this.rules.find(
			({target, firstPort, lastPort}) =>
				port >= firstPort &&
				port <= lastPort &&
				(target.kind === 'any' || (target.kind === 'name' && target.name === name)),
		);
	}

	#matches(target: RuleTarget, address: Uint8Array): boolean {
		if (target.kind === 'any') return true;
		if (target.kind === 'prefix') return contains(target.prefix, address);
		const addresses = this.#addresses.get(target.name) ?? [];
		return addresses.some((known) => sameAddress(known, address));
	}
}
