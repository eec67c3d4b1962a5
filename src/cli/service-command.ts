import {spawnSync} from 'node:child_process';
import {existsSync, mkdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {homedir} from 'node:os';
import {basename, dirname, join, resolve} from 'node:path';
import process from 'node:process';
import {fileURLToPath} from 'node:url';
import {Argument, Command} from 'commander';
import {UNIT_MARK, type Unit, unitText} from '../app/service/unit.ts';
import {type ClientOptions, resolveClientOptions} from '../config/client.ts';
import {ConfigError} from '../config/errors.ts';
import {namedFiles} from '../config/named-files.ts';
import type {Flags} from '../config/option.ts';
import {resolveServerOptions, type ServerOptions} from '../config/server.ts';
import type {EnvironmentVariables} from '../config/settings.ts';
import {isYamlName} from '../config/yaml-file.ts';
import {quoteText} from '../text/escape-text.ts';
import {addFlags} from './flags.ts';

/** The parts of the process that the command uses. */
export interface ServiceCommandInit {
	readonly env: EnvironmentVariables & NodeJS.ProcessEnv;
	readonly cwd: string;
	readonly writeOut: (text: string) => void;
	/** Takes the exit code when it is not 0. */
	readonly exitWith: (code: number) => void;
}

/** The flags of `mptunnel service`. */
export const SERVICE_FLAGS: Flags = {
	user: {help: 'a service of your own, which runs while you are logged in, not of the machine'},
	keyFile: {value: 'FILE', help: 'the file with the key, where the configuration names none'},
	dryRun: {help: 'print the unit and the commands, and change nothing'},
};

const HELP = `
FILE is the configuration of mpclient, or the YAML of mpserver. A service of the machine runs as a
user of its own: systemd hands it copies of FILE, and of the files that FILE names by a name alone,
as they are at its start. Its state is in /var/lib/NAME.
`;

const ACTIONS = ['install', 'remove', 'status'] as const;
const ENDS = ['client', 'server'] as const;

type Action = (typeof ACTIONS)[number];
type End = (typeof ENDS)[number];

interface ServiceFlags {
	readonly user?: boolean;
	readonly keyFile?: string;
	readonly dryRun?: boolean;
}

/** `mptunnel service`: an end as a service of systemd. Its action throws an Error for the user. */
export function serviceCommand(init: ServiceCommandInit): Command {
	const command = new Command('service')
		.description('run mpclient or mpserver as a service of systemd')
		.addArgument(new Argument('<ACTION>', 'what to do').choices(ACTIONS))
		.addArgument(new Argument('<END>', 'which end').choices(ENDS))
		.argument('<FILE>', 'its configuration file')
		.addHelpText('after', HELP)
		.action((action: Action, end: End, file: string, flags: ServiceFlags) => {
			const path = resolve(init.cwd, file);
			const scope = flags.user === true ? 'user' : 'system';
			const name = unitName(end, path);
			const unit = join(unitFolder(scope, init.env), `${name}.service`);
			const text =
				action === 'install' ? unitText(unitOf({end, path, scope, name}, flags, init)) : undefined;
			const dry = flags.dryRun === true;
			if (dry && text !== undefined) init.writeOut(`# ${unit}\n${text}`);
			if (!dry && action !== 'status') change(unit, text);
			for (const words of systemctl(action, scope, name)) {
				if (dry) init.writeOut(`# ${words.join(' ')}\n`);
				else runCommand(words, action, init.exitWith);
			}
			if (!dry && action === 'remove') rmSync(unit, {force: true});
		});
	addFlags(command, SERVICE_FLAGS);
	return command;
}

/** `mpclient`, or with the name of another file behind it. */
function unitName(end: End, path: string): string {
	const title = basename(path)
		.replace(/\.[a-z0-9]+$/i, '')
		.replaceAll(/[^\w-]/g, '-');
	return title === `mp${end}` ? title : `mp${end}-${title}`;
}

function unitFolder(scope: Unit['scope'], env: NodeJS.ProcessEnv): string {
	if (scope === 'system') return '/etc/systemd/system';
	const config = env['XDG_CONFIG_HOME'];
	return join(config?.startsWith('/') ? config : join(homedir(), '.config'), 'systemd/user');
}

interface Place {
	readonly end: End;
	readonly path: string;
	readonly scope: Unit['scope'];
	readonly name: string;
}

/** Throws a ConfigError for a configuration that does not start. */
function unitOf(
	{end, path, scope, name}: Place,
	{keyFile}: ServiceFlags,
	{cwd}: ServiceCommandInit,
): Unit {
	// The variables of now are not those of the service.
	const context = {env: {}, cwd};
	const key = keyFile === undefined ? undefined : resolve(cwd, keyFile);
	const flags = {
		config: path,
		...(key === undefined ? {} : {keyFile: end === 'client' ? key : [key]}),
	};
	const ports =
		end === 'client'
			? clientNeeds(resolveClientOptions(flags, context).options)
			: serverNeeds(resolveServerOptions(flags, context).options);
	const program = `mp${end}` as const;
	const script = fileURLToPath(new URL(`${program}.js`, import.meta.url));
	const command = [process.execPath, script];
	const flag = end === 'client' ? [] : ['--config'];
	if (scope === 'user') {
		const options = [...flag, path, ...(key === undefined ? [] : ['--key-file', key])];
		return {program, scope, name, command, options, credentials: new Map(), capabilities: []};
	}
	const credentials = copies(path, key);
	const options = [
		...[...flag, `%d/${basename(path)}`],
		...(key === undefined ? [] : ['--key-file', '%d/key']),
		...['--state', `%S/${name}`],
	];
	return {program, scope, name, command, options, credentials, capabilities: ports};
}

/** The files that a service of the machine is given, by their names there. */
function copies(path: string, key: string | undefined): ReadonlyMap<string, string> {
	const credentials = new Map([[basename(path), path]]);
	for (const name of isYamlName(path) ? namedFiles(readFileSync(path, 'utf8')) : []) {
		if (name !== basename(name)) {
			throw mistake(
				`${quoteText(path)} names ${quoteText(name)}: a service needs a name alone, of a file beside it`,
			);
		}
		credentials.set(name, join(dirname(path), name));
	}
	if (key !== undefined) credentials.set('key', key);
	return credentials;
}

function clientNeeds({paths, listen, socks, forwards}: ClientOptions): readonly string[] {
	const places = [listen, socks ? socks.listen : undefined, ...forwards.map((one) => one.listen)];
	return [
		...(paths.some(({mark}) => mark !== undefined) ? ['CAP_NET_ADMIN'] : []),
		...lowPorts(places.map((place) => place?.port ?? 65_535)),
	];
}

function serverNeeds({port}: ServerOptions): readonly string[] {
	return lowPorts([port]);
}

function lowPorts(ports: readonly number[]): readonly string[] {
	return ports.some((port) => port < 1024) ? ['CAP_NET_BIND_SERVICE'] : [];
}

function systemctl(
	action: Action,
	scope: Unit['scope'],
	name: string,
): readonly (readonly string[])[] {
	const words = ['systemctl', ...(scope === 'user' ? ['--user'] : [])];
	const unit = `${name}.service`;
	switch (action) {
		case 'install':
			return [
				[...words, 'daemon-reload'],
				[...words, 'enable', '--now', unit],
			];
		case 'remove':
			return [[...words, 'disable', '--now', unit]];
		case 'status':
			return [[...words, 'status', '--no-pager', unit]];
	}
}

/** Writes the unit, or looks that it is one of ours before it is removed. */
function change(unit: string, text: string | undefined): void {
	if (existsSync(unit) && !readFileSync(unit, 'utf8').startsWith(UNIT_MARK)) {
		throw mistake(`${quoteText(unit)} was not made by mptunnel service install: it is left alone`);
	}
	if (text === undefined) return;
	mkdirSync(dirname(unit), {recursive: true});
	writeFileSync(unit, text);
}

function runCommand(
	[command = '', ...words]: readonly string[],
	action: Action,
	exitWith: (code: number) => void,
): void {
	const {status, error} = spawnSync(command, words, {stdio: 'inherit'});
	if (error !== undefined) throw new Error(`${command} cannot be run: ${error.message}`);
	if (status === 0) return;
	if (action !== 'status') throw new Error(`${[command, ...words].join(' ')} failed`);
	exitWith(status ?? 1);
}

function mistake(reason: string): ConfigError {
	return new ConfigError([{where: '', field: '', reason}]);
}
