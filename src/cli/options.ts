import {Command, CommanderError} from 'commander';
import {programVersion} from '../app/version.ts';
import {
	CLIENT_TABLE,
	type ClientFlags,
	type ClientOptions,
	resolveClientOptions,
} from '../config/client.ts';
import {ConfigError} from '../config/errors.ts';
import type {Flag, Flags, Option, Variable} from '../config/option.ts';
import {
	resolveServerOptions,
	SERVER_TABLE,
	type ServerFlags,
	type ServerOptions,
} from '../config/server.ts';
import type {EnvironmentVariables} from '../config/settings.ts';
import {isLink} from '../config/share-link.ts';
import {escapeControls, maskKeys} from '../text/escape-text.ts';
import {addFlags, flagsOf, joinBare, usage} from './flags.ts';

/** The parts of the process that parsing uses. */
export interface ParseIo {
	/** Prints --help and --version. */
	readonly write: (text: string) => void;
	/** Absolute; relative paths start here. */
	readonly cwd: string;
}

/** Requested action: run, `--check` (validate and exit) or `--test` (client only). */
type Action = 'run' | 'check' | 'test';

/** Parsed arguments. */
export interface ParsedArguments<T> {
	readonly options: T;
	readonly action: Action;
	/** True when `--check` prints JSON. */
	readonly json: boolean;
	/** Sentences for the user, escaped. */
	readonly warnings: readonly string[];
}

interface Actions {
	readonly check?: boolean;
	readonly json?: boolean;
	readonly test?: boolean;
}

/**
 * Parses mpclient's arguments (without node and script) and resolves its options. Throws a
 * ConfigError for anything wrong (exit code 2), and a CommanderError with exit code 0 after --help
 * or --version has been written.
 */
export function parseClientArguments(
	argv: readonly string[],
	env: EnvironmentVariables,
	io: ParseIo,
): ParsedArguments<ClientOptions> {
	const program = clientProgram(io);
	parse(program, joinBare(argv, CLIENT_FLAGS));
	const {check, json = false, test, ...flags} = program.opts<ClientFlags & Actions>();
	if (json && check !== true) throw usageError(JSON_ALONE);
	const [word] = program.args;
	const link = word !== undefined && isLink(word) ? word : undefined;
	const config = oneConfig(flags.config, link === undefined ? word : undefined);
	if (check === true && test === true) throw usageError('--check and --test exclude each other');
	const {options, warnings} = resolveClientOptions({...flags, config, link}, {env, cwd: io.cwd});
	const action = check === true ? 'check' : test === true ? 'test' : 'run';
	const shown = link === undefined ? [] : [LINK_SHOWN];
	return {options, action, json, warnings: [...shown, ...warnings]};
}

/**
 * Parses mpserver's arguments (without node and script) and resolves its options. Throws as
 * {@link parseClientArguments} does.
 */
export function parseServerArguments(
	argv: readonly string[],
	env: EnvironmentVariables,
	io: ParseIo,
): ParsedArguments<ServerOptions> {
	const program = serverProgram(io);
	parse(program, joinBare(argv, SERVER_FLAGS));
	const {check, json = false, ...flags} = program.opts<ServerFlags & Actions>();
	if (json && check !== true) throw usageError(JSON_ALONE);
	const [port, host, targetPort] = program.args;
	const words = {port, host, targetPort};
	const {options, warnings} = resolveServerOptions({...flags, ...words}, {env, cwd: io.cwd});
	return {options, action: check === true ? 'check' : 'run', json, warnings};
}

const LINK_SHOWN =
	'other users of this machine may have seen the link in the list of processes: see --link-file';

const JSON_ALONE = '--json goes with --check only';

const VARIABLES = Object.values<Option<unknown>>(CLIENT_TABLE).flatMap(
	({variable}) => variable ?? [],
);

const ENVIRONMENT_HELP = `
Environment:
${VARIABLES.map(variableLine).join('\n')}

--key-file wins over MPTUNNEL_KEY, which wins over the file.
Exit codes: 0 ok, 1 the machine refused something, 2 wrong flags, files or keys.
`;

function variableLine({name, value, help, otherwise}: Variable<unknown>): string {
	const usual = otherwise === undefined ? '' : ` (default: ${otherwise.replaceAll('`', '')})`;
	return `  ${(value === undefined ? name : `${name}=${value}`).padEnd(22)} ${help}${usual}`;
}

const CLIENT_HELP = `
FILE has a path per line, "HOST PORT", HOST being a bridge or the server itself:

  # comment
  bridge1.example.net 4000
  198.51.100.7 4000       name=lte bind=192.168.8.2 rate=5mbit/20mbit metered
  2001:db8::7  4000       name=dsl port=40001 backup

or is YAML when its name ends in .yaml, .yml or .json; then it can hold every option below. A link
(mptunnel://...) of mptunnel share can stand in its place.
${ENVIRONMENT_HELP}
Example (the application then sends to 127.0.0.1 port 3000):
  mptunnel keygen tunnel.key
  mpclient mpclient.conf --key-file tunnel.key
`;

