import {matchPaths} from '../../config/changes.ts';
import type {ClientOptions, PathOptions} from '../../config/client.ts';
import type {ForwardOptions} from '../../config/forwards.ts';
import {type HostPort, LOCALHOST} from '../../config/host-port.ts';
import {type ClientListener, listenersOf} from '../../config/listeners.ts';
import type {ClientPathConfig, ClientSettings, ListenerConfig} from '../../core/endpoint.ts';
import type {TcpForwardPlace} from '../../net/tcp/forward.ts';
import type {ClientTunnelSettings} from '../../net/tunnel/client-tunnel.ts';
import type {PolicyChooser} from '../../policy/policy.ts';
import {encodeTarget, namedTarget} from '../../socks/target.ts';
import {formatAddress} from '../../text/ip.ts';
import {MAX_PATH_NAME} from '../../wire/frames/paths.ts';
import type {PathUse} from '../page/steering.ts';

/** The name of the classic port in flow keys: changing it loses flows over an update. */
const CLASSIC_LISTENER = 'classic';
const SOCKS_LISTENER = 'socks';
/** Number that no listener has. */
const NO_LISTENER = -1;

/** Uses of paths that were asked for by hand, by their names: they hold until the next reload. */
export type PathUses = ReadonlyMap<string, PathUse>;

/** Numbers of the paths and listeners of a client in the core, which stay as long as these do. */
export class ClientNumbers {
	/** Ids of the paths by their names. */
	readonly paths: ReadonlyMap<string, number>;
	/** Numbers of the listeners by their places. */
	readonly #listeners: ReadonlyMap<string, number>;

	constructor(paths: ReadonlyMap<string, number>, listeners: ReadonlyMap<string, number>) {
		this.paths = paths;
		this.#listeners = listeners;
	}

	/** Returns those of a program that starts: in the order of the options. */
	static first(options: ClientOptions): ClientNumbers {
		const paths = new Map(options.paths.map(({name}, id) => [name, id]));
		return new ClientNumbers(
			paths,
			new Map(listenersOf(options).map((listener, index) => [placeOf(listener), index])),
		);
	}

