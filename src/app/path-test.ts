import {randomBytes} from 'node:crypto';
import type {ClientOptions, PathOptions} from '../config/client.ts';
import {MptunnelClient} from '../core/client/client.ts';
import type {EndpointEvent, PathStatus} from '../core/events.ts';
import type {Resolver} from '../net/names/resolver.ts';
import type {Reporter, ReportFields} from '../net/reporter.ts';
import {ClientTunnel} from '../net/tunnel/client-tunnel.ts';
import {escapeText} from '../text/escape-text.ts';
import {formatMillis, formatShare} from '../text/figures.ts';
import {formatAddress} from '../text/ip.ts';
import {cutMiddle, wrapParts} from '../text/width.ts';
import {checkInterfaces, clientConfig} from './client.ts';
import type {Logger} from './observe/logger.ts';
import {findingWords, judgeSigns, type PathVerdict} from './observe/path-finding.ts';
import type {StatusSnapshot} from './observe/status.ts';
import {readStatus} from './observe/status-server.ts';
import {type Prepared, prepare, type Surroundings, systemSurroundings} from './startup.ts';
import {clientIdentity, findStateFolder, type StateEnvironment} from './state/state-folder.ts';

/** Result of the test of one path. */
export interface PathTestResult {
	readonly name: string;
	/** `host:port` as the user wrote it. */
	readonly target: string;
	readonly verdict: PathVerdict;
	/** Measured figures, when it is reachable. */
	readonly path: PathStatus | undefined;
	/** More about the verdict; outside text. */
	readonly detail: string;
	/** The mpclient that was asked instead of testing a path that it uses. */
	readonly askedPid?: number | undefined;
}

const HANDSHAKE_MILLIS = 5000;
/** A bridge in a restart loop refuses for a moment. */
const REFUSED_MILLIS = 2000;
const STEP_MILLIS = 100;
const PINGS = 20;

/** Columns for a name and a target: together they leave room for a parenthesis. */
const NAME_WIDTH = 24;
const TARGET_WIDTH = 53;

/**
 * Tries every path alone, all at once: a handshake, then 20 pings. A running mpclient with this
 * configuration is asked about the paths that it uses: a bridge for one client only would refuse
 * the test, and take harm from it.
 */
export async function testPaths(
	options: ClientOptions,
	logger: Logger,
	surroundings: Partial<Surroundings> = {},
): Promise<readonly PathTestResult[]> {
	const all = {...systemSurroundings(), ...surroundings};
	const identity = clientIdentity(options.configFile);
	const known = await askRunning(options, identity, all.env, logger);
	if (known.every((result) => result !== undefined)) return known;
	const prepared = await prepare(options, 'client', identity, all, logger);
	try {
		checkInterfaces(options, prepared.backEnd);
		return await Promise.all(
			known.map(
				(result, index) =>
					result ?? new PathTest(options, index, prepared, all.resolver, logger).run(),
			),
		);
	} finally {
		prepared.state.release();
	}
}

/**
 * Asks a running client with this configuration for the figures of its paths. `undefined`: it has
 * none such.
 */
async function askRunning(
	{state: folder, paths}: ClientOptions,
	identity: string,
	env: StateEnvironment,
	logger: Logger,
): Promise<readonly (PathTestResult | undefined)[]> {
	const {pid, socketPath} = findStateFolder({kind: 'client', folder, identity, env});
	const nothing = paths.map(() => undefined);
	if (pid === undefined || socketPath === undefined) return nothing;
	try {
		const snapshot = await readStatus(socketPath);
		logger.info('a running mpclient uses these paths: it is asked, they are not tested', {pid});
		return paths.map((path) => askedResult(path, snapshot));
	} catch (error) {
		const reason = error instanceof Error ? error.message : String(error);
		logger.warn('a running mpclient uses these paths and does not answer', {pid, reason});
		return nothing;
	}
}

function askedResult(
	{name, host, port}: PathOptions,
	{pid, places, sessions}: StatusSnapshot,
): PathTestResult | undefined {
	const target = formatAddress(host, port);
	const place = places.find((each) => each.name === name && each.target === target);
	if (place === undefined) return undefined;
	const asked = {name, target, askedPid: pid};
	const path = sessions[0]?.paths.find(({id}) => id === place.id);
	if (path?.state === 'up' || (path?.state === 'suspect' && path.rtt !== undefined)) {
		return {...asked, verdict: 'reachable', path, detail: ''};
	}
	const {verdict = 'untried', detail = ''} = place.finding ?? {};
	return {...asked, verdict, path: undefined, detail};
}