const SERVER_HELP = `
PORT is the UDP port to listen on; HOST PORT is the fixed target that datagrams go to. Without it,
or with --exit, clients choose targets themselves (SOCKS5): any on the internet, but no private,
local or reserved address and none of this machine, unless --allow opens it. RULE is an address, a
prefix or a host name, or * for all, with or without ports: 10.0.0.0/8, [fd00::/8]:443, *:1-1023.
With -c, a YAML file can hold every option; flags and words win over the file.
${ENVIRONMENT_HELP}
Example (an OpenVPN server on the same machine):
  mpserver 2000 127.0.0.1 1194 --key-file tunnel.key
Example (an exit for SOCKS5 clients):
  mpserver 2000 --key-file tunnel.key
`;

const ACTIONS: Flags = {
	check: {help: 'validate flags, files and keys, print what they mean (no secrets), and exit'},
	json: {help: 'with `--check`: print one line of JSON'},
};

/** mpclient's flags, in the order of its help. */
export const CLIENT_FLAGS: Flags = {
	config: {short: 'c', value: 'FILE', help: 'the same as `FILE`'},
	linkFile: {
		value: 'FILE',
		help: 'a file with a link of `mptunnel share` in place of `FILE`; `-` is standard input',
	},
	...flagsOf(CLIENT_TABLE),
	...ACTIONS,
	test: {help: 'try every path alone, print a line for each, and exit'},
};

/** mpserver's flags, in the order of its help. */
export const SERVER_FLAGS: Flags = {
	config: {short: 'c', value: 'FILE', help: 'a YAML file with options'},
	...flagsOf(SERVER_TABLE),
	...ACTIONS,
};

/** The flags that every program has. */
export const HELP_FLAGS: Readonly<Record<'help' | 'version', Flag>> = {
	help: {short: 'h', help: 'print help and exit'},
	version: {short: 'V', help: 'print the version and exit'},
};

/** The words of mpclient's command line. */
export function clientProgram(io: ParseIo): Command {
	const program = baseProgram('mpclient', io)
		.description('Beside the application: sends its datagrams over all paths to mpserver.')
		.usage('[options] FILE')
		.argument('[FILE]', 'the configuration file, or a link');
	addFlags(program, CLIENT_FLAGS);
	return program.addHelpText('after', CLIENT_HELP);
}

/** The words of mpserver's command line. */
export function serverProgram(io: ParseIo): Command {
	const program = baseProgram('mpserver', io)
		.description('Beside the target: delivers the first copy of each datagram of its clients.')
		.usage('[options] PORT [HOST PORT]')
		.argument('[PORT]', 'the UDP port to listen on')
		.argument('[HOST]', 'host of the fixed target')
		.argument('[TARGETPORT]', 'port of the fixed target');
	addFlags(program, SERVER_FLAGS);
	return program.addHelpText('after', SERVER_HELP);
}

function baseProgram(name: string, io: ParseIo): Command {
	return new Command(name)
		.exitOverride()
		.configureOutput({
			writeOut: io.write,
			// Errors are thrown, and printed once and on one line where they are caught.
			writeErr: () => {},
		})
		.helpOption(usage('help', HELP_FLAGS.help), HELP_FLAGS.help.help)
		.version(programVersion(), usage('version', HELP_FLAGS.version), HELP_FLAGS.version.help);
}

/** A usage error of commander on one line, with the option that was meant. */
function usageReason({code, message}: CommanderError, program: Command): string {
	const text = message.replace(/^error: /, '').replaceAll('\n', ' ');
	const typed = /'(--[\w-]+)/.exec(text)?.[1];
	const isUnknown = code === 'commander.unknownOption' && !text.includes('Did you mean');
	// Commander finds slips of the fingers, not the first half of a name.
	const meant = program.options.find(({long}) => isUnknown && long?.startsWith(`${typed}-`));
	const hint = meant === undefined ? '' : ` (Did you mean ${meant.long}?)`;
	return `${escapeControls(maskKeys(text)).slice(0, 255)}${hint}`;
}

/** Parses, and turns commander's own usage errors into ConfigErrors of one line. */
function parse(program: Command, argv: readonly string[]): void {
	try {
		program.parse(argv, {from: 'user'});
	} catch (error) {
		if (!(error instanceof CommanderError) || error.exitCode === 0) throw error;
		throw usageError(usageReason(error, program));
	}
}

function oneConfig(flag: string | undefined, word: string | undefined): string | undefined {
	if (flag !== undefined && word !== undefined && flag !== word) {
		throw usageError('two configuration files: FILE and --config are the same option');
	}
	return flag ?? word;
}

function usageError(reason: string): ConfigError {
	return new ConfigError([{where: '', field: '', reason}]);
}
