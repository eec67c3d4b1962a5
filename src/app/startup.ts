import process from 'node:process';
import {crc32} from 'node:zlib';
import type {Millis} from '../bytes/time.ts';
import type {IoName} from '../config/io-name.ts';
import type {KeyOptions} from '../config/keys.ts';
import type {LogFormat} from '../config/logging.ts';
import type {MetricsSettings} from '../config/metrics.ts';
import type {PageSettings} from '../config/page.ts';
import {type Coding, createCoding} from '../core/coding.ts';
import type {Environment} from '../core/environment.ts';
import type {FlowStatus} from '../core/events.ts';
import type {AeadName} from '../crypto/aead.ts';
import {AEAD_LOADERS, chooseAead} from '../crypto/aead-choice.ts';
import {X25519} from '../crypto/diffie-hellman.ts';
import {SystemRandom} from '../crypto/system-random.ts';
import {type Resolver, resolveHost} from '../net/names/resolver.ts';
import {chooseIo} from '../net/udp/io-choice.ts';
import type {UdpBackEnd} from '../net/udp/udp.ts';
import type {Metrics} from './metrics/metrics.ts';
import {flowLines, SHOWN_FLOWS} from './observe/flow-lines.ts';
import type {Happenings} from './observe/happenings.ts';
import type {LogTail} from './observe/log-tail.ts';
import type {Logger} from './observe/logger.ts';
import {type StatusSnapshot, statusFields} from './observe/status.ts';
import {StatusServer} from './observe/status-server.ts';
import type {Page} from './page/page.ts';
import type {Steering} from './page/steering.ts';
import {ControlServer, controlPathOf} from './reload/control-server.ts';
import {
	openStateFolder,
	type StateEnvironment,
	type StateFolder,
	type StateKind,
} from './state/state-folder.ts';

/** Flows that carry nothing for so long are closed. */
export const FLOW_IDLE: Millis = 300_000;

/** The parts of the machine that a program uses; tests replace some. */
export interface Surroundings {
	/** Environment in which the default state folder is looked up. */
	readonly env: StateEnvironment;
	/** Undefined = the one that the options name. */
	readonly backEnd: UdpBackEnd | undefined;
	readonly resolver: Resolver;
	/** The end of the log, for the live page. */
	readonly logTail: LogTail | undefined;
}

/** The real ones; made anew for every program. */
export function systemSurroundings(): Surroundings {
	return {env: process.env, backEnd: undefined, resolver: resolveHost, logTail: undefined};
}

/** The parts of the options that both programs prepare in the same way. */
export interface CommonOptions extends PageSettings, MetricsSettings {
	readonly keys: KeyOptions;
	readonly encrypt: boolean;
	readonly state: string | undefined;
	readonly crypto: AeadName | undefined;
	readonly io: IoName | undefined;
	readonly busyPoll: boolean;
	/** Bytes of the symbols of all coded lanes. */
	readonly laneMemory: number;
	readonly stats: Millis | undefined;
	readonly logFormat: LogFormat;
}

/** Inputs of an endpoint besides its configuration. */
export interface Prepared {
	readonly crypto: AeadName;
	readonly environment: Environment;
	readonly state: StateFolder;
	readonly backEnd: UdpBackEnd;
}

/**
 * Chooses the back ends for ciphers and sockets, opens the state folder and logs warnings about
 * them, about a missing key and about missing encryption. Rejects when no back end can be used.
 */
export async function prepare(
	options: CommonOptions,
	kind: StateKind,
	identity: string,
	surroundings: Surroundings,
	logger: Logger,
): Promise<Prepared> {
	const choice = await chooseAead(options.crypto, AEAD_LOADERS, options.encrypt);
	const rejected = choice.rejected.map(({name, reason}) => `${name}: ${reason}`).join('; ');
	logger.info('cipher back end', {crypto: choice.name, rejected: rejected || undefined});
	const backEnd = surroundings.backEnd ?? socketBackEnd(options, logger);
	if (options.keys.keyless) {
		logger.warn(
			'no key: every host that reaches this port can use the fixed target, ' +
				'an attacker in the middle can read and change everything',
		);
	}
	if (!options.encrypt) {
		logger.warn(
			'MPTUNNEL_ENCRYPT=0: an attacker in the middle can read everything, but change nothing',
		);
	}
	const state = openStateFolder({kind, folder: options.state, identity, env: surroundings.env});
	// Already escaped: a field would escape it again.
	for (const warning of state.warnings) logger.warn(warning);
	return {
		crypto: choice.name,
		state,
		backEnd,
		environment: {
			random: new SystemRandom(),
			wallTime: (now) => Date.now() - performance.now() + now,
			aead: choice.factory,
			dh: X25519,
			coding: lazyCoding(options.laneMemory),
		},
	};
}