	/**
	 * Returns those for other options: what stays has the number that it has.
	 * @param before options that these numbers are of
	 * @param freePath returns an id that no path has, and none of those given
	 */
	next(
		before: ClientOptions,
		options: ClientOptions,
		freePath: (taken: ReadonlySet<number>) => number | undefined,
	): ClientNumbers {
		const taken = new Set(this.paths.values());
		const paths = new Map<string, number>();
		for (const {path, before: name} of matchPaths(before.paths, options.paths)) {
			const id = name === undefined ? freePath(taken) : this.paths.get(name);
			if (id === undefined) throw new Error('no more paths than 16 can come and go at once');
			taken.add(id);
			paths.set(path.name, id);
		}
		const used = new Set(this.#listeners.values());
		const listeners = new Map<string, number>();
		for (const listener of listenersOf(options)) {
			const place = placeOf(listener);
			let number = this.#listeners.get(place) ?? 0;
			while (!this.#listeners.has(place) && used.has(number)) number++;
			used.add(number);
			listeners.set(place, number);
		}
		return new ClientNumbers(paths, listeners);
	}

	/** Returns the number of a listener. -1: there is none. */
	of(listener: ClientListener): number {
		return this.#listeners.get(placeOf(listener)) ?? NO_LISTENER;
	}
}

// The SOCKS listener keeps its number wherever it listens.
function placeOf({kind, listen: {host, port}}: ClientListener): string {
	return kind === 'socks' ? kind : `udp ${host} ${port}`;
}

/** The core's settings for these options, as far as they may change. */
export function clientSettings(
	options: ClientOptions,
	numbers: ClientNumbers,
	uses: PathUses = new Map(),
): ClientSettings {
	const {copies, policies, paths} = options;
	const names = coreNames(paths, numbers);
	const all = listenersOf(options);
	const listeners: (ListenerConfig | undefined)[] = [];
	for (const listener of all) listeners[numbers.of(listener)] = listenerConfig(listener);
	for (let i = 0; i < listeners.length; i++) listeners[i] ??= undefined;
	return {
		copies: copies ?? 0,
		paths: paths.map((path) => ({
			...pathConfig(path, numbers.paths.get(path.name)!, names.get(path.name)!),
			...steered(path, uses.get(path.name)),
		})),
		policies: policies.isPlain ? undefined : corePolicies(options, names, numbers),
		listeners,
	};
}

function steered(
	{backup}: PathOptions,
	use: PathUse | undefined,
): Pick<ClientPathConfig, 'backup' | 'held'> {
	switch (use) {
		case undefined:
			return {backup};
		case 'use':
			return {backup: false};
		case 'backup':
			return {backup: true};
		case 'hold':
			return {backup, held: true};
	}
}

/** The tunnel's settings for these options, as far as they may change. */
export function tunnelSettings(
	options: ClientOptions,
	numbers: ClientNumbers,
	uses: PathUses = new Map(),
): ClientTunnelSettings {
	const udp = new Map<number, HostPort>();
	const forwards: number[] = [];
	let classic: number | undefined;
	for (const listener of listenersOf(options)) {
		const number = numbers.of(listener);
		if (listener.kind !== 'socks') udp.set(number, listener.listen);
		if (listener.kind === 'classic') classic = number;
		if (listener.kind === 'forward') forwards.push(number);
	}
	return {
		settings: clientSettings(options, numbers, uses),
		paths: new Map(options.paths.map((path) => [numbers.paths.get(path.name)!, path])),
		udp,
		tcp: forwardsOf(options, 'tcp').map(tcpForward),
		classic,
		forwards,
	};
}

/** Returns the forwards of a protocol. */
export function forwardsOf(
	{forwards}: ClientOptions,
	protocol: ForwardOptions['protocol'],
): readonly ForwardOptions[] {
	return forwards.filter((forward) => forward.protocol === protocol);
}

/** Returns the place of a forward of TCP. */
export function tcpForward({listen, target}: ForwardOptions): TcpForwardPlace {
	return {...listen, target: encodedTarget(target)};
}

function listenerConfig(listener: ClientListener): ListenerConfig {
	switch (listener.kind) {
		case 'classic':
			return {name: CLASSIC_LISTENER};
		case 'socks':
			return {name: SOCKS_LISTENER, open: true};
		case 'forward':
			return forwardConfig(listener.forward);
	}
}

function encodedTarget({host, port}: ForwardOptions['target']): Uint8Array {
	const parsed = namedTarget(host, port);
	if (parsed === undefined) throw new TypeError('a target that is neither a name nor an address');
	return encodeTarget(parsed);
}

// The name is part of the key by which the server finds a flow again: as the user wrote the port,
// but a port alone was one of 127.0.0.1 only once, and its flows live on.
function forwardConfig({protocol, listen: {host, port}, target}: ForwardOptions): ListenerConfig {
	const name = `${protocol} ${formatAddress(host === LOCALHOST ? '127.0.0.1' : host, port)}`;
	return {name, target: encodedTarget(target)};
}

/**
 * The names of paths in the core by the user's: the frame that names them to the server has room
 * for short ASCII names only. Each is another one, as policies find their paths by them.
 */
function coreNames(
	paths: readonly PathOptions[],
	numbers: ClientNumbers,
): ReadonlyMap<string, string> {
	const names = new Map<string, string>();
	const taken = new Set<string>();
	for (const {name} of paths) {
		const plain = name.replace(/[^\x20-\x7e]/g, '?');
		const short = plain.slice(0, MAX_PATH_NAME);
		const marked = `${plain.slice(0, MAX_PATH_NAME - 3)}~${numbers.paths.get(name)}`;
		const one = taken.has(short) ? marked : short;
		taken.add(one);
		names.set(name, one);
	}
	return names;
}

/** Returns the names of paths as the user wrote them, by those of the core. */
export function shownNames(
	{paths}: ClientOptions,
	numbers: ClientNumbers,
): ReadonlyMap<string, string> {
	return new Map([...coreNames(paths, numbers)].map(([shown, name]) => [name, shown]));
}

/** The rules with the core's names of paths, and its numbers of listeners. */
function corePolicies(
	options: ClientOptions,
	names: ReadonlyMap<string, string>,
	numbers: ClientNumbers,
): PolicyChooser {
	const coreName = (name: string) => names.get(name) ?? name;
	const listeners = listenersOf(options);
	const numbered = options.policies.withListeners((index) => {
		const listener = listeners[index];
		return listener === undefined ? NO_LISTENER : numbers.of(listener);
	});
	return numbered.withPolicies((policy) => {
		switch (policy.kind) {
			case 'pin':
				return {...policy, path: coreName(policy.path)};
			case 'fec':
				return {...policy, paths: policy.paths.map(coreName)};
			case 'redundant':
			case 'best':
				return policy;
		}
	});
}

function pathConfig(path: PathOptions, id: number, name: string): ClientPathConfig {
	const kilobits = (rate = 0) => Math.min(Math.ceil(rate / 1000), 0xffff_ffff);
	return {
		id,
		name,
		metered: path.metered,
		backup: path.backup,
		keepAlive: path.keepAlive,
		rateUp: kilobits(path.rate?.up),
		rateDown: kilobits(path.rate?.down),
	};
}
