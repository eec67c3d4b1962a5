import {writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {freePort, Program, pause} from '../processes.ts';
import {isInstalled} from '../systems/installed.ts';
import {MissingError, NEAR_HOST} from '../systems/system.ts';
import {temporaryFolder} from '../systems/temporary-folder.ts';
import {Tunnel, type TunnelOptions} from '../systems/tunnel.ts';

/** A way for TCP connections to an origin on loopback. */
export interface Route {
	/** Where its SOCKS5 listens; undefined = there is none. */
	readonly proxy: number | undefined;
	stop(): Promise<void>;
}

/** What a way is called, and how it is opened. */
export interface RouteKind {
	readonly name: string;
	readonly open: () => Promise<Route>;
}

/** They say nothing that could be waited for. */
const START_MILLIS = 700;

/** No proxy at all. */
export const NO_PROXY: RouteKind = {
	name: 'direct',
	open: async () => ({proxy: undefined, stop: async () => {}}),
};

/** Dante's SOCKS5 server: a relay, which does not seal. */
export const DANTED: RouteKind = {name: 'danted', open: openDanted};

async function openDanted(): Promise<Route> {
	if (!isInstalled('danted')) throw new MissingError('danted is not installed');
	const folder = temporaryFolder();
	const proxy = await freePort();
	const file = join(folder, 'danted.conf');
	const rule = 'pass { from: 127.0.0.0/8 to: 127.0.0.0/8 }';
	writeFileSync(
		file,
		`${[
			'logoutput: /dev/null',
			`internal: ${NEAR_HOST} port = ${proxy}`,
			`external: ${NEAR_HOST}`,
			'clientmethod: none',
			'socksmethod: none',
			`client ${rule}`,
			`socks ${rule}`,
		].join('\n')}\n`,
	);
	const words = ['danted', '-f', file, '-p', join(folder, 'danted.pid')];
	const program = new Program('danted', words, {});
	await pause(START_MILLIS);
	if (!program.runs) throw new Error(`danted has ended: ${program.stderr}`);
	// Not SIGKILL: it has children.
	return {proxy, stop: () => program.kill('SIGTERM')};
}

/** shadowsocks-libev: ss-local near, ss-server far, sealed. */
export const SS_LOCAL: RouteKind = {name: 'ss-local', open: openShadowsocks};

async function openShadowsocks(): Promise<Route> {
	for (const program of ['ss-local', 'ss-server']) {
		if (!isInstalled(program)) throw new MissingError(`${program} is not installed`);
	}
	const proxy = await freePort();
	const cipher = ['-m', 'chacha20-ietf-poly1305', '-k', 'for measurements only'];
	const between = ['-s', NEAR_HOST, '-p', String(await freePort()), ...cipher];
	const server = new Program('ss-server', ['ss-server', ...between], {});
	const local = ['-b', NEAR_HOST, '-l', String(proxy)];
	const client = new Program('ss-local', ['ss-local', ...between, ...local], {});
	await pause(START_MILLIS);
	return {
		proxy,
		stop: async () => {
			await Promise.all([server.kill(), client.kill()]);
		},
	};
}

/** The tunnel with SOCKS5 at its near end. */
export function tunnelRoute(name: string, options: Omit<TunnelOptions, 'name'>): RouteKind {
	const open = async () => {
		const proxy = await freePort();
		const clientFlags = ['--no-listen', '--socks', `${NEAR_HOST}:${proxy}`];
		const serverFlags = ['--exit', '--allow', NEAR_HOST];
		const tunnel = await Tunnel.start({name, clientFlags, serverFlags, ...options}, 0);
		return {proxy, stop: () => tunnel.stop()};
	};
	return {name, open};
}
