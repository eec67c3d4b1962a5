import {existsSync, readFileSync} from 'node:fs';
import {dirname, join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {Command, CommanderError} from 'commander';
import {type ClientFlags, type ClientOptions, resolveClientOptions} from '../config/client.ts';
import {ConfigError} from '../config/errors.ts';
import {resolveServerOptions, type ServerFlags, type ServerOptions} from '../config/server.ts';
import type {Environment} from '../config/settings.ts';
import {escapeControls, maskKeys} from '../text/escape-text.ts';

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

interface ClientParsed extends ClientFlags {
	readonly check?: boolean;
	readonly json?: boolean;
	readonly test?: boolean;
}

interface ServerParsed extends ServerFlags {
	readonly check?: boolean;
	readonly json?: boolean;
}

/**
 * Parses mpclient's arguments (without node and script) and resolves its options. Throws a
 * ConfigError for anything wrong (exit code 2), and a CommanderError with exit code 0 after --help
 * or --version has been written.
 */
export function parseClientArguments(
	argv: readonly string[],
	env: Environment,
	io: ParseIo,
): ParsedArguments<ClientOptions> {
	const program = clientProgram(io);
	parse(program, argv);
	const {check, json = false, test, ...flags} = program.opts<ClientParsed>();
	if (json && check !== true) throw usageError(JSON_ALONE);
	const config = oneConfig(flags.config, program.args[0]);
	if (check === true && test === true) throw usageError('--check and --test exclude each other');
	const {options, warnings} = resolveClientOptions({...flags, config}, {env, cwd: io.cwd});
	const action = check === true ? 'check' : test === true ? 'test' : 'run';
	return {options, action, json, warnings};
}

/**
 * Parses mpserver's arguments (without node and script) and resolves its options. Throws as
 * {@link parseClientArguments} does.
 */
export function parseServerArguments(
	argv: readonly string[],
	env: Environment,
	io: ParseIo,
): ParsedArguments<ServerOptions> {
	const program = serverProgram(io);
	parse(program, argv);
	const {check, json = false, ...flags} = program.opts<ServerParsed>();
	if (json && check !== true) throw usageError(JSON_ALONE);
	const [port, host, targetPort] = program.args;
	const words = {port, host, targetPort};
	const {options, warnings} = resolveServerOptions({...flags, ...words}, {env, cwd: io.cwd});
	return {options, action: check === true ? 'check' : 'run', json, warnings};
}

/** The version in package.json. */
export function programVersion(): string {
	// One level deeper in build/ than in the sources: look upwards for it.
	let folder = dirname(fileURLToPath(import.meta.url));
	while (!existsSync(join(folder, 'package.json')) && dirname(folder) !== folder) {
		folder = dirname(folder);
	}
	const text = readFileSync(join(folder, 'package.json'), 'utf8');
	return /^\s*"version": "([^"]+)"/m.exec(text)?.[1] ?? 'unknown';
}

const JSON_ALONE = '--json goes with --check only';

const ENVIRONMENT_HELP = `
Environment:
  MPTUNNEL_KEY           the key itself; --key-file wins over it, it wins over the file
  MPTUNNEL_ENCRYPT=0     authenticate but do not encrypt, for speed; must be the same on both ends
  XDG_STATE_HOME         where the default state folder lies (else ~/.local/state)

Exit codes: 0 ok, 1 the machine refused something, 2 wrong flags, files or keys.
`;

