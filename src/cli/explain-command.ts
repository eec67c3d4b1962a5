import {Command} from 'commander';
import {
	CLIENT_TABLE,
	type ClientFlags,
	type ClientOptions,
	resolveClientOptions,
} from '../config/client.ts';
import {ConfigError} from '../config/errors.ts';
import {readHostAndPort} from '../config/forwards.ts';
import type {HostPort} from '../config/host-port.ts';
import {type ClientListener, listenersAt, listenersOf} from '../config/listeners.ts';
import type {Flags} from '../config/option.ts';
import type {EnvironmentVariables} from '../config/settings.ts';
import {readListenAddress} from '../config/values.ts';
import {formatKey} from '../crypto/keys.ts';
import type {FlowFacts} from '../policy/policy.ts';
import {formatPromise, formatRule} from '../policy/promise.ts';
import {didYouMean} from '../text/did-you-mean.ts';
import {quoteText} from '../text/escape-text.ts';
import {formatAddress} from '../text/ip.ts';
import {ValueError} from '../text/value-error.ts';
import {addFlags, flagsOf} from './flags.ts';

/** The parts of the process that the command uses. */
export interface ExplainCommandInit {
	readonly env: EnvironmentVariables;
	readonly cwd: string;
	readonly writeOut: (text: string) => void;
}

/** A key changes no rule, and that of mpclient may be given by a flag. */
const ANY_KEY = formatKey(new Uint8Array(32).fill(1));

interface ExplainFlags extends Pick<ClientFlags, keyof typeof CLIENT_CHOICES> {
	readonly user?: string | undefined;
	readonly listen?: string | undefined;
}

const {forward, forwardOpen, copies, socks, socksUser, socksUsers} = CLIENT_TABLE;
const {default: policy} = CLIENT_TABLE;

/** The flags of mpclient by which it is decided what a flow gets. */
const CLIENT_CHOICES = {policy, forward, forwardOpen, copies, socks, socksUser, socksUsers};

/** The flags of `mptunnel explain`. */
export const EXPLAIN_FLAGS: Flags = {
	user: {value: 'NAME', help: 'for an application with this login at SOCKS5'},
	listen: {
		value: '[ADDR:]PORT',
		help: 'for an application that sends to this port of mpclient',
		otherwise: 'that of SOCKS5',
	},
	...flagsOf(CLIENT_CHOICES),
};

const HELP = `
CONFIG is the configuration file of mpclient, TARGET the HOST:PORT that the application sends to.
The port of --listen may have a fixed target; then there is no TARGET. All other flags are those of
mpclient, and count as they do there. Nothing needs to run.
Exit codes: 0 ok, 2 wrong flags, files or keys.
`;

/**
 * `mptunnel explain`: the rule and the policy of a flow by the configuration of mpclient. Its
 * action throws a ConfigError for anything wrong.
 */
export function explainCommand({env, cwd, writeOut}: ExplainCommandInit): Command {
	const command = new Command('explain')
		.description('show which policy datagrams would get, and by which rule')
		.argument('<CONFIG>', 'the configuration file of mpclient')
		.argument('[TARGET]', 'HOST:PORT, where the application sends to')
		.addHelpText('after', HELP)
		.action((config: string, target: string | undefined, given: ExplainFlags) => {
			const {user, listen, ...flags} = given;
			const context = {env: {...env, MPTUNNEL_KEY: ANY_KEY}, cwd};
			const {options} = resolveClientOptions({...flags, config}, context);
			writeOut(`${explain(options, factsOf(options, target, {user, listen}))}\n`);
		});
	addFlags(command, EXPLAIN_FLAGS);
	return command;
}

function explain({policies, copies}: ClientOptions, facts: FlowFacts): string {
	const {rule, policy} = policies.explain(facts);
	const {otherwiseWhere: where} = policies;
	const usual = {label: 'default', where};
	return `${formatRule(rule ?? usual)} -> ${policy.name}: ${formatPromise(policy, copies)}`;
}

function factsOf(
	options: ClientOptions,
	target: string | undefined,
	flags: Pick<ExplainFlags, 'user' | 'listen'>,
): FlowFacts {
	const listeners = listenersOf(options);
	const listener =
		flags.listen === undefined
			? listeners.findIndex(({kind}) => kind === 'socks')
			: listenerAt(listeners, flags.listen);
	const found = listeners[listener];
	if (found === undefined && options.socks === false) {
		throw mistake('', 'SOCKS5 is off, and applications choose targets nowhere else: say --listen');
	}
	const host = hostOf(found, target);
	const user = flags.user ?? '';
	if (user !== '') checkUser(user, found, options);
	return {listener, user, host: host?.host, port: host?.port ?? 0};
}

function listenerAt(listeners: readonly ClientListener[], text: string): number {
	const place = read('--listen', text, readListenAddress);
	const [index] = listenersAt(listeners, place);
	if (index !== undefined) return index;
	const there = listeners.map(({listen}) => formatAddress(listen.host, listen.port)).join(', ');
	const shown = formatAddress(place.host, place.port);
	throw mistake(
		'--listen',
		`no datagrams are taken at ${shown} (there are ${there || 'no ports'})`,
	);
}

/** Returns the target of a listener's datagrams. `undefined`: the server's fixed one. */
function hostOf(
	listener: ClientListener | undefined,
	text: string | undefined,
): HostPort | undefined {
	const asked = text === undefined ? undefined : read('TARGET', text, readHostAndPort);
	switch (listener?.kind) {
		case undefined:
		case 'socks':
			if (asked !== undefined) return asked;
			throw mistake('', 'a TARGET is needed, or --listen with a port that has a fixed one');
		case 'classic':
			if (asked === undefined) return undefined;
			throw mistake('TARGET', 'datagrams to this port go to the fixed target of the server');
		case 'forward': {
			const {target} = listener.forward;
			const isSame = asked?.host === target.host && asked.port === target.port;
			if (asked === undefined || isSame) return target;
			const shown = formatAddress(target.host, target.port);
			throw mistake('TARGET', `datagrams to this port go to ${quoteText(shown)}`);
		}
	}
}

function checkUser(
	user: string,
	listener: ClientListener | undefined,
	{socks}: ClientOptions,
): void {
	if (listener !== undefined && listener.kind !== 'socks') {
		throw mistake('--user', 'only SOCKS5 has logins');
	}
	const logins = (socks || undefined)?.users.map(({name}) => name) ?? [];
	if (logins.includes(user)) return;
	throw mistake('--user', `no login is called ${quoteText(user)}${didYouMean(user, logins)}`);
}

function read<T>(field: string, text: string, reader: (text: string) => T): T {
	try {
		return reader(text);
	} catch (error) {
		throw error instanceof ValueError ? mistake(field, error.message) : error;
	}
}

function mistake(field: string, reason: string): ConfigError {
	return new ConfigError([{where: '', field, reason}]);
}