/** A line for people, or as many as 80 columns make of it; those after the first are indented. */
export function formatPathTest(result: PathTestResult): string {
	const {name, target, path, askedPid} = result;
	const shownName = cutMiddle(escapeText(name), NAME_WIDTH);
	const shownTarget = cutMiddle(escapeText(target), TARGET_WIDTH);
	const words = escapeText(findingWords(result));
	const parts = [`${shownName} (${shownTarget}):`, path === undefined ? words : `${words}:`];
	if (path !== undefined) {
		const losses = [path.sending.loss, path.receiving.loss].map(formatShare);
		parts.push(`RTT ${formatMillis(path.rtt)}, loss ${losses[0]} out, ${losses[1]} in`);
	}
	if (askedPid !== undefined) parts.push(`(from the running mpclient, process ${askedPid})`);
	return wrapParts(parts, {separator: ''}).join('\n');
}

class PathTest {
	readonly #options: ClientOptions;
	readonly #index: number;
	readonly #prepared: Prepared;
	readonly #resolver: Resolver;
	readonly #logger: Logger;
	#up = false;
	#warning: Extract<EndpointEvent, {type: 'warning'}> | undefined;
	#refusal: string | undefined;

	constructor(
		options: ClientOptions,
		index: number,
		prepared: Prepared,
		resolver: Resolver,
		logger: Logger,
	) {
		this.#options = options;
		this.#index = index;
		this.#prepared = prepared;
		this.#resolver = resolver;
		this.#logger = logger;
	}

	async run(): Promise<PathTestResult> {
		const tunnel = this.#tunnel();
		try {
			tunnel.start();
			const startedAt = performance.now();
			while (!this.#up && this.#keepsTrying(performance.now() - startedAt)) {
				await pause(STEP_MILLIS);
			}
			if (this.#up) await this.#ping(tunnel);
			return this.#result(tunnel);
		} finally {
			await tunnel.close();
		}
	}

	// The identity is a new one, so that the test disturbs no client that runs; the local port is the
	// usual one, because a bridge may answer no other afterwards.
	#tunnel(): ClientTunnel {
		const path = this.#options.paths[this.#index]!;
		const only = {...this.#options, paths: [path], listen: undefined};
		const {environment, state, backEnd} = this.#prepared;
		return new ClientTunnel({
			endpoint: new MptunnelClient(clientConfig(only, randomBytes(16)), environment),
			paths: [path],
			listen: undefined,
			backEnd,
			resolver: this.#resolver,
			ports: state.localPorts,
			reporter: new TestReporter(this.#logger),
			onEvent: (event) => {
				if (event.type === 'session-up') this.#up = true;
				if (event.type === 'warning') this.#warning = event;
			},
			onRefused: (_path, reason) => {
				this.#refusal = reason;
			},
		});
	}

	#keepsTrying(elapsed: number): boolean {
		if (this.#warning !== undefined) return false;
		if (this.#refusal !== undefined && elapsed > REFUSED_MILLIS) return false;
		return elapsed < HANDSHAKE_MILLIS;
	}

	async #ping(tunnel: ClientTunnel): Promise<void> {
		for (let i = 0; i < PINGS; i++) {
			tunnel.probe(0);
			await pause(STEP_MILLIS);
		}
		// The answers to the last ones, and one more probe that reports them.
		const rtt = tunnel.status().sessions[0]?.paths[0]?.rtt ?? STEP_MILLIS;
		await pause(Math.min(2 * rtt, 1000));
		tunnel.probe(0);
		await pause(Math.min(2 * rtt, 1000));
	}

	#result(tunnel: ClientTunnel): PathTestResult {
		const {name, host, port} = this.#options.paths[this.#index]!;
		const target = formatAddress(host, port);
		if (this.#up) {
			const path = tunnel.status().sessions[0]?.paths[0];
			return {name, target, verdict: 'reachable', path, detail: ''};
		}
		const signs = {
			trouble: tunnel.troubleOf(0),
			warning: this.#warning,
			refusal: this.#refusal,
		};
		return {name, target, path: undefined, ...judgeSigns(signs)};
	}
}

/** Passes warnings on; the outcome of the test itself is in its verdict. */
class TestReporter implements Reporter {
	readonly #logger: Logger;

	constructor(logger: Logger) {
		this.#logger = logger;
	}

	debug(message: string, fields?: ReportFields): void {
		this.#logger.debug(message, fields);
	}

	info(message: string, fields?: ReportFields): void {
		this.#logger.debug(message, fields);
	}

	warn(message: string, fields?: ReportFields): void {
		this.#logger.warn(message, fields);
	}

	limited(): Reporter {
		return this;
	}
}

function pause(millis: number): Promise<void> {
	return new Promise((resolve) => setTimeout(resolve, millis));
}