const CLIENT_HELP = `
FILE has a path per line, "HOST PORT", HOST being a bridge or the server itself:

  # comment
  bridge1.example.net 4000
  198.51.100.7 4000       name=lte bind=192.168.8.2 rate=5mbit/20mbit metered
  2001:db8::7  4000       name=dsl port=40001 backup

or is YAML when its name ends in .yaml, .yml or .json; then it can hold every option below.
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

function clientProgram(io: ParseIo): Command {
	const program = baseProgram('mpclient', io)
		.description('Beside the application: sends its datagrams over all paths to mpserver.')
		.usage('[options] FILE')
		.argument('[FILE]', 'the configuration file')
		.option('-c, --config <FILE>', 'the same as FILE')
		.option('--listen <[ADDR:]PORT>', 'where applications send to (default: localhost:3000)')
		.option('--no-listen', 'do not open that port')
		.option(
			'--forward <PROTOCOL:LOCAL=TARGET>',
			'a further udp or tcp port, [ADDR:]PORT, that leads to TARGET, HOST:PORT; repeatable',
			collect,
		)
		.option('--forward-open', 'let forwards listen beyond this machine')
		.option('--copies <N>', 'send each datagram on N paths, 1 to 16 (default: on all)')
		.option('--key-file <FILE>', 'the file with the key', collect);
	socksOptions(program);
	sharedOptions(program);
	return program
		.option('--test', 'try every path alone, print one line for each, and exit')
		.addHelpText('after', CLIENT_HELP);
}

function socksOptions(program: Command): void {
	program
		.option(
			'--socks <[ADDR:]PORT>',
			'where SOCKS5 listens (default: localhost:1080 when there is a key)',
		)
		.option('--no-socks', 'no SOCKS5')
		.option('--optimistic-connect', 'tell TCP applications of success before the server has it')
		.option(
			'--socks-user <NAME:PASSWORD>',
			'ask for this login; repeatable; other users of the machine can see it, so better:',
			collect,
		)
		.option('--socks-users <FILE>', 'ask for a login of this file of NAME:PASSWORD lines')
		.option(
			'--socks-auth-reply <N>',
			'first byte of the answer to a login: 1, or 5 for OpenVPN 2.7',
		)
		.option(
			'--socks-filter <WHO>',
			'who may answer: none = everybody (default), address = hosts that were sent to',
		)
		.option('--socks-advertise <ADDR>', 'tell clients to send datagrams to this address')
		.option('--socks-udp-port <PORT>', 'one UDP port for all (default: one for each association)')
		.option('--socks-udp-any-port', 'let an application send from several ports')
		.option('--socks-open', 'let SOCKS5 listen beyond this machine without a login');
}

function serverProgram(io: ParseIo): Command {
	const program = baseProgram('mpserver', io)
		.description('Beside the target: delivers the first copy of each datagram of its clients.')
		.usage('[options] PORT [HOST PORT]')
		.argument('[PORT]', 'the UDP port to listen on')
		.argument('[HOST]', 'host of the fixed target')
		.argument('[TARGETPORT]', 'port of the fixed target')
		.option('-c, --config <FILE>', 'a YAML file with options')
		.option('--bind <ADDR>', 'listen on this address; repeatable (default: on all)', collect)
		.option('--key-file <FILE>', 'a key, or "name key" lines; repeatable', collect)
		.option('--users <FILE>', 'a YAML file of users: keys, targets, limits, rules')
		.option('--exit', 'let clients choose targets, beside the fixed one')
		.option(
			'--allow <RULE>',
			'targets denied by default that clients may reach; repeatable',
			collect,
		)
		.option('--deny <RULE>', 'targets that no client may reach; repeatable', collect)
		.option('--nat64-prefix <PREFIX>', 'prefix of a NAT64 in use; repeatable', collect);
	sharedOptions(program);
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
		.helpOption('-h, --help', 'print this and exit')
		.version(programVersion(), '-V, --version', 'print the version and exit');
}

function sharedOptions(program: Command): void {
	program
		.option('--state <FOLDER>', 'keep state in this folder (default: one per configuration)')
		.option('--crypto <NAME>', 'force a cipher back end: openssl, sodium, node or noble')
		.option('--io <NAME>', 'force a socket back end: batch (Linux) or dgram')
		.option('--busy-poll', 'never sleep: lower latency for a whole core (with batch)')
		.option('--stream-memory <SIZE>', 'memory for TCP connections (default: 256MiB)')
		.option('--hold <TIME>', 'how long datagrams wait for a session or path (default: 500ms)')
		.option('--congestion-control <NAME>', 'for TCP connections: bbr or newreno (default: bbr)')
		.option('--check', 'validate flags, files and keys, print what they mean, and exit')
		.option('--json', 'with --check: print one line of JSON')
		.option('--stats <TIME>', 'log a line of statistics every TIME, such as 10s')
		.option('--log-level <LEVEL>', 'error, warn, info or debug (default: info)')
		.option('--log-format <FORMAT>', 'text or json (default: text)');
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

function collect(value: string, earlier: readonly string[] = []): readonly string[] {
	return [...earlier, value];
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
