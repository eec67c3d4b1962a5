import {resolve} from 'node:path';
import {Command} from 'commander';
import {isConnected, type StatusSnapshot} from '../app/observe/status.ts';
import {readStatus} from '../app/observe/status-server.ts';
import {formatStatus} from '../app/observe/status-text.ts';
import {
	type FoundStateFolder,
	inspectStateFolder,
	listStateFolders,
	type StateEnvironment,
} from '../app/state/state-folder.ts';
import type {Flags} from '../config/option.ts';
import {quoteText} from '../text/escape-text.ts';
import {addFlags} from './flags.ts';

/** The parts of the process that the command uses. */
export interface StatusCommandInit {
	readonly env: StateEnvironment;
	readonly cwd: string;
	readonly writeOut: (text: string) => void;
	readonly writeError: (text: string) => void;
	/** Takes the exit code when it is not 0. */
	readonly exitWith: (code: number) => void;
}

/** For health checks: it runs, and nothing comes through. */
const NO_CONNECTION = 3;

const HELP = `
Exit codes: 0 ok, 1 no running program answered, 2 wrong flags, 3 an mpclient has no session, or
none of its paths carries one.
`;

/** The flags of `mptunnel status`. */
export const STATUS_FLAGS: Flags = {
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
		.action(async (options: {json?: boolean; state?: string}) => {
			const folders = find(init, options.state);
			let shown = 0;
			for (const folder of folders) {
				try {
					const snapshot = await ask(folder);
					init.writeOut(show(folder, snapshot, options.json === true, shown));
					if (!isConnected(snapshot)) init.exitWith(NO_CONNECTION);
					shown++;
				} catch (error) {
					const reason = error instanceof Error ? error.message : String(error);
					init.writeError(`mptunnel: ${quoteText(folder.folder)} does not answer: ${reason}\n`);
				}
			}
			if (shown === 0) throw new Error('no running program answered');
		});
	addFlags(command, STATUS_FLAGS);
	return command;
}

function find(init: StatusCommandInit, state: string | undefined): readonly FoundStateFolder[] {
	if (state === undefined) {
		const running = listStateFolders(init.env).filter(({pid}) => pid !== undefined);
		if (running.length > 0) return running;
		throw new Error('nothing is running with a state folder in the usual place (see --state)');
	}
	const folder = inspectStateFolder(resolve(init.cwd, state));
	if (folder.pid !== undefined) return [folder];
	throw new Error(`nothing is running with the state folder ${quoteText(folder.folder)}`);
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
