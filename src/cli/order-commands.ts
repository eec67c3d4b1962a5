import {resolve} from 'node:path';
import {Argument, Command} from 'commander';
import {type Order, PATH_USES, type PathUse, type Reloaded} from '../app/page/steering.ts';
import {controlPathOf, giveOrder} from '../app/reload/control-server.ts';
import {
	type FoundStateFolder,
	inspectStateFolder,
	listStateFolders,
} from '../app/state/state-folder.ts';
import type {Flags} from '../config/option.ts';
import {escapeControls, quoteText} from '../text/escape-text.ts';
import {addFlags} from './flags.ts';
import type {StatusCommandInit} from './status-command.ts';

/** The parts of the process that these commands use. */
export type OrderCommandInit = Pick<
	StatusCommandInit,
	'env' | 'cwd' | 'writeOut' | 'writeError' | 'exitWith'
>;

const EXIT_CODES: Readonly<Record<Reloaded['outcome'], number>> = {
	applied: 0,
	failed: 1,
	refused: 2,
	partly: 3,
};

const RELOAD_HELP = `
The program reads its flags, files and keys again and applies the difference; SIGHUP does the same.
A wrong file changes nothing.
Exit codes: 0 applied, 1 no running program answered or the machine refused something, 2 wrong
files or keys, 3 applied but for what takes a restart.
`;

const PATH_HELP = `
  use      normally
  backup   only while no other path is good enough
  hold     not at all: it is probed on, so that its state stays known
Either holds until the next reload or restart.
Exit codes: 0 ok, 1 no running program answered or there is no such path, 2 wrong flags.
`;

/** The flags of `mptunnel reload` and `mptunnel path`. */
export const ORDER_FLAGS: Flags = {
	state: {
		value: 'FOLDER',
		help: 'the program with this state folder',
		otherwise: 'all of yours in the usual place',
	},
};

/** `mptunnel reload`: running programs of this user read their configurations again. */
export function reloadCommand(init: OrderCommandInit): Command {
	const command = new Command('reload')
		.description('have a running mpclient or mpserver read its configuration again')
		.addHelpText('after', RELOAD_HELP)
		.action(async ({state}: {state?: string}) => {
			for (const folder of find(init, state)) {
				await give(init, folder, {action: 'reload'});
			}
		});
	addFlags(command, ORDER_FLAGS);
	return command;
}

/** `mptunnel path`: a running client uses one of its paths otherwise. */
export function pathCommand(init: OrderCommandInit): Command {
	const command = new Command('path')
		.description('use a path of a running mpclient otherwise, until the next reload')
		.addArgument(new Argument('<USE>', 'use, backup or hold').choices(PATH_USES))
		.argument('<NAME>', 'the name of the path')
		.addHelpText('after', PATH_HELP)
		.action(async (action: PathUse, path: string, {state}: {state?: string}) => {
			const folders = find(init, state).filter(({kind}) => kind !== 'server');
			const [folder, ...more] = folders;
			if (folder === undefined) throw new Error('no mpclient is running (see --state)');
			if (more.length > 0) throw new Error('more than one mpclient is running: say --state FOLDER');
			if (!(await give(init, folder, {action, path}))) return;
			init.writeOut(`path ${quoteText(path)}: ${action}, until the next reload or restart\n`);
		});
	addFlags(command, ORDER_FLAGS);
	return command;
}

function find(init: OrderCommandInit, state: string | undefined): readonly FoundStateFolder[] {
	if (state === undefined) {
		const running = listStateFolders(init.env).filter(({pid}) => pid !== undefined);
		if (running.length > 0) return running;
		throw new Error('nothing is running with a state folder in the usual place (see --state)');
	}
	const folder = inspectStateFolder(resolve(init.cwd, state));
	if (folder.pid !== undefined) return [folder];
	throw new Error(`nothing is running with the state folder ${quoteText(folder.folder)}`);
}

/** Returns true when the program did it. */
async function give(
	{writeOut, writeError, exitWith}: OrderCommandInit,
	{folder, socketPath}: FoundStateFolder,
	order: Order,
): Promise<boolean> {
	try {
		if (socketPath === undefined) throw new Error('its path is too long for a socket');
		const {outcome, changes, problems} = await giveOrder(controlPathOf(socketPath), order);
		for (const change of changes) writeOut(`${escapeControls(change)}\n`);
		if (order.action === 'reload' && changes.length === 0 && outcome === 'applied') {
			writeOut('nothing differs\n');
		}
		for (const problem of problems) writeError(`mptunnel: ${escapeControls(problem)}\n`);
		if (EXIT_CODES[outcome] !== 0) exitWith(EXIT_CODES[outcome]);
		return EXIT_CODES[outcome] === 0;
	} catch (error) {
		const reason = error instanceof Error ? error.message : String(error);
		writeError(`mptunnel: ${quoteText(folder)} does not answer: ${escapeControls(reason)}\n`);
		exitWith(1);
		return false;
	}
}
