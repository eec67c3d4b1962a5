import {isDeepStrictEqual} from 'node:util';
import {quoteText} from '../text/escape-text.ts';
import {formatAddress} from '../text/ip.ts';
import type {ClientOptions} from './client.ts';
import type {ForwardOptions} from './forwards.ts';
import type {PathOptions} from './paths.ts';
import type {ServerOptions} from './server.ts';
import type {SocksOptions} from './socks.ts';

/** One difference between the configuration of a running program and another one. */
export interface Change {
	/** Thing that differs, for people: `path lte`, `user ann`, `log level`; escaped. */
	readonly subject: string;
	readonly verb: 'added' | 'removed' | 'changed';
	/** True: it takes a restart, and the program goes on as it was in this. */
	readonly restart: boolean;
}

/** Options that change while a program runs, and those that take a restart, by their fields. */
type Effects<Options> = Readonly<Record<keyof Options, 'now' | 'restart'>>;

/** Effects of the options that both programs have. */
const COMMON_EFFECTS = {
	logLevel: 'now',
	stats: 'now',
	page: 'restart',
	pageName: 'restart',
	pageOpen: 'restart',
	metrics: 'restart',
	encrypt: 'restart',
	state: 'restart',
	crypto: 'restart',
	io: 'restart',
	busyPoll: 'restart',
	streamMemory: 'restart',
	laneMemory: 'restart',
	hold: 'restart',
	congestionControl: 'restart',
	logFormat: 'restart',
} as const;

/** Effects of mpclient's options. */
export const CLIENT_EFFECTS: Effects<Omit<ClientOptions, 'configFile'>> = {
	...COMMON_EFFECTS,
	paths: 'now',
	listen: 'now',
	forwards: 'now',
	copies: 'now',
	policies: 'now',
	socks: 'restart',
	optimisticConnect: 'restart',
	keys: 'restart',
};

/** Effects of mpserver's options; `exit` takes a restart when it is switched on or off. */
export const SERVER_EFFECTS: Effects<Omit<ServerOptions, 'configFile'>> = {
	...COMMON_EFFECTS,
	users: 'now',
	keys: 'now',
	target: 'now',
	exit: 'now',
	maxTraffic: 'now',
	port: 'restart',
	bind: 'restart',
};

/** A path of another configuration, and the running one that it is. */
export interface PathMatch {
	readonly path: PathOptions;
	/** Name of the running path whose sockets and measurements it keeps. `undefined`: it is new. */
	readonly before: string | undefined;
}

/** Returns which paths stay: those that lead the same way, under one name where there is one. */
export function matchPaths(
	before: readonly PathOptions[],
	now: readonly PathOptions[],
): readonly PathMatch[] {
	const left = new Map(before.map((path) => [path.name, path]));
	const names = new Map<PathOptions, string>();
	const match = (path: PathOptions, found: PathOptions | undefined) => {
		if (found === undefined || !left.delete(found.name)) return;
		names.set(path, found.name);
	};
	for (const path of now) {
		const namesake = left.get(path.name);
		if (namesake !== undefined && leadsAlike(namesake, path)) match(path, namesake);
	}
	// Paths without a name have their positions for names.
	for (const path of now) {
		if (names.has(path)) continue;
		match(
			path,
			[...left.values()].find((one) => leadsAlike(one, path)),
		);
	}
	return now.map((path) => ({path, before: names.get(path)}));
}

function leadsAlike(a: PathOptions, b: PathOptions): boolean {
	return isDeepStrictEqual(wayOf(a), wayOf(b));
}

function wayOf({host, port, bind, device, mark, localPort}: PathOptions): unknown {
	return [host, port, bind, device, mark?.value, localPort];
}

/** Returns the differences between the options of a running mpclient and others. */
export function clientChanges(a: ClientOptions, b: ClientOptions): readonly Change[] {
	return [
		...pathChanges(a.paths, b.paths),
		...forwardChanges(a.forwards, b.forwards),
		...fieldChanges(CLIENT_EFFECTS, comparable(a), comparable(b)),
	];
}

function comparable({paths: _, forwards: __, policies, socks, ...options}: ClientOptions) {
	// The line of a rule is no part of it.
	const rules = policies.rules.map(({where: _where, ...rule}) => rule);
	return {...options, policies: {rules, otherwise: policies.otherwise}, socks: socksOf(socks)};
}

function socksOf(socks: SocksOptions | false | undefined): unknown {
	if (!socks) return false;
	const {explicit: _, ...options} = socks;
	return options;
}

function pathChanges(a: readonly PathOptions[], b: readonly PathOptions[]): readonly Change[] {
	const matches = matchPaths(a, b);
	const kept = new Set(matches.map(({before}) => before));
	const names = new Set(b.map(({name}) => name));
	const byName = new Map(a.map((path) => [path.name, path]));
	const subject = (name: string) => `path ${quoteText(name)}`;
	const removed = a.filter(({name}) => !kept.has(name) && !names.has(name));
	return [
		...removed.map(({name}) => change(subject(name), 'removed')),
		...matches.flatMap(({path, before}) => {
			if (before === undefined && !byName.has(path.name)) {
				return [change(subject(path.name), 'added')];
			}
			const former = byName.get(before ?? path.name)!;
			return isDeepStrictEqual(plain(former), plain(path))
				? []
				: [change(subject(path.name), 'changed')];
		}),
	];
}

