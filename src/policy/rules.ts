import {hostName} from '../text/host-name.ts';
import {parseIp, unmap} from '../text/ip.ts';
import {contains} from '../text/prefix.ts';
import type {HostPattern, PortRange, TargetPattern} from '../text/target-pattern.ts';
import {type FlowFacts, type Policy, type PolicyChooser, REDUNDANT} from './policy.ts';

/** Conditions of a rule; all of them must hold, of each list one. An empty list always holds. */
export interface RuleConditions {
	readonly ports: readonly PortRange[];
	/** Indices of listeners in the client's configuration. */
	readonly listeners: readonly number[];
	readonly targets: readonly TargetPattern[];
	/** Logins at SOCKS5. */
	readonly users: readonly string[];
}

/** A policy for flows. */
export interface PolicyRule extends RuleConditions {
	/** Place among the rules, such as `rule 3`. */
	readonly label: string;
	/** Place in a file, `FILE:LINE`, or the name of a flag. '': none. */
	readonly where: string;
	/** Conditions in words. */
	readonly text: string;
	readonly policy: Policy;
}

/** The policy of a flow, and its reason. */
export interface Explanation {
	/** The first rule that matches. `undefined`: none does. */
	readonly rule: PolicyRule | undefined;
	readonly policy: Policy;
}

/** The most rules of a client: each new flow and target is compared with all of them. */
export const RULE_LIMIT = 1000;

/** Rules, of which the first that matches decides. */
export class PolicyRules implements PolicyChooser {
	readonly rules: readonly PolicyRule[];
	/** Policy of the flows that no rule matches. */
	readonly otherwise: Policy;
	/** Place of that choice, as {@link PolicyRule.where}. */
	readonly otherwiseWhere: string;

	constructor(rules: readonly PolicyRule[], otherwise: Policy, otherwiseWhere = '') {
		this.rules = rules;
		this.otherwise = otherwise;
		this.otherwiseWhere = otherwiseWhere;
	}

	choose(facts: FlowFacts): Policy {
		return this.explain(facts).policy;
	}

	/** Returns the policy of a flow, or of a target of it, with the rule that decides. */
	explain(facts: FlowFacts): Explanation {
		const host = readHost(facts.host);
		const rule = this.rules.find((one) => matches(one, facts, host));
		return {rule, policy: rule?.policy ?? this.otherwise};
	}

	/** Returns the same rules with other policies, each made of the one at its place. */
	withPolicies(change: (policy: Policy) => Policy): PolicyRules {
		const rules = this.rules.map((rule) => ({...rule, policy: change(rule.policy)}));
		return new PolicyRules(rules, change(this.otherwise), this.otherwiseWhere);
	}

	/** Returns the same rules with other numbers of listeners, each made of the one at its place. */
	withListeners(change: (listener: number) => number): PolicyRules {
		const rules = this.rules.map((rule) => ({...rule, listeners: rule.listeners.map(change)}));
		return new PolicyRules(rules, this.otherwise, this.otherwiseWhere);
	}

	/** True while every flow has the policy of lane 0. */
	get isPlain(): boolean {
		return this.policies().every(({name}) => name === REDUNDANT.name);
	}

	/** Every policy that a flow may get, each once, that of the unmatched flows first. */
	policies(): readonly Policy[] {
		const all = [this.otherwise, ...this.rules.map(({policy}) => policy)];
		return [...new Map(all.map((policy) => [policy.name, policy])).values()];
	}
}

/** No rules: `redundant` for all. */
export const NO_RULES: PolicyRules = new PolicyRules([], REDUNDANT);

/** A host in the form that patterns are compared with: an address, not mapped, or a name. */
type Host = Uint8Array | string | undefined;

function readHost(host: string | undefined): Host {
	if (host === undefined) return undefined;
	const address = parseIp(host);
	return address === undefined ? (hostName(host) ?? '') : unmap(address);
}

function matches(rule: PolicyRule, {listener, user, port}: FlowFacts, host: Host): boolean {
	const {ports, listeners, targets, users} = rule;
	if (listeners.length > 0 && !listeners.includes(listener)) return false;
	if (users.length > 0 && (user === '' || !users.includes(user))) return false;
	// The port of the fixed target is not known here.
	if (ports.length > 0 && (host === undefined || !includesPort(ports, port))) return false;
	return targets.length === 0 || targets.some((target) => matchesTarget(target, host, port));
}

function includesPort(ports: readonly PortRange[], port: number): boolean {
	return ports.some(({firstPort, lastPort}) => port >= firstPort && port <= lastPort);
}

function matchesTarget(pattern: TargetPattern, host: Host, port: number): boolean {
	if (host === undefined) return false;
	const {target, firstPort, lastPort} = pattern;
	return port >= firstPort && port <= lastPort && matchesHost(target, host);
}

/** Names match only names, and addresses only addresses: nothing is resolved. */
function matchesHost(pattern: HostPattern, host: Uint8Array | string): boolean {
	switch (pattern.kind) {
		case 'any':
			return true;
		case 'prefix':
			return typeof host !== 'string' && contains(pattern.prefix, host);
		case 'name':
			return host === pattern.name;
		case 'below':
			return typeof host === 'string' && host.endsWith(`.${pattern.name}`);
	}
}
