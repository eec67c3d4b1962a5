import {appliedServer, serverChanges} from '../config/changes.ts';
import type {ExitOptions} from '../config/exit.ts';
import type {ServerOptions} from '../config/server.ts';
import type {UserOptions} from '../config/users.ts';
import type {ServerConfig, UserConfig} from '../core/endpoint.ts';
import type {EndpointEvent, UserStatus} from '../core/events.ts';
import {MptunnelServer} from '../core/server/server.ts';
import {ExitPolicy} from '../exit/policy.ts';
import {ExitRules, type RuleSettings} from '../net/exit/exit-rules.ts';
import type {TargetPlaces} from '../net/exit/fixed-targets.ts';
import {OwnAddresses, openRouteQuery} from '../net/exit/own-addresses.ts';
import {Names} from '../net/names/names.ts';
import {
	type ServerExit,
	ServerTunnel,
	type ServerTunnelSettings,
} from '../net/tunnel/server-tunnel.ts';
import type {UdpBackEnd} from '../net/udp/udp.ts';
import {formatAddress} from '../text/ip.ts';
import {refusalCounter} from '../wire/refusal.ts';
import {type CommonStatus, commonStatus} from './common-status.ts';
import {EventLog} from './observe/event-log.ts';
import {EventCounters} from './observe/event-table.ts';
import {Happenings} from './observe/happenings.ts';
import type {Logger} from './observe/logger.ts';
import type {StatusSnapshot, UserLine} from './observe/status.ts';
import type {Reloaded} from './page/steering.ts';
import {type Configuration, Reloader} from './reload/reload.ts';
import {
	FLOW_IDLE,
	observe,
	type Prepared,
	prepare,
	type Surroundings,
	systemSurroundings,
} from './startup.ts';
import {takeGoodbyes, writeGoodbyes} from './state/goodbyes.ts';
import {serverIdentity} from './state/state-folder.ts';

const NO_PATHS = 'the paths of a server are those of its clients: steer them there';

const SESSION_IDLE_MILLIS = 180_000;

/** Flows of a user and sessions of a server; without a key any host may have them, hence fewer. */
const LIMITS = {flowLimit: 16_384, flowRate: 4096, sessionLimit: 4096};
const KEYLESS_LIMITS = {flowLimit: 256, flowRate: 256, sessionLimit: 64};

/** A server that runs. */
export interface RunningServer {
	/** Addresses at which clients reach it now, as `host:port`. */
	readonly listening: readonly string[];
	status(): StatusSnapshot;
	/** Reads the configuration again and applies the difference; never rejects. */
	reload(): Promise<Reloaded>;
	/** Sends CLOSE and closes everything, within a second; may be called again. */
	close(): Promise<void>;
}

/**
 * Starts a server; it listens when this resolves. Rejects with an Error for the user when no
 * address can be bound or the forced cipher back end cannot be used.
 */
export async function startServer(
	options: ServerOptions,
	logger: Logger,
	surroundings: Partial<Surroundings> = {},
	configuration?: Configuration<ServerOptions>,
): Promise<RunningServer> {
	const all = {...systemSurroundings(), ...surroundings};
	const identity = serverIdentity(options.port, options.bind);
	const prepared = await prepare(options, 'server', identity, all, logger);
	const {state} = prepared;
	const happenings = options.page && new Happenings(Date.now);
	const counters = new EventCounters();
	const events = new EventLog(logger, counters);
	const onEvent = (event: EndpointEvent) => {
		events.log(event);
		happenings?.event(event);
	};
	const config = serverConfig(options);
	const endpoint = new MptunnelServer(config, prepared.environment);
	const parts = {config, endpoint, resolver: all.resolver, logger, onEvent};
	const tunnel = serverTunnel(options, prepared, parts);
	try {
		await tunnel.start();
	} catch (error) {
		await tunnel.abort();
		state.release();
		throw error;
	}
	tunnel.announce(takeGoodbyes(state.folder, Date.now()));
	const common = commonStatus('mpserver', options, prepared, counters);
	let current = options;
	const reloader = new Reloader<ServerOptions>({
		configuration,
		apply: async (next) => {
			const changes = serverChanges(current, next);
			const applied = appliedServer(current, next);
			const commit = await tunnel.prepare(tunnelSettings(applied));
			current = applied;
			commit();
			return {changes, options: applied};
		},
		applied: ({stats}) => observation.setStats(stats),
		logger,
	});
	const status = () => snapshot(current, tunnel, common);
	const steering = {steer: () => NO_PATHS, reload: () => reloader.reload()};
	const {logTail} = all;
	const observed = {state, status, logger, happenings, endpoint, logTail, steering};
	const observation = await observe(options, observed);
	logStart(status(), logger);
	let closing: Promise<void> | undefined;
	const close = async () => {
		await observation.close();
		writeGoodbyes(state.folder, tunnel.goodbyes(), Date.now());
		await tunnel.close();
		state.release();
	};
	return {
		get listening() {
			return tunnel.listening;
		},
		status,
		reload: () => reloader.reload(),
		close: () => (closing ??= close()),
	};
}