function plain({mark, ...path}: PathOptions): object {
	return {...path, mark: mark?.value};
}

function forwardChanges(
	a: readonly ForwardOptions[],
	b: readonly ForwardOptions[],
): readonly Change[] {
	const named = (forwards: readonly ForwardOptions[]) =>
		new Map(
			forwards.map((forward) => {
				const {protocol, listen} = forward;
				return [`forward ${protocol} ${formatAddress(listen.host, listen.port)}`, forward] as const;
			}),
		);
	return mapChanges(named(a), named(b), (name) => name);
}

/** Returns the differences between the options of a running mpserver and others. */
export function serverChanges(a: ServerOptions, b: ServerOptions): readonly Change[] {
	const exitSwitched = (a.exit === undefined) !== (b.exit === undefined);
	const keyless = a.keys.keyless !== b.keys.keyless;
	const prefixes = !isDeepStrictEqual(a.exit?.nat64Prefixes, b.exit?.nat64Prefixes);
	const {users: _, keys: __, exit: ___, ...others} = a;
	const {users: _users, keys: _keys, exit: _exit, ...now} = b;
	return [
		...(keyless
			? [change('keys', 'changed', true)]
			: mapChanges(usersOf(a), usersOf(b), (name) => `user ${quoteText(name)}`)),
		...(exitSwitched ? [change('exit', b.exit === undefined ? 'removed' : 'added', true)] : []),
		...(prefixes && !exitSwitched ? [change('nat64 prefix', 'changed', true)] : []),
		...(exitSwitched || isDeepStrictEqual(rulesOf(a), rulesOf(b))
			? []
			: [change('rules', 'changed')]),
		...fieldChanges(SERVER_EFFECTS, others, now).map((each) =>
			// Else there might be nothing to reach.
			each.subject === 'target' && exitSwitched ? {...each, restart: true} : each,
		),
	];
}

function rulesOf({exit}: ServerOptions): unknown {
	return [exit?.allow ?? [], exit?.deny ?? []];
}

function usersOf({keys, users}: ServerOptions): ReadonlyMap<string, unknown> {
	if (keys.keyless) return new Map();
	return new Map(keys.users.map(({name, psk}) => [name, [psk, users.get(name)]]));
}

function mapChanges(
	a: ReadonlyMap<string, unknown>,
	b: ReadonlyMap<string, unknown>,
	subject: (name: string) => string,
): readonly Change[] {
	const removed = [...a.keys()].filter((name) => !b.has(name));
	return [
		...removed.map((name) => change(subject(name), 'removed')),
		...[...b].flatMap(([name, value]) => {
			if (!a.has(name)) return [change(subject(name), 'added')];
			return isDeepStrictEqual(a.get(name), value) ? [] : [change(subject(name), 'changed')];
		}),
	];
}

function fieldChanges(
	effects: Readonly<Record<string, 'now' | 'restart'>>,
	a: object,
	b: object,
): readonly Change[] {
	const before = new Map<string, unknown>(Object.entries(a));
	return Object.entries(b).flatMap(([field, value]) => {
		const effect = effects[field];
		if (effect === undefined || isDeepStrictEqual(before.get(field), value)) return [];
		return [change(wordsOf(field), 'changed', effect === 'restart')];
	});
}

/** `log level` of `logLevel`. */
function wordsOf(field: string): string {
	return field.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

function change(subject: string, verb: Change['verb'], restart = false): Change {
	return {subject, verb, restart};
}

/** Returns the options of a running mpclient after others were applied, without a restart. */
export function appliedClient(a: ClientOptions, b: ClientOptions): ClientOptions {
	return {...b, ...restartFields(CLIENT_EFFECTS, a), configFile: a.configFile};
}

/** Returns the options of a running mpserver after others were applied, without a restart. */
export function appliedServer(a: ServerOptions, b: ServerOptions): ServerOptions {
	const keyless = a.keys.keyless !== b.keys.keyless;
	const exitSwitched = (a.exit === undefined) !== (b.exit === undefined);
	const kept = keyless ? a : b;
	return {
		...b,
		...restartFields(SERVER_EFFECTS, a),
		configFile: a.configFile,
		keys: kept.keys,
		users: kept.users,
		target: exitSwitched ? a.target : b.target,
		exit: exitSwitched ? a.exit : exitOf(a, b),
	};
}

function exitOf(a: ServerOptions, b: ServerOptions): ServerOptions['exit'] {
	return a.exit && b.exit && {...b.exit, nat64Prefixes: a.exit.nat64Prefixes};
}

function restartFields<Options extends object>(
	effects: Readonly<Record<string, 'now' | 'restart'>>,
	options: Options,
): Partial<Options> {
	const entries = Object.entries(options).filter(([field]) => effects[field] === 'restart');
	// Each value has the place that it was taken from.
	return Object.fromEntries(entries) as Partial<Options>;
}

/** Returns a change in words: `path lte added`. */
export function formatChange({subject, verb, restart}: Change): string {
	return `${subject} ${verb}${restart ? ': takes a restart' : ''}`;
}
