import {parseNat64Prefix, parseRule, type Rule} from '../exit/rules.ts';
import type {Prefix} from '../text/prefix.ts';
import type {ProblemList} from './errors.ts';
import type {KeyOptions} from './keys.ts';
import type {Table, Type} from './option.ts';
import {many, quoted, SWITCH} from './types.ts';

/** The rules of a server whose clients choose their targets. */
export interface ExitOptions {
	/** Opens targets that are denied by default. */
	readonly allow: readonly Rule[];
	readonly deny: readonly Rule[];
	/** Prefixes of NAT64 translators in use, beside the well-known one. */
	readonly nat64Prefixes: readonly Prefix[];
}

/** Those options as the sources give them. */
export interface ExitSettings {
	readonly exit: boolean | undefined;
	readonly allow: readonly Rule[] | undefined;
	readonly deny: readonly Rule[] | undefined;
	readonly nat64Prefix: readonly Prefix[] | undefined;
}

const RULES: Type<readonly Rule[]> = many(quoted(parseRule));

/** The descriptors of {@link ExitSettings}. */
export const EXIT: Table<ExitSettings> = {
	exit: {type: SWITCH, help: 'be an exit as well as serve the fixed target'},
	allow: {
		type: RULES,
		value: 'RULE',
		help: 'targets that SOCKS5 applications may reach besides the public internet',
	},
	deny: {type: RULES, value: 'RULE', help: 'targets that they may not reach'},
	nat64Prefix: {
		type: many(quoted(parseNat64Prefix)),
		value: 'PREFIX',
		help: 'a NAT64 prefix of this network',
		more: 'The IPv4 address in it is judged',
	},
};

/** The options that single users may have, too. */
export type RuleSettings = Omit<ExitSettings, 'nat64Prefix'>;

/** The descriptors of {@link RuleSettings}. */
export const USER_RULES: Table<RuleSettings> = {
	exit: {
		...EXIT.exit,
		field: '`false`: it may not choose targets although the server is an exit',
	},
	allow: {
		...EXIT.allow,
		field: 'what it may reach, within what the server opens; nothing else then',
	},
	deny: {...EXIT.deny, field: 'what it may not reach'},
};

/** All that decides, beside the settings themselves, if a server may be an exit. */
export interface ExitCircumstances {
	readonly port: number;
	readonly hasTarget: boolean;
	/** `undefined`: wrong, which has been reported. */
	readonly keys: KeyOptions | undefined;
	readonly encrypt: boolean;
}

/**
 * Returns the rules of a server that is an exit: where that is asked for, and where it has no fixed
 * target. `undefined`: it is none. Never without a key: the world would have an open proxy.
 */
export function resolveExit(
	settings: ExitSettings,
	circumstances: ExitCircumstances,
	problems: ProblemList,
): ExitOptions | undefined {
	const {port, hasTarget, keys, encrypt} = circumstances;
	const isExit = settings.exit ?? !hasTarget;
	if (!isExit) {
		checkUnused(settings, problems);
		if (!hasTarget) {
			problems.add('', '', `without --exit a fixed target is needed: mpserver ${port} HOST PORT`);
		}
		return undefined;
	}
	const reason = hasTarget
		? '--exit is not possible'
		: `a fixed target is needed (mpserver ${port} HOST PORT)`;
	const purpose = 'clients may choose their targets only';
	if (keys?.keyless) {
		problems.add('', '', `${reason} without a key: ${purpose} with one (--key-file FILE)`);
	}
	if (!encrypt) {
		problems.add('', '', `${reason} with MPTUNNEL_ENCRYPT=0: ${purpose} with encryption`);
	}
	const {allow = [], deny = [], nat64Prefix = []} = settings;
	return {allow, deny, nat64Prefixes: nat64Prefix};
}

// Rules that seem to protect or to open something, and do nothing, are a mistake.
function checkUnused(settings: ExitSettings, problems: ProblemList): void {
	const unused = [
		['--allow (allow:)', settings.allow],
		['--deny (deny:)', settings.deny],
		['--nat64-prefix (nat64Prefix:)', settings.nat64Prefix],
	] as const;
	for (const [name, value] of unused) {
		if (value === undefined) continue;
		const reason = 'clients get nothing but the fixed target until it is given';
		problems.add('', '', `${name} needs --exit (exit: true): ${reason}`);
	}
}
