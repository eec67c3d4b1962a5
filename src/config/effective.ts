import {stringify} from 'yaml';
import type {Rule} from '../exit/rules.ts';
import {formatPromise, formatRule} from '../policy/promise.ts';
import type {PolicyRules} from '../policy/rules.ts';
import {escapeControls} from '../text/escape-text.ts';
import {formatIp} from '../text/ip.ts';
import type {Prefix} from '../text/prefix.ts';
import type {ClientOptions} from './client.ts';
import type {KeyOptions} from './keys.ts';
import type {ServerOptions} from './server.ts';
import type {SocksOptions} from './socks.ts';

/**
 * Formats options for `--check`: YAML for people, or one line of JSON; never a key or a password.
 */
export function formatOptions(options: ClientOptions | ServerOptions, json: boolean): string {
	const shown = 'paths' in options ? shownClient(options) : shownServer(options);
	// What is undefined is left out.
	const text = JSON.stringify(shown);
	return json ? `${escapeControls(text)}\n` : escapeLines(stringify(JSON.parse(text)));
}

// Each secret is left out by its place, and what is new is not shown by itself.
function shownClient({keys, socks, forwards, policies, ...options}: ClientOptions): object {
	return {
		...options,
		...shownPolicies(policies, options.copies),
		copies: options.copies ?? 'all',
		listen: options.listen ?? false,
		keys: shownKeys(keys),
		socks: socks ? shownSocks(socks) : false,
		forwards,
	};
}

function shownPolicies(policies: PolicyRules, copies: number | undefined): object {
	const promises = policies
		.policies()
		.map((policy) => [policy.name, formatPromise(policy, copies)] as const);
	return {
		policies: Object.fromEntries(promises),
		rules: policies.rules.map((rule) => `${formatRule(rule)}: ${rule.text} -> ${rule.policy.name}`),
		default: policies.otherwise.name,
	};
}

function shownSocks({users, explicit: _, ...options}: SocksOptions): object {
	return {...options, users: users.map(({name}) => name)};
}

function shownServer({keys, exit, users, bind, ...options}: ServerOptions): object {
	return {
		...options,
		bind: bind.length === 0 ? 'all' : bind,
		keys: shownKeys(keys),
		exit: exit !== undefined && {
			...rules(exit),
			nat64Prefixes: exit.nat64Prefixes.map(shownPrefix),
		},
		users: Object.fromEntries([...users].map(([name, user]) => [name, {...user, ...rules(user)}])),
	};
}

function shownKeys(keys: KeyOptions): readonly string[] {
	return keys.keyless ? [] : keys.users.map(({name}) => name);
}

function rules({allow, deny}: {readonly allow: readonly Rule[]; readonly deny: readonly Rule[]}) {
	return {allow: allow.map(({text}) => text), deny: deny.map(({text}) => text)};
}

function shownPrefix({bytes, length}: Prefix): string {
	return `${formatIp(bytes)}/${length}`;
}

function escapeLines(text: string): string {
	return text.split('\n').map(escapeControls).join('\n');
}
