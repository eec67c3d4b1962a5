import {resolve} from 'node:path';
import process from 'node:process';
import {setTimeout} from 'node:timers/promises';
import {Command, InvalidArgumentError} from 'commander';
import {isConnected, type StatusSnapshot} from '../app/observe/status.ts';
import {readStatus} from '../app/observe/status-server.ts';
import {formatStatus} from '../app/observe/status-text.ts';
import {
	type FoundStateFolder,
	inspectStateFolder,
	listStateFolders,
} from '../app/state/state-folder.ts';
import {ConfigError} from '../config/errors.ts';
import {readInterval} from '../config/quantities.ts';
import {quoteText} from '../text/escape-text.ts';
import {ValueError} from '../text/value-error.ts';
import {addFlags, type ParsedFlag} from './flags.ts';
import {Screen} from './screen.ts';
import {watchStatus} from './status-watch.ts';

/** The parts of the process that the command uses. */
export interface StatusCommandInit {
	readonly env: NodeJS.ProcessEnv;
	readonly cwd: string;
	readonly writeOut: (text: string) => void;
	readonly writeError: (text: string) => void;
	/** Takes the exit code when it is not 0. */
	readonly exitWith: (code: number) => void;
	/** See `Context`. */
	readonly stopped: () => Promise<void>;
}

/** For health checks: it runs, and nothing comes through. */
const NO_CONNECTION = 3;

const HELP = `
Exit codes: 0 ok, 1 no running program answered, 2 wrong flags, 3 an mpclient has no session, or
none of its paths carries one. --watch ends with 0 at Ctrl-C and when the last program has ended.
`;

/** The flags of `mptunnel status`. */
export const STATUS_FLAGS: Readonly<Record<string, ParsedFlag>> = {
	watch: {help: 'show a short table again and again, with rates'},
	interval: {
		value: 'TIME',
		help: 'with `--watch`: the time between two tables',
		default: '1s',
		parse: parseInterval,
	},
	json: {help: 'print one line of JSON for each program'},
	state: {
		value: 'FOLDER',
		help: 'the program with this state folder',
		otherwise: 'all of yours in the usual place',
	},
};

/**
 * `mptunnel status`: the tables of all running programs of this user, or of the one with that state
 * folder. Its action throws an Error for the user when there is none.
 */
export function statusCommand(init: StatusCommandInit): Command {
	const command = new Command('status')
		.description('show a running mpclient or mpserver')
		.addHelpText('after', HELP)
		.action(async ({json = false, state, watch = false, interval}: StatusFlags) => {
			if (watch && json) throw usage('--watch and --json exclude each other');
			const folders = find(init, state);
			if (watch) await watchFolders(init, state, interval);
			else await showAll(init, folders, json);
		});
	addFlags(command, STATUS_FLAGS);
	return command;
}

interface StatusFlags {
	readonly json?: boolean;
	readonly state?: string;
	readonly watch?: boolean;
	readonly interval: number;
}

function parseInterval(text: string): number {
	try {
		return readInterval(text);
	} catch (error) {
		throw error instanceof ValueError
			? new InvalidArgumentError(`Expected ${error.expected}.`)
			: error;
	}
}

function usage(reason: string): ConfigError {
	return new ConfigError([{where: '', field: '', reason}]);
}

async function showAll(
	init: StatusCommandInit,
	folders: readonly FoundStateFolder[],
	json: boolean,
): Promise<void> {
	let shown = 0;
	for (const folder of folders) {
		try {
			const snapshot = await ask(folder);
			init.writeOut(show(folder, snapshot, json, shown));
			if (!isConnected(snapshot)) init.exitWith(NO_CONNECTION);
			shown++;
		} catch (error) {
			const reason = error instanceof Error ? error.message : String(error);
			init.writeError(`mptunnel: ${quoteText(folder.folder)} does not answer: ${reason}\n`);
		}
	}
	if (shown === 0) throw new Error('no running program answered');
}

async function watchFolders(
	{env, cwd, writeOut, stopped}: StatusCommandInit,
	state: string | undefined,
	interval: number,
): Promise<void> {
	const screen = new Screen({write: writeOut, stream: process.stdout, env});
	const over = new AbortController();
	const end = () => over.abort();
	void stopped().then(end);
	// The reader has gone away: `mptunnel status --watch | head`.
	process.stdout.once('error', end);
	await watchStatus({
		find: () => running({env, cwd}, state).map((found) => ({...found, ask: () => ask(found)})),
		show: (lines) => screen.show(lines),
		say: (text) => screen.say(text),
		pause: () => setTimeout(interval, true, {signal: over.signal}).catch(() => false),
	});
}

/** A folder whose program runs. */
type RunningFolder = FoundStateFolder & {readonly pid: number};

function running(
	{env, cwd}: Pick<StatusCommandInit, 'env' | 'cwd'>,
	state: string | undefined,
): readonly RunningFolder[] {
	const all =
		state === undefined ? listStateFolders(env) : [inspectStateFolder(resolve(cwd, state))];
	return all.filter((folder): folder is RunningFolder => folder.pid !== undefined);
}

function find(init: StatusCommandInit, state: string | undefined): readonly RunningFolder[] {
	const found = running(init, state);
	if (found.length > 0) return found;
	throw new Error(
		state === undefined
			? 'nothing is running with a state folder in the usual place (see --state)'
			: `nothing is running with the state folder ${quoteText(resolve(init.cwd, state))}`,
	);
}

function ask({socketPath}: FoundStateFolder): Promise<StatusSnapshot> {
	if (socketPath === undefined) throw new Error('its path is too long for a socket');
	return readStatus(socketPath);
}

function show(
	{folder}: FoundStateFolder,
	snapshot: StatusSnapshot,
	json: boolean,
	before: number,
): string {
	if (json) return `${JSON.stringify({...snapshot, state: folder})}\n`;
	return `${before > 0 ? '\n' : ''}${formatStatus(snapshot)}`;
}
