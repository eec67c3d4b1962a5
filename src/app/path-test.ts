import {randomBytes} from 'node:crypto';
import type {ClientOptions} from '../config/client.ts';
import {escapeText} from '../config/escape-text.ts';
import {MptunnelClient} from '../core/client.ts';
import type {EndpointEvent, PathStatus} from '../core/events.ts';
import {ClientTunnel} from '../net/client-tunnel.ts';
import {formatAddress} from '../net/ip.ts';
import type {Reporter, ReportFields} from '../net/reporter.ts';
import type {Resolver} from '../net/resolver.ts';
import {checkInterfaces, clientConfig} from './client.ts';
import type {Logger} from './logger.ts';
import {type Prepared, prepare, type Surroundings, systemSurroundings} from './startup.ts';
import {clientIdentity} from './state-folder.ts';
import {formatMillis, formatShare} from './status.ts';

/** How the test of one path ended. */
type PathVerdict =
	| 'reachable'
	| 'refused'
	| 'silent'
	| 'unresolved'
	| 'other-version'
	| 'encryption-differs'
	| 'full';

/** What the test of one path found. */
export interface PathTestResult {
	readonly name: string;
	/** `host:port` as the user wrote it. */
	readonly target: string;
	readonly verdict: PathVerdict;
	/** What was measured, when it is reachable. */
	readonly path: PathStatus | undefined;
	/** More about the verdict; outside text. */
	readonly detail: string;
}

const HANDSHAKE_MILLIS = 5000;
/** A bridge in a restart loop refuses for a moment. */
const REFUSED_MILLIS = 2000;
const STEP_MILLIS = 100;
const PINGS = 20;

/**
 * Tries every path alone, all at once: a handshake, then 20 pings. A path that a running mpclient
 * uses through a bridge for one client only will look silent.
 */
export async function testPaths(
	options: ClientOptions,
	logger: Logger,
	surroundings: Partial<Surroundings> = {},
): Promise<readonly PathTestResult[]> {
	const all = {...systemSurroundings(), ...surroundings};
	const identity = clientIdentity(options.configFile);
	const prepared = await prepare(options, 'client', identity, all, logger);
	try {
		checkInterfaces(options, prepared.backEnd);
		return await Promise.all(
			options.paths.map((_, index) =>
				new PathTest(options, index, prepared, all.resolver, logger).run(),
			),
		);
	} finally {
		prepared.state.release();
	}
}

/** One line for people. */
export function formatPathTest(result: PathTestResult): string {
	const {name, target, path, detail} = result;
	const verdict = VERDICTS[result.verdict];
	const measured =
		path === undefined
			? escapeText(detail)
			: `RTT ${formatMillis(path.rtt)}, loss ${formatShare(path.sending.loss)} out, ` +
				`${formatShare(path.receiving.loss)} in`;
	const words = measured === '' ? verdict : `${verdict}: ${measured}`;
	return `${escapeText(name)} (${escapeText(target)}): ${words}`;
}

const VERDICTS: Readonly<Record<PathVerdict, string>> = {
	reachable: 'reachable',
	refused: 'refused: nothing listens there',
	silent: 'silent: no server, wrong key or blocked',
	unresolved: 'the name cannot be resolved',
	'other-version': 'the server speaks another version',
	'encryption-differs': 'MPTUNNEL_ENCRYPT differs between the two ends',
	full: 'the server has no room for another session',
};

class PathTest {
	readonly #options: ClientOptions;
	readonly #index: number;
	readonly #prepared: Prepared;
	readonly #resolver: Resolver;
	readonly #logger: Logger;
	#up = false;
	#warning: Extract<EndpointEvent, {type: 'warning'}> | undefined;
	#refusal: string | undefined;
	#unresolved: string | undefined;

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
			reporter: new TestReporter(this.#logger, (reason) => {
				this.#unresolved = reason;
			}),
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
		const verdict = this.#verdict();
		return {
			name,
			target: formatAddress(host, port),
			verdict,
			path: verdict === 'reachable' ? tunnel.status().sessions[0]?.paths[0] : undefined,
			detail: this.#detail(verdict),
		};
	}

	#verdict(): PathVerdict {
		if (this.#up) return 'reachable';
		const code = this.#warning?.code;
		if (code === 'other-version' || code === 'encryption-differs' || code === 'full') return code;
		if (this.#refusal !== undefined) return 'refused';
		return this.#unresolved === undefined ? 'silent' : 'unresolved';
	}

	#detail(verdict: PathVerdict): string {
		if (verdict === 'unresolved') return this.#unresolved ?? '';
		if (verdict === 'refused') return this.#refusal?.startsWith('no route') ? this.#refusal : '';
		return this.#warning?.text ?? '';
	}
}

/** Passes warnings on and keeps the one that decides the verdict. */
class TestReporter implements Reporter {
	readonly #logger: Logger;
	readonly #unresolved: (reason: string) => void;

	constructor(logger: Logger, unresolved: (reason: string) => void) {
		this.#logger = logger;
		this.#unresolved = unresolved;
	}

	debug(message: string, fields?: ReportFields): void {
		this.#logger.debug(message, fields);
	}

	info(message: string, fields?: ReportFields): void {
		this.#logger.debug(message, fields);
	}

	warn(message: string, fields: ReportFields = {}): void {
		const {reason} = fields;
		if (message.includes('cannot be resolved')) this.#unresolved(String(reason));
		else this.#logger.warn(message, fields);
	}

	limited(): Reporter {
		return this;
	}
}

function pause(millis: number): Promise<void> {
	return new Promise((resolve) => setTimeout(resolve, millis));
}
