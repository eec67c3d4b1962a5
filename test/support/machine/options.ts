import {randomBytes} from 'node:crypto';
import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import type {ExecutionContext} from 'ava';
import {createLogger, type Logger} from '../../../src/app/observe/logger.ts';
import type {ClientOptions, PathOptions} from '../../../src/config/client.ts';
import type {KeyOptions} from '../../../src/config/keys.ts';
import type {ServerOptions} from '../../../src/config/server.ts';
import {NO_RULES} from '../../../src/policy/rules.ts';

/** A folder that is gone after the test. */
export function temporaryFolder(t: ExecutionContext): string {
	const folder = mkdtempSync(join(tmpdir(), 'mptunnel-'));
	t.teardown(() => rmSync(folder, {recursive: true, force: true}));
	return folder;
}

/** What a client and a server of a test have alike. */
const EITHER_END = {
	crypto: undefined,
	io: undefined,
	busyPoll: false,
	streamMemory: 268_435_456,
	laneMemory: 268_435_456,
	hold: 500,
	congestionControl: 'bbr',
	stats: undefined,
	page: undefined,
	pageOpen: false,
	pageName: undefined,
	metrics: undefined,
	logLevel: 'debug',
	logFormat: 'text',
} as const;

/** A key that both ends of a test share. */
export function testKey(): KeyOptions {
	return {keyless: false, users: [{name: 'user', psk: Uint8Array.from(randomBytes(32))}]};
}

/** A logger into an array, at level debug. */
export function arrayLogger(lines: string[]): Logger {
	const sink = (line: string) => {
		lines.push(line.trimEnd());
	};
	return createLogger({level: 'debug', format: 'text', now: Date.now, sink});
}

/** A path with nothing special. */
export function testPath(port: number, path: Partial<PathOptions> = {}): PathOptions {
	return {
		name: String(port),
		host: '127.0.0.1',
		port,
		bind: undefined,
		device: undefined,
		mark: undefined,
		localPort: undefined,
		rate: undefined,
		keepAlive: undefined,
		metered: false,
		backup: false,
		...path,
	};
}

/** A client with its classic port on any port of loopback. */
export function testClientOptions(
	t: ExecutionContext,
	options: Partial<ClientOptions> & Pick<ClientOptions, 'paths'>,
): ClientOptions {
	const folder = temporaryFolder(t);
	return {
		configFile: join(folder, 'mpclient.conf'),
		listen: {host: '127.0.0.1', port: 0},
		socks: undefined,
		forwards: [],
		policies: NO_RULES,
		copies: undefined,
		optimisticConnect: false,
		keys: {keyless: true},
		encrypt: true,
		state: join(folder, 'state'),
		...EITHER_END,
		...options,
	};
}

/** A server on loopback. */
export function testServerOptions(
	t: ExecutionContext,
	options: Partial<ServerOptions> & Pick<ServerOptions, 'target'>,
): ServerOptions {
	const folder = temporaryFolder(t);
	return {
		exit: undefined,
		configFile: undefined,
		port: 0,
		bind: ['127.0.0.1'],
		keys: {keyless: true},
		users: new Map(),
		maxTraffic: undefined,
		encrypt: true,
		state: join(folder, 'state'),
		...EITHER_END,
		...options,
	};
}

/** The port of `host:port`. */
export function portOf(address: string | undefined): number {
	return Number(address?.slice(address.lastIndexOf(':') + 1));
}
