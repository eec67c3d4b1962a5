import {BUILT_IN_FORMS, isReserved, parseBuiltIn} from '../policy/built-in.ts';
import {type Policy, REDUNDANT} from '../policy/policy.ts';
import {type PolicyRule, PolicyRules, RULE_LIMIT} from '../policy/rules.ts';
import {didYouMean} from '../text/did-you-mean.ts';
import {quoteText} from '../text/escape-text.ts';
import {formatAddress} from '../text/ip.ts';
import {ValueError} from '../text/value-error.ts';
import {attempt, type ProblemList} from './errors.ts';
import type {ForwardOptions} from './forwards.ts';
import type {HostPort} from './host-port.ts';
import {type ListenOptions, listenersAt, listenersOf} from './listeners.ts';
import type {Table} from './option.ts';
import type {Location} from './place.ts';
import {POLICY, POLICY_NAME, type PolicyDraft, RULES, type RuleDraft} from './policy-fields.ts';
import {keyed, type Located} from './types.ts';
import {readName} from './values.ts';

/** Policies and rules as the sources give them. */
export interface PolicySettings {
	/** By name; `undefined`: wrong, which has been reported. */
	readonly policies: ReadonlyMap<string, PolicyDraft | undefined> | undefined;
	readonly rules: Located<readonly RuleDraft[]> | undefined;
	readonly default: Located<string>;
}

/** The descriptors of {@link PolicySettings}. */
export const POLICIES: Table<PolicySettings> = {
	default: {
		type: POLICY_NAME,
		flag: 'policy',
		value: 'NAME',
		help: 'the policy of datagrams that no rule is about',
		default: 'redundant',
		more: 'See [policies and rules](#policies-and-rules)',
	},
	policies: {
		type: keyed(POLICY, readPolicyName),
		only: 'files',
		help: 'further policies by their names, each a mapping',
	},
	rules: {
		type: RULES,
		only: 'files',
		help: 'a list of rules, of which the first that matches decides',
	},
};

/** The most policies of a client, and of those how many may be coded ones. */
const POLICY_LIMIT = 31;
const CODED_LIMIT = 8;

/** All that policies and rules can name. */
export interface PolicyCircumstances extends ListenOptions {
	/** Place of the forwards. */
	readonly forward: Location;
	/** Names of the paths. */
	readonly paths: readonly string[];
	/** False: some of these are missing because of problems that have been reported. */
	readonly complete: boolean;
}

/** Names that a message lists. */
const LISTED = 12;

type Report = (reason: string) => void;

/** Returns the rules with their policies; those that are wrong are reported and left out. */
export function resolvePolicies(
	settings: PolicySettings,
	circumstances: PolicyCircumstances,
	problems: ProblemList,
): PolicyRules {
	const {rules = {where: '', field: 'rules', value: []}, default: usual} = settings;
	const resolver = new PolicyResolver(settings.policies ?? new Map(), circumstances, problems);
	const otherwise = resolver.named(usual.value, (reason) =>
		problems.add(usual.where, usual.field, reason),
	);
	if (rules.value.length > RULE_LIMIT) {
		const reason = `${rules.value.length} rules, at most ${RULE_LIMIT} are possible`;
		problems.add(rules.where, rules.field, reason);
	}
	const all = [
		...resolver.forwards(),
		...rules.value.flatMap((rule, index) => resolver.rule(rule, index) ?? []),
	];
	const place = usual.where !== '' ? usual.where : usual.field === '--policy' ? '--policy' : '';
	const resolved = new PolicyRules(all, otherwise ?? REDUNDANT, place);
	checkCount(resolved, rules, problems);
	const used = resolved.policies().map(({name}) => name);
	for (const name of settings.policies?.keys() ?? []) {
		if (!used.includes(name))
			problems.warn(`no rule gives the policy ${quoteText(name)} to a flow`);
	}
	return resolved;
}

function checkCount(resolved: PolicyRules, {where, field}: Location, problems: ProblemList): void {
	const policies = resolved.policies().filter(({name}) => name !== REDUNDANT.name);
	const coded = policies.filter(({kind}) => kind === 'fec');
	if (policies.length > POLICY_LIMIT) {
		const reason = `${policies.length} policies besides redundant are in use, at most ${POLICY_LIMIT}`;
		problems.add(where, field, `${reason} are possible`);
	} else if (coded.length > CODED_LIMIT) {
		const reason = `${coded.length} fec policies are in use, at most ${CODED_LIMIT} are possible`;
		problems.add(where, field, reason);
	}
}

/** Looks up what policies and rules name. */
class PolicyResolver {
	readonly #policies = new Map<string, Policy | undefined>();
	readonly #circumstances: PolicyCircumstances;
	readonly #problems: ProblemList;

