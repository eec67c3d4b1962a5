/** A service of one of the programs. */
export interface Unit {
	readonly program: 'mpclient' | 'mpserver';
	/** Of the machine, or of one user. */
	readonly scope: 'system' | 'user';
	/** Name of the unit without its ending. */
	readonly name: string;
	/** Words that start the program, before its options. */
	readonly command: readonly string[];
	/** Options; `%d` and `%S` are folders of the manager, see systemd.unit(5). */
	readonly options: readonly string[];
	/** Files that the service gets copies of, by their names in the folder `%d`. */
	readonly credentials: ReadonlyMap<string, string>;
	/** Capabilities such as CAP_NET_ADMIN. */
	readonly capabilities: readonly string[];
}

/** First line of every unit that is made here. */
export const UNIT_MARK = '# Made by mptunnel service install';

const SYSTEM_CALLS = ['@system-service', '~@privileged'];

/**
 * Directives that a manager of one user can apply too. MemoryDenyWriteExecute is not one of them:
 * JavaScript is compiled in memory.
 */
const SANDBOX: readonly (readonly [string, string])[] = [
	['NoNewPrivileges', 'yes'],
	['RestrictAddressFamilies', 'AF_INET AF_INET6 AF_UNIX AF_NETLINK'],
	['RestrictNamespaces', 'yes'],
	['RestrictRealtime', 'yes'],
	['RestrictSUIDSGID', 'yes'],
	['LockPersonality', 'yes'],
	['SystemCallArchitectures', 'native'],
	...SYSTEM_CALLS.map((calls) => ['SystemCallFilter', calls] as const),
	['SystemCallErrorNumber', 'EPERM'],
	['UMask', '0077'],
];

const SYSTEM_SANDBOX: readonly (readonly [string, string])[] = [
	['ProtectSystem', 'strict'],
	['ProtectHome', 'yes'],
	['ProtectProc', 'invisible'],
	['ProtectClock', 'yes'],
	['ProtectHostname', 'yes'],
	['ProtectControlGroups', 'yes'],
	['ProtectKernelLogs', 'yes'],
	['ProtectKernelModules', 'yes'],
	['ProtectKernelTunables', 'yes'],
	['PrivateDevices', 'yes'],
	['PrivateTmp', 'yes'],
	['RemoveIPC', 'yes'],
];

/** The text of a unit file. */
export function unitText(unit: Unit): string {
	const isSystem = unit.scope === 'system';
	const network = [
		['After', 'network-online.target'],
		['Wants', 'network-online.target'],
	];
	const sections = [
		section('Unit', [
			['Description', `mptunnel ${unit.program === 'mpclient' ? 'client' : 'server'}`],
			...(isSystem ? network : []),
			['StartLimitIntervalSec', '0'],
		]),
		section('Service', [
			['Type', 'notify'],
			['NotifyAccess', 'all'],
			['WatchdogSec', '30'],
			['ExecStart', [...unit.command, ...unit.options.map(specifiers)].map(quote).join(' ')],
			...[...unit.credentials].map(([name, file]) => ['LoadCredential', `${name}:${file}`]),
			...(isSystem ? systemLines(unit) : []),
			...SANDBOX,
			['Restart', 'always'],
			['RestartSec', '1'],
		]),
		section('Install', [['WantedBy', isSystem ? 'multi-user.target' : 'default.target']]),
	];
	return `${UNIT_MARK}\n${sections.join('\n')}`;
}

function systemLines({name, capabilities}: Unit): readonly (readonly string[])[] {
	return [
		['DynamicUser', 'yes'],
		['StateDirectory', name],
		['CapabilityBoundingSet', capabilities.join(' ')],
		['AmbientCapabilities', capabilities.join(' ')],
		...SYSTEM_SANDBOX,
	];
}

function section(name: string, lines: readonly (readonly string[])[]): string {
	return `[${name}]\n${lines.map(([key, value]) => `${key}=${value}\n`).join('')}`;
}

/** Doubles each `%`, but not those of the two folders. */
function specifiers(word: string): string {
	return word.replaceAll(/%(?![dS]\/)/g, '%%');
}

/** One word of a command line, by the rules of systemd.service(5). */
function quote(word: string): string {
	const plain = word.replaceAll('$', '$$$$');
	if (/^[\w@%+=:,./$-]+$/.test(plain)) return plain;
	return `"${plain.replaceAll(/["\\]/g, '\\$&').replaceAll('\n', '\\n')}"`;
}
