import {formatKey} from '../crypto/keys.ts';
import {classify} from '../exit/classify.ts';
import {didYouMean} from '../text/did-you-mean.ts';
import {quoteText} from '../text/escape-text.ts';
import {parseIp} from '../text/ip.ts';
import {LINK_WORDS} from './client-link.ts';
import {ConfigError, ProblemList} from './errors.ts';
import {readHostAndPort} from './forwards.ts';
import type {KeyOptions, UserKey} from './keys.ts';
import type {ServerOptions} from './server.ts';
import type {LinkPath, ShareLink} from './share-link.ts';
import {outsidePlace} from './sources.ts';
import {readHost} from './values.ts';

/** Choices of the user who shares a server. */
export interface ShareChoices {
	/** Addresses of the server and of bridges, `HOST[:PORT]` and words of a path line. */
	readonly at: readonly string[] | undefined;
	/** `undefined`: the only one. */
	readonly user: string | undefined;
	/** Further options of the link by their names. */
	readonly options: Readonly<Record<string, string | undefined>>;
}

/** The link to a server, and the name of the user whose key it holds. Throws a ConfigError. */
export function linkOfServer(
	server: ServerOptions,
	{at, user, options}: ShareChoices,
): ShareLink & {readonly user: string} {
	const {name, psk} = userOf(server.keys, user);
	const paths = pathsOf(server, at);
	return {user: name, key: formatKey(psk), paths, options: optionsOf(server, name, options)};
}

function userOf(keys: KeyOptions, name: string | undefined): UserKey {
	if (keys.keyless) throw mistake('', 'there is no key to share: see mptunnel keygen');
	const {users} = keys;
	const names = users.map((user) => user.name);
	if (name === undefined && users.length > 1) {
		throw mistake('--user', `is needed: ${names.map(quoteText).join(', ')}`);
	}
	const found = users.find((user) => name === undefined || user.name === name);
	if (found !== undefined) return found;
	const shown = quoteText(name ?? '');
	throw mistake('--user', `no user is called ${shown}${didYouMean(name ?? '', names)}`);
}

function pathsOf(
	{bind, port}: ServerOptions,
	given: readonly string[] | undefined,
): readonly LinkPath[] {
	if (given !== undefined) {
		const problems = new ProblemList();
		const paths = given.flatMap((text) => {
			const place = outsidePlace('--at', '/', problems);
			return place.text(text, (whole) => readAt(whole, port, problems)) ?? [];
		});
		problems.throwIfAny();
		return paths;
	}
	const reached = bind.filter((address) => {
		const bytes = parseIp(address);
		return bytes !== undefined && classify(bytes) === undefined;
	});
	if (reached.length > 0) return reached.map((host) => ({host, port, words: []}));
	throw mistake('--at', 'is needed: the server does not know the address that clients reach it at');
}

/** Throws a ValueError for a bad place; reports words that a link cannot have. */
function readAt(text: string, usual: number, problems: ProblemList): LinkPath {
	const [place = '', ...words] = text.trim().split(/\s+/);
	for (const word of words) {
		const [name = ''] = word.split('=', 1);
		if (LINK_WORDS.includes(name)) continue;
		const reason = `the word ${quoteText(name)} goes into no link${didYouMean(name, LINK_WORDS)}`;
		problems.add('', '--at', reason);
	}
	// Without a port there is one colon at most in a name, and several in an address of IPv6.
	const hasPort = /^(?:\[.*\]|[^:]*):[0-9]*$/.test(place);
	const address = hasPort ? readHostAndPort(place) : {host: readHost(place), port: usual};
	return {...address, words};
}

function optionsOf(
	{target, exit, users, encrypt}: ServerOptions,
	user: string,
	chosen: Readonly<Record<string, string | undefined>>,
): ReadonlyMap<string, string> {
	const own = users.get(user);
	const options = new Map<string, string>();
	if (!encrypt) options.set('encrypt', 'off');
	if ((own?.target ?? target) === undefined) options.set('listen', 'off');
	if (exit === undefined || own?.exit === false) options.set('socks', 'off');
	for (const [name, value] of Object.entries(chosen)) {
		if (value !== undefined) options.set(name, value);
	}
	return options;
}

function mistake(field: string, reason: string): ConfigError {
	return new ConfigError([{where: '', field, reason}]);
}