	constructor(
		drafts: ReadonlyMap<string, PolicyDraft | undefined>,
		circumstances: PolicyCircumstances,
		problems: ProblemList,
	) {
		this.#circumstances = circumstances;
		this.#problems = problems;
		for (const [name, draft] of drafts) {
			this.#policies.set(name, draft && {...draft.policy, name});
			if (draft === undefined) continue;
			const {where, field} = draft.paths;
			const report = (reason: string) => problems.add(where, field, reason);
			for (const path of draft.policy.paths) this.#checkPath(path, report);
		}
	}

	/** Returns the policy of that name. `undefined`: there is none, which has been reported. */
	named(text: string, report: Report): Policy | undefined {
		const name = text.trim();
		if (this.#policies.has(name)) return this.#policies.get(name);
		let known = true;
		const policy = attempt(
			() => {
				const found = parseBuiltIn(text);
				known = found !== undefined;
				return found;
			},
			(error) => report(error.message),
		);
		if (policy?.kind === 'pin') this.#checkPath(policy.path, report);
		if (!known) {
			const names = [...BUILT_IN_FORMS, ...this.#policies.keys()];
			const hint = didYouMean(name, names) || ` (there are ${listed(names.map(quoteText))})`;
			report(`no policy is called ${quoteText(name)}${hint}`);
		}
		return policy;
	}

	/** The policies of forwards, as rules about their ports. */
	forwards(): readonly PolicyRule[] {
		const {where, field} = this.#circumstances.forward;
		return listenersOf(this.#circumstances).flatMap((listener, index) => {
			if (listener.kind !== 'forward') return [];
			const {forward} = listener;
			if (forward.policy === undefined) return [];
			const label = `forward ${formatForward(forward)}`;
			const policy = this.named(forward.policy, (reason) =>
				this.#problems.add(where, field, `${label}: ${reason}`),
			);
			if (policy === undefined) return [];
			const conditions = {ports: [], listeners: [index], targets: [], users: []};
			const place = where === '' ? field : where;
			return [{label, where: place, text: 'every datagram', policy, ...conditions}];
		});
	}

	/** Returns a rule of the file. `undefined`: it is wrong, which has been reported. */
	rule(draft: RuleDraft, index: number): PolicyRule | undefined {
		const {ports, targets, users, where, text, places} = draft;
		const reportAt =
			({where: at, field}: Location): Report =>
			(reason) =>
				this.#problems.add(at, field, reason);
		const policy = this.named(draft.policy.value, reportAt(draft.policy));
		const found = draft.listen.map((place) => this.#listenersAt(place, reportAt(places.listen)));
		for (const user of users) this.#checkUser(user, reportAt(places.user));
		// A condition that is left out would make the rule one for more than was meant.
		if (policy === undefined || found.some(({length}) => length === 0)) return undefined;
		const label = `rule ${index + 1}`;
		return {label, where, text, policy, ports, listeners: found.flat(), targets, users};
	}

	#listenersAt(place: HostPort, report: Report): readonly number[] {
		const shown = formatAddress(place.host, place.port);
		const listeners = listenersOf(this.#circumstances);
		const found = listenersAt(listeners, place);
		if (found.length > 0 || !this.#circumstances.complete) return found;
		if (listenersAt(this.#circumstances.forwards, place).length > 0) {
			report(`${shown} is a forward of TCP, and rules do not touch TCP`);
			return found;
		}
		const there = listeners.map(({listen}) => formatAddress(listen.host, listen.port));
		report(`nothing listens at ${shown} (there are ${listed(there) || 'no listeners'})`);
		return found;
	}

	#checkUser(user: string, report: Report): void {
		const {socks, complete} = this.#circumstances;
		const logins = (socks || undefined)?.users.map(({name}) => name) ?? [];
		if (!complete || logins.includes(user)) return;
		const hint = logins.length === 0 ? ': there are none (socksUsers)' : didYouMean(user, logins);
		report(`no login at SOCKS5 is called ${quoteText(user)}${hint}`);
	}

	#checkPath(path: string, report: Report): void {
		const {paths, complete} = this.#circumstances;
		if (!complete || paths.includes(path)) return;
		report(`no path is called ${quoteText(path)}${didYouMean(path, paths)}`);
	}
}

/** The first of some names, so that a message stays one line. */
function listed(names: readonly string[]): string {
	return [...names.slice(0, LISTED), ...(names.length > LISTED ? ['…'] : [])].join(', ');
}

function formatForward({listen}: ForwardOptions): string {
	return `udp:${formatAddress(listen.host, listen.port)}`;
}

function readPolicyName(text: string): string {
	const name = readName(text);
	if (!isReserved(name)) return name;
	throw new ValueError('a name of your own, as this one is built in', quoteText(text));
}