/** Returns what makes the parts of coded lanes when the first one is used. */
function lazyCoding(memoryLimit: number): () => Coding {
	let coding: Coding | undefined;
	return () => {
		coding ??= createCoding(crc32, memoryLimit);
		return coding;
	};
}

function socketBackEnd({io, busyPoll}: CommonOptions, logger: Logger): UdpBackEnd {
	const {backEnd, rejected} = chooseIo(io, {busyPoll});
	logger.info('socket back end', {io: backEnd.name, rejected});
	return backEnd;
}

/** The parts of a running program that can be observed. */
export interface Observed {
	readonly state: StateFolder;
	readonly status: () => StatusSnapshot;
	readonly logger: Logger;
	/** Returns at most so many flows and streams: those that carried most, first. */
	readonly endpoint: {flowList(limit: number, now: Millis): readonly FlowStatus[]};
	/** Present for the live page. */
	readonly happenings: Happenings | undefined;
	readonly logTail: LogTail | undefined;
	readonly steering?: Steering;
}

/** The status socket, the live page, the metrics and the statistics line of a running program. */
export interface Observation {
	/** Logs statistics at another interval. `undefined`: none. */
	setStats(interval: Millis | undefined): void;
	close(): Promise<void>;
}

/** Begins to answer `mptunnel status` and to log statistics; what fails is a warning. */
export async function observe(options: CommonOptions, observed: Observed): Promise<Observation> {
	const {status, logger} = observed;
	const server = await openStatus(observed);
	const page = await servePage(options, observed);
	const metrics = await openMetrics(options, observed);
	const control = await openControl(observed);
	let timer: NodeJS.Timeout | undefined;
	const setStats = (interval: Millis | undefined) => {
		clearInterval(timer);
		if (interval === undefined) return;
		timer = setInterval(() => {
			logger.info('statistics', statusFields(status(), options.logFormat));
		}, interval);
	};
	setStats(options.stats);
	return {
		setStats,
		close: async () => {
			clearInterval(timer);
			await control?.close();
			await page?.close();
			await metrics?.close();
			await server?.close();
		},
	};
}

async function openControl(observed: Observed): Promise<ControlServer | undefined> {
	const {state, steering, logger} = observed;
	if (state.socketPath === undefined || steering === undefined) return undefined;
	const socket = controlPathOf(state.socketPath);
	try {
		return await ControlServer.open(socket, steering);
	} catch (error) {
		const reason = error instanceof Error ? error.message : String(error);
		logger.warn('mptunnel reload will not reach this program', {socket, reason});
		return undefined;
	}
}

async function openStatus(observed: Observed): Promise<StatusServer | undefined> {
	const {state, status, logger} = observed;
	if (state.socketPath === undefined) return undefined;
	try {
		return await StatusServer.open(state.socketPath, status);
	} catch (error) {
		const reason = error instanceof Error ? error.message : String(error);
		const socket = state.socketPath;
		logger.warn('mptunnel status will not find this program', {socket, reason});
		return undefined;
	}
}

/** Only a program that has metrics loads them. */
async function openMetrics(
	{metrics: listen}: CommonOptions,
	{status, logger}: Observed,
): Promise<Metrics | undefined> {
	if (listen === undefined) return undefined;
	try {
		const {serveMetrics} = await import('./metrics/metrics.ts');
		return await serveMetrics(listen, status, logger);
	} catch (error) {
		const reason = error instanceof Error ? error.message : String(error);
		logger.warn('there are no metrics', {reason});
		return undefined;
	}
}

/** Only a program that has a page loads it. */
async function servePage(options: CommonOptions, observed: Observed): Promise<Page | undefined> {
	const {happenings, logTail, steering, state, status, logger, endpoint} = observed;
	const {page: listen, pageName: names = []} = options;
	if (listen === undefined || happenings === undefined) return undefined;
	try {
		const {openPage} = await import('./page/page.ts');
		const {folder} = state;
		const flows = () => flowLines(endpoint.flowList(SHOWN_FLOWS, performance.now()));
		const sources = {snapshot: status, flows, happenings, log: logTail, steering, logger, folder};
		return await openPage({listen, names}, sources);
	} catch (error) {
		const reason = error instanceof Error ? error.message : String(error);
		logger.warn('there is no live page', {reason});
		return undefined;
	}
}
