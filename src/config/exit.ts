import type {Prefix} from '../exit/prefix.ts';
import {parseNat64Prefix, parseRule, type Rule} from '../exit/rules.ts';
import type {ProblemList} from './errors.ts';
import type {KeyOptions} from './keys.ts';
import type {FieldReader} from './place.ts';
import {readFlag, readOneOrMany} from './settings.ts';

/** What a server needs to know to let its clients choose their targets. */
export interface ExitOptions {
	/** Opens targets that are denied by default. */
	readonly allow: readonly Rule[];
	readonly deny: readonly Rule[];
	/** Prefixes of NAT64 translators in use, beside the well-known one. */
	readonly nat64Prefixes: readonly Prefix[];
}

/** mpserver's flags about it, as text. */
export interface ExitFlags {
	readonly exit?: boolean | undefined;
	readonly allow?: readonly string[] | undefined;
	readonly deny?: readonly string[] | undefined;
	readonly nat64Prefix?: readonly string[] | undefined;
}

/** What one source says of it; undefined = it says nothing. */
export interface ExitSettings {
	readonly exit: boolean | undefined;
	readonly allow: readonly Rule[] | undefined;
	readonly deny: readonly Rule[] | undefined;
	readonly nat64Prefixes: readonly Prefix[] | undefined;
}

/** A source that says nothing. */
export const NO_EXIT_SETTINGS: ExitSettings = {
	exit: undefined,
	allow: undefined,
	deny: undefined,
	nat64Prefixes: undefined,
};

/** Reads the flags. */
export function readExitFlags(flags: ExitFlags, problems: ProblemList): ExitSettings {
	const all = <T>(flag: string, texts: readonly string[] | undefined, read: (text: string) => T) =>
		texts?.flatMap((text) => readFlag(flag, text, problems, read) ?? []);
	return {
		exit: flags.exit,
		allow: all('--allow', flags.allow, parseRule),
		deny: all('--deny', flags.deny, parseRule),
		nat64Prefixes: all('--nat64-prefix', flags.nat64Prefix, parseNat64Prefix),
	};
}

/** Reads the fields of a file, each of the lists one item or several. */
export function readExitFields(fields: FieldReader): ExitSettings {
	const nat64Prefixes = readList(fields, 'nat64Prefix', parseNat64Prefix);
	return {...readRuleFields(fields), nat64Prefixes};
}

/** The part of it that single users may have, too. */
export function readRuleFields(fields: FieldReader): Omit<ExitSettings, 'nat64Prefixes'> {
	return {
		exit: fields.boolean('exit'),
		allow: readList(fields, 'allow', parseRule),
		deny: readList(fields, 'deny', parseRule),
	};
}

function readList<T>(
	fields: FieldReader,
	name: string,
	read: (text: string) => T,
): readonly T[] | undefined {
	return fields.read(name, (value, place) =>
		readOneOrMany(value, place, (item, at) => at.string(item, read)),
	);
}

/** Joins two sources; each setting of `later` wins as a whole. */
export function mergeExit(earlier: ExitSettings, later: ExitSettings): ExitSettings {
	return {
		exit: later.exit ?? earlier.exit,
		allow: later.allow ?? earlier.allow,
		deny: later.deny ?? earlier.deny,
		nat64Prefixes: later.nat64Prefixes ?? earlier.nat64Prefixes,
	};
}

/** What decides, beside the settings themselves, whether a server may be an exit. */
export interface ExitCircumstances {
	readonly port: number;
	readonly hasTarget: boolean;
	/** Undefined = wrong, which has been reported. */
	readonly keys: KeyOptions | undefined;
	readonly encrypt: boolean;
}

/**
 * Whether the server is an exit, and for which rules: where it is asked for, and where it has no
 * fixed target. Never without a key: the world would have an open proxy.
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
	const {allow = [], deny = [], nat64Prefixes = []} = settings;
	return {allow, deny, nat64Prefixes};
}

// Rules that seem to protect or to open something, and do nothing, are a mistake.
function checkUnused(settings: ExitSettings, problems: ProblemList): void {
	const unused = [
		['--allow (allow:)', settings.allow],
		['--deny (deny:)', settings.deny],
		['--nat64-prefix (nat64Prefix:)', settings.nat64Prefixes],
	] as const;
	for (const [name, value] of unused) {
		if (value === undefined) continue;
		const reason = 'clients get nothing but the fixed target until it is given';
		problems.add('', '', `${name} needs --exit (exit: true): ${reason}`);
	}
}
