import process from 'node:process';
import {Command} from 'commander';
import {CLIENT_TABLE, resolveClientOptions} from '../config/client.ts';
import {ConfigError, type Problem} from '../config/errors.ts';
import type {Flags} from '../config/option.ts';
import {resolveServerOptions, SERVER_TABLE, type ServerFlags} from '../config/server.ts';
import {linkOfServer} from '../config/server-link.ts';
import type {EnvironmentVariables} from '../config/settings.ts';
import {formatLink} from '../config/share-link.ts';
import {quoteText} from '../text/escape-text.ts';
import {addFlags} from './flags.ts';
import type {ScreenStream} from './screen.ts';

/** The parts of the process that the command uses. */
export interface ShareCommandInit {
	readonly env: EnvironmentVariables;
	readonly cwd: string;
	readonly writeOut: (text: string) => void;
	readonly writeError: (text: string) => void;
	/** Standard output. */
	readonly stream?: ScreenStream;
}

/** Options that the link can have from here; all others follow from the server. */
const {default: policy, copies, hold} = CLIENT_TABLE;

/** The flags of `mptunnel share`. */
export const SHARE_FLAGS: Flags = {
	at: {
		value: 'HOST[:PORT]',
		help: 'an address of the server or of a bridge, one for each path',
		otherwise: 'the public addresses of `--bind`',
		repeatable: true,
		more: 'Words of a path line may follow: `"bridge.example.net:4000 name=lte metered"`',
	},
	user: {value: 'NAME', help: 'the user whose key the link holds', otherwise: 'the only one'},
	policy: {value: 'NAME', help: policy.help},
	copies: {value: 'N', help: copies.help},
	hold: {value: 'TIME', help: hold.help},
	qr: {help: 'print a QR code of it, too', otherwise: 'on a terminal', off: 'no QR code'},
	keyFile: SERVER_TABLE.keyFile,
	users: SERVER_TABLE.users,
	bind: SERVER_TABLE.bind,
	exit: SERVER_TABLE.exit,
};

const HELP = `
The arguments are those of mpserver: its configuration file, or its port and fixed target. The link
is a secret: it opens the server to its holder. Nothing needs to run.

Examples:
  mptunnel share mpserver.yaml --at vpn.example.net
  mptunnel share 2000 127.0.0.1 1194 --key-file tunnel.key --at vpn.example.net --at bridge:4000
  mpclient --link-file link.txt
`;

interface ShareFlags extends ServerFlags {
	readonly at?: readonly string[];
	readonly user?: string;
	readonly policy?: string;
	readonly copies?: string;
	readonly hold?: string;
	readonly qr?: boolean;
}

/**
 * `mptunnel share`: a link for clients of a server, which is resolved as mpserver resolves it. Its
 * action throws a ConfigError for anything wrong.
 */
export function shareCommand(init: ShareCommandInit): Command {
	const command = new Command('share')
		.description('print a link that a client starts from')
		.usage('[options] FILE | PORT [HOST PORT]')
		.argument('[FILE]', 'the configuration file of mpserver, or its port')
		.argument('[HOST]', 'host of the fixed target')
		.argument('[TARGETPORT]', 'port of the fixed target')
		.addHelpText('after', HELP);
	addFlags(command, SHARE_FLAGS);
	return command.action(async () => {
		const [file, host, targetPort] = command.args;
		const words = /^[0-9]+$/.test(file ?? '') ? {port: file} : {config: file};
		const {
			at,
			user,
			policy: named,
			copies: count,
			hold: time,
			qr,
			...flags
		} = command.opts<ShareFlags>();
		const {options} = resolveServerOptions({...flags, ...words, host, targetPort}, init);
		const chosen = {policy: named, copies: count, hold: time};
		const shared = linkOfServer(options, {at, user, options: chosen});
		const link = formatLink(shared);
		check(link, init.cwd);
		init.writeOut(`${link}\n`);
		await show(link, qr, init);
		init.writeError(
			`mptunnel: the link holds the key of ${quoteText(shared.user)}: ` +
				'it opens the server to its holder\n',
		);
	});
}

/** Reads the link as a client will; a problem is one of the flag that it came from. */
function check(link: string, cwd: string): void {
	try {
		resolveClientOptions({link}, {env: {}, cwd});
	} catch (error) {
		throw error instanceof ConfigError ? new ConfigError(error.problems.map(ofFlag)) : error;
	}
}

function ofFlag({field, reason}: Problem): Problem {
	const [, number] = /^path ([0-9]+)$/.exec(field) ?? [];
	if (number !== undefined) return {where: '', field: `--at (${number})`, reason};
	return {where: '', field: field === '' ? '' : `--${field}`, reason};
}

async function show(
	link: string,
	asked: boolean | undefined,
	{stream = process.stdout, writeOut, writeError}: ShareCommandInit,
): Promise<void> {
	if (!(asked ?? stream.isTTY === true)) return;
	// Only who shows one waits for it.
	const {renderUnicodeCompact} = await import('uqr');
	const code = renderUnicodeCompact(link, {ecc: 'L', border: 2});
	const width = code.indexOf('\n');
	if (stream.isTTY === true && width > (stream.columns ?? 80)) {
		writeError(`mptunnel: the QR code needs a window of ${width} columns\n`);
	} else writeOut(`\n${code}\n`);
}
