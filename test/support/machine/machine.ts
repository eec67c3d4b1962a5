import {accessSync, constants} from 'node:fs';
import {networkInterfaces} from 'node:os';
import process from 'node:process';
import {batchIsMissing} from './back-ends.ts';
import {attempt} from './commands.ts';
import {hasFormer} from './former-build.ts';

/** Every program that a test may need beside Node.js. */
export const PROGRAMS = [
	'chromium',
	'curl',
	'drill',
	'fish',
	'git',
	'ip',
	'man',
	'nc',
	'openssl',
	'openvpn',
	'ping',
	'prlimit',
	'prometheus',
	'promtool',
	'python3',
	'/usr/bin/python3',
	'nft',
	'setpriv',
	'socat',
	'ss',
	'socksify',
	'ssh',
	'ssh-keygen',
	'systemd-analyze',
	'/usr/sbin/sshd',
	'wg',
	'wireguard-go',
	'zsh',
] as const;

/** The requirements of a test on the machine. */
export interface Needs {
	readonly programs?: readonly (typeof PROGRAMS)[number][];
	/** The module `socks` of Debian's python3-socks. */
	readonly pysocks?: boolean;
	/** Root, and network namespaces. */
	readonly namespaces?: boolean;
	/** /dev/net/tun can be opened. */
	readonly tun?: boolean;
	/** The loopback interface has ::1. */
	readonly ipv6?: boolean;
	/** The batch back end: Linux, and the optional package koffi. */
	readonly batch?: boolean;
	/** The connection tables of /proc. */
	readonly procNet?: boolean;
	/** The former build can be made: its commit is in the history. */
	readonly history?: boolean;
}

/** All that tests may need, for the list before they run. */
export const ALL_NEEDS: Needs = {
	programs: PROGRAMS,
	pysocks: true,
	namespaces: true,
	tun: true,
	ipv6: true,
	batch: true,
	procNet: true,
	history: true,
};

const known = new Map<string, boolean>();

/** The answer of `look` under a name, which is asked for once. */
function once(name: string, look: () => boolean): boolean {
	let there = known.get(name);
	if (there === undefined) {
		there = look();
		known.set(name, there);
	}
	return there;
}

/** What the machine lacks of it, in words. */
export function lacking(needs: Needs): readonly string[] {
	const missing: string[] = (needs.programs ?? []).filter((name) => !isInstalled(name));
	const lack = (wanted: boolean | undefined, name: string, look: () => boolean) => {
		if (wanted && !once(name, look)) missing.push(name);
	};
	lack(needs.pysocks, 'python3-socks', hasPysocks);
	lack(needs.namespaces, 'root and ip netns', hasNamespaces);
	lack(needs.tun, '/dev/net/tun', () => isReadable('/dev/net/tun'));
	lack(needs.ipv6, 'IPv6 on loopback', hasIpv6);
	lack(needs.procNet, '/proc/net/tcp', () => process.platform === 'linux');
	lack(needs.history, 'the history of the repository', hasFormer);
	const batch = needs.batch ? batchIsMissing() : undefined;
	if (batch !== undefined) missing.push(batch);
	return missing;
}

/** Without the programs of packages, of which one is an `nft` that is another. */
export function systemEnvironment(): NodeJS.ProcessEnv {
	const {PATH = ''} = process.env;
	const folders = PATH.split(':').filter((folder) => !folder.includes('node_modules'));
	return {...process.env, PATH: folders.join(':')};
}

function isInstalled(program: string): boolean {
	const env = systemEnvironment();
	return once(
		program,
		() => attempt('sh', ['-c', 'command -v "$1"', 'sh', program], {env}).status === 0,
	);
}

function hasPysocks(): boolean {
	return attempt('/usr/bin/python3', ['-c', 'import socks']).status === 0;
}

function hasNamespaces(): boolean {
	const name = `mpt-${process.pid}-try`;
	const made = attempt('ip', ['netns', 'add', name]).status === 0;
	if (made) attempt('ip', ['netns', 'del', name]);
	return made;
}

function isReadable(path: string): boolean {
	try {
		accessSync(path, constants.R_OK | constants.W_OK);
		return true;
	} catch {
		return false;
	}
}

function hasIpv6(): boolean {
	const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
	return all.some(({address}) => address === '::1');
}
