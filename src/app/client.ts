import {type ClientOptions, MARK_NEEDS, NEEDS_BATCH} from '../config/client.ts';
import {MptunnelClient} from '../core/client/client.ts';
import type {ClientConfig} from '../core/endpoint.ts';
import {ClientTunnel} from '../net/tunnel/client-tunnel.ts';
import type {UdpBackEnd} from '../net/udp/udp.ts';
import {formatAddress} from '../text/ip.ts';
import {type CommonStatus, commonStatus} from './common-status.ts';
import {ConnectionReport} from './observe/connection-report.ts';
import {EventLog} from './observe/event-log.ts';
import {EventCounters} from './observe/event-table.ts';
import {Happenings} from './observe/happenings.ts';
import type {Logger} from './observe/logger.ts';
import type {ForwardLine, StatusSnapshot} from './observe/status.ts';
import type {Reloaded} from './page/steering.ts';
import {ClientReload} from './reload/client-reload.ts';
import {ClientNumbers, clientSettings, forwardsOf, tcpForward} from './reload/client-settings.ts';
import type {Configuration} from './reload/reload.ts';
import {
	FLOW_IDLE,
	observe,
	type Prepared,
	prepare,
	type Surroundings,
	systemSurroundings,
} from './startup.ts';
import {clientIdentity, type StateFolder} from './state/state-folder.ts';
import {programVersion} from './version.ts';

const REKEY_INTERVAL_MILLIS = 120_000;

/** A client that runs. */
export interface RunningClient {
	/** Address that applications send to, as `host:port`, the first of two. `undefined`: none. */
	readonly listening: string | undefined;
	status(): StatusSnapshot;
	/** Address of the SOCKS5 listener, as `host:port`, the first of two. `undefined`: not started. */
	readonly socks: string | undefined;
	/** Reads the configuration again and applies the difference; never rejects. */
	reload(): Promise<Reloaded>;
	/** Sends CLOSE and closes everything, within a second; may be called again. */
	close(): Promise<void>;
}

/**
 * Starts a client: its sockets are open and the handshake is under way when this resolves; it never
 * waits for a path or a server. Rejects with an Error for the user when a local port is in use or
 * the forced cipher back end cannot be used.
 */
export async function startClient(
	options: ClientOptions,
	logger: Logger,
	surroundings: Partial<Surroundings> = {},
	configuration?: Configuration<ClientOptions>,
): Promise<RunningClient> {
	const all = {...systemSurroundings(), ...surroundings};
	const identity = clientIdentity(options.configFile);
	const prepared = await prepare(options, 'client', identity, all, logger);
	const {state, environment, backEnd} = prepared;
	const endpoint = new MptunnelClient(clientConfig(options, state.clientId), environment);
	const names = options.paths.map(({name}) => name);
	const counters = new EventCounters();
	const events = new EventLog(logger, counters, names);
	const happenings = options.page && new Happenings(Date.now, names);
	const tunnel = new ClientTunnel({
		endpoint,
		paths: options.paths,
		listen: options.listen,
		socks: options.socks || undefined,
		forwards: forwardsOf(options, 'udp').map(({listen}) => listen),
		tcpForwards: forwardsOf(options, 'tcp').map(tcpForward),
		optimisticConnect: options.optimisticConnect,
		backEnd,
		resolver: all.resolver,
		ports: state.localPorts,
		reporter: logger,
		onEvent: (event) => {
			events.log(event);
			happenings?.event(event);
			report.event(event);
			if (event.type === 'client-id') keepId(event.clientId, state, logger);
		},
		onRefused: (path, reason) => report.refused(path, reason),
	});
	const report = new ConnectionReport({
		paths: options.paths,
		logger,
		now: () => tunnel.now(),
		troubleOf: (path) => tunnel.troubleOf(path),
	});
	await openAll(options, {tunnel, report, prepared, logger});
	const check = (next: ClientOptions) => checkInterfaces(next, backEnd);
	const init = {options, tunnel, report, names, logger, configuration, check};
	const running = new ClientReload(init);
	const common = commonStatus('mpclient', options, prepared, counters);
	const status = () => snapshot(running, tunnel, report, common);
	const {logTail} = all;
	const steering = running;
	const observed = {state, status, logger, happenings, endpoint, logTail, steering};
	const observation = await observe(options, observed);
	running.applied = ({stats}) => observation.setStats(stats);
	logStart(options, tunnel, logger);
	let closing: Promise<void> | undefined;
	const close = async () => {
		report.close();
		await observation.close();
		await tunnel.close();
		state.release();
	};
	return {
		listening: tunnel.listener?.addresses[0],
		socks: tunnel.socks?.addresses[0],
		status,
		reload: () => running.reload(),
		close: () => (closing ??= close()),
	};
}

/** Opens the ports and paths of a client; lets go of everything when that fails. */
async function openAll(
	options: ClientOptions,
	{tunnel, report, prepared, logger}: ClientParts,
): Promise<void> {
	try {
		checkInterfaces(options, prepared.backEnd);
		tunnel.start();
		await tunnel.startForwards();
		await openSocks(options, tunnel, logger);
	} catch (error) {
		report.close();
		await tunnel.abort();
		prepared.state.release();
		throw error;
	}
}