function logStart({version, listening, target, exit}: StatusSnapshot, logger: Logger): void {
	logger.info('mpserver runs', {version, listening: listening.join(' '), target, exit});
}

function snapshot(
	options: ServerOptions,
	tunnel: ServerTunnel,
	common: CommonStatus,
): StatusSnapshot {
	const {users = [], ...all} = tunnel.status();
	return {
		...common(all, tunnel.drops),
		listening: tunnel.listening,
		target: options.target && formatAddress(options.target.host, options.target.port),
		exit: options.exit !== undefined,
		forwards: [],
		streams: tunnel.streams,
		places: [],
		users: users.map((user) => userLine(user, options)),
		totals: all.totals,
	};
}

/** The parts of a server around its tunnel. */
interface ServerParts {
	readonly config: ServerConfig;
	readonly endpoint: MptunnelServer;
	readonly resolver: Surroundings['resolver'];
	readonly logger: Logger;
	readonly onEvent: (event: EndpointEvent) => void;
}

/** Builds the tunnel of these options; it opens no socket before it is started. */
function serverTunnel(
	options: ServerOptions,
	{backEnd}: Prepared,
	{config, endpoint, resolver, logger, onEvent}: ServerParts,
): ServerTunnel {
	return new ServerTunnel({
		endpoint,
		users: config.users.map(({name}) => name),
		port: options.port,
		bind: options.bind,
		...targetsOf(options),
		exit: options.exit && serverExit(options, options.exit, backEnd),
		backEnd,
		resolver,
		reporter: logger,
		onEvent,
	});
}

function targetsOf({target, users}: ServerOptions): TargetPlaces {
	const own = [...users].flatMap(([name, user]) =>
		user.target ? [[name, user.target] as const] : [],
	);
	return {target, userTargets: new Map(own)};
}

/** The rules of an exit and of all its users. */
function rulesOf({keys, users}: ServerOptions, {allow, deny}: ExitOptions): RuleSettings {
	const names = keys.keyless ? [] : keys.users.map(({name}) => name);
	const none = {allow: [], deny: []};
	return {
		server: {allow, deny},
		users: new Map(names.map((name) => [name, users.get(name) ?? none])),
		barred: new Set(names.filter((name) => users.get(name)?.exit === false)),
	};
}

/** The policy of an exit. */
function serverExit(options: ServerOptions, exit: ExitOptions, backEnd: UdpBackEnd): ServerExit {
	const locality = new OwnAddresses(backEnd, openRouteQuery());
	const rules = new ExitRules(rulesOf(options, exit));
	return {
		policy: new ExitPolicy({...rules.server, nat64: exit.nat64Prefixes, locality}),
		locality,
		rules,
		names: new Names(),
	};
}

/** The tunnel's settings for these options, as far as they may change. */
function tunnelSettings(options: ServerOptions): ServerTunnelSettings {
	const {users, fixedTarget} = serverConfig(options);
	const rules = options.exit && rulesOf(options, options.exit);
	return {settings: {users, fixedTarget}, targets: targetsOf(options), rules};
}

/** A user as status shows it. */
function userLine(user: UserStatus, {users, target, exit}: ServerOptions): UserLine {
	const own = users.get(user.name);
	const place = own?.target ?? target;
	return {
		...user,
		target: place && formatAddress(place.host, place.port),
		exit: exit !== undefined && own?.exit !== false,
		refused: Object.fromEntries(
			user.refused.map(({kind, code, count}) => [refusalCounter(code, kind), count]),
		),
	};
}

function userConfig(
	user: UserOptions | undefined,
	maxTraffic: number | undefined,
): Partial<UserConfig> {
	if (user === undefined) return {trafficLimit: maxTraffic};
	const {target, exit, limits} = user;
	const fixedTarget = target === undefined ? undefined : true;
	return {
		fixedTarget,
		exit,
		flowLimit: limits.flows,
		flowRate: limits.newFlows,
		sessionLimit: limits.sessions,
		streamLimit: limits.connections,
		connectRate: limits.newConnections,
		memoryLimit: limits.memory,
		trafficLimit: limits.traffic ?? maxTraffic,
		laneLimit: limits.lanes,
	};
}

/** The core's settings for these options. */
function serverConfig(options: ServerOptions): ServerConfig {
	const {keys, encrypt, users, maxTraffic} = options;
	return {
		users: keys.keyless
			? [{name: '', psk: new Uint8Array(32), trafficLimit: maxTraffic}]
			: keys.users.map(({name, psk}) => ({name, psk, ...userConfig(users.get(name), maxTraffic)})),
		keyless: keys.keyless,
		encrypt,
		fixedTarget: options.target !== undefined,
		exit: options.exit !== undefined,
		flowIdle: FLOW_IDLE,
		sessionIdle: SESSION_IDLE_MILLIS,
		streamMemory: options.streamMemory,
		holdAge: options.hold,
		congestionControl: options.congestionControl,
		...(keys.keyless ? KEYLESS_LIMITS : LIMITS),
	};
}