interface ClientParts {
	readonly tunnel: ClientTunnel;
	readonly report: ConnectionReport;
	readonly prepared: Prepared;
	readonly logger: Logger;
}

/**
 * The folder is this process's own while it holds the lock, and the copy of one on another machine
 * is another.
 */
function keepId(clientId: Uint8Array, state: StateFolder, logger: Logger): void {
	const trouble = state.rename(clientId);
	if (trouble !== undefined) logger.warn(trouble);
}

/** Throws an Error for the user when a path has an interface or a mark and that cannot be. */
export function checkInterfaces({paths}: ClientOptions, backEnd: UdpBackEnd): void {
	for (const {name, device, mark} of paths) {
		if (device !== undefined && !backEnd.bindsInterfaces) {
			throw new Error(`path ${name}, bind ${device}: ${NEEDS_BATCH}`);
		}
		if (mark !== undefined && !canMark(backEnd, mark.value)) {
			throw new Error(`${mark.place}: mark=${mark.value} ${MARK_NEEDS}`);
		}
	}
}

function canMark(backEnd: UdpBackEnd, mark: number): boolean {
	if (!backEnd.bindsInterfaces) return false;
	try {
		const ignored = {onBatch: () => {}, onError: () => {}};
		void backEnd.open({address: '127.0.0.1', port: 0, mark}, ignored).close();
		return true;
	} catch {
		return false;
	}
}

async function openSocks(
	{socks, keys}: ClientOptions,
	tunnel: ClientTunnel,
	logger: Logger,
): Promise<void> {
	if (socks === undefined) {
		const reason = keys.keyless ? 'there is no key' : 'MPTUNNEL_ENCRYPT=0';
		logger.info('SOCKS5 listener not started', {reason});
	}
	try {
		await tunnel.startSocks();
	} catch (error) {
		// It is on by default only: users of the classic port do not miss it.
		if (socks === undefined || socks === false || socks.explicit) throw error;
		const reason = error instanceof Error ? error.message : String(error);
		logger.warn('SOCKS5 listener not started', {reason});
	}
}

/** The core's settings for these options. */
export function clientConfig(options: ClientOptions, clientId: Uint8Array): ClientConfig {
	const {keys, encrypt} = options;
	return {
		...clientSettings(options, ClientNumbers.first(options)),
		psk: keys.keyless ? new Uint8Array(32) : keys.users[0].psk,
		keyless: keys.keyless,
		clientId,
		encrypt,
		rekeyInterval: REKEY_INTERVAL_MILLIS,
		flowIdle: FLOW_IDLE,
		streamMemory: options.streamMemory,
		holdAge: options.hold,
		congestionControl: options.congestionControl,
	};
}

function snapshot(
	{options, shown}: ClientReload,
	tunnel: ClientTunnel,
	report: ConnectionReport,
	common: CommonStatus,
): StatusSnapshot {
	const status = tunnel.status();
	const {listener, socks} = tunnel;
	return {
		...common(status, tunnel.drops),
		listening: listener?.addresses ?? [],
		socks: socks && {listening: socks.addresses, associations: socks.associations},
		forwards: forwardLines(options, tunnel),
		streams: tunnel.streams,
		exit: false,
		places: tunnel.paths.map(({id, remotes, localPorts, options: {name, host, port}}) => ({
			id,
			name,
			target: formatAddress(host, port),
			remotes,
			localPorts,
			finding: report.finding(id),
		})),
		connection: report.status(),
		users: [],
		totals: status.totals.map((user) => ({
			...user,
			paths: user.paths.map((path) => ({...path, name: shown.get(path.name) ?? path.name})),
		})),
	};
}

function forwardLines(options: ClientOptions, tunnel: ClientTunnel): readonly ForwardLine[] {
	const udp = tunnel.forwards.map(({addresses}) => addresses);
	const listening = {udp, tcp: [...tunnel.tcpForwards]};
	return options.forwards.map(({protocol, target: {host, port}}) => {
		const place = listening[protocol].shift() ?? [];
		return {protocol, listening: place, target: formatAddress(host, port)};
	});
}

function logStart(options: ClientOptions, tunnel: ClientTunnel, logger: Logger): void {
	const paths = tunnel.paths.map(
		({options: {name, host, port}, localPorts}) =>
			`${name}=${formatAddress(host, port)} from ${localPorts.join(',') || '-'}`,
	);
	const {policies} = options;
	logger.info('mpclient runs', {
		version: programVersion(),
		listening: tunnel.listener?.addresses.join(' ') ?? 'no',
		socks: tunnel.socks?.addresses.join(' ') ?? 'no',
		forwards: options.forwards.length || undefined,
		paths: paths.join('; '),
		copies: options.copies ?? 'all',
		policy: policies.isPlain ? undefined : policies.otherwise.name,
		rules: policies.rules.length || undefined,
	});
}
