import {Command} from 'commander';
import {programVersion} from '../app/version.ts';
import {completionCommand} from './completion-command.ts';
import {demoCommand} from './demo-command.ts';
import {explainCommand} from './explain-command.ts';
import {keygenCommand} from './keygen-command.ts';
import {linkCommand} from './link-command.ts';
import {clientProgram, serverProgram} from './options.ts';
import {pathCommand, reloadCommand} from './order-commands.ts';
import type {Context} from './run.ts';
import {serviceCommand} from './service-command.ts';
import {shareCommand} from './share-command.ts';
import {statusCommand} from './status-command.ts';

/** The program mptunnel: everything that is neither end of a tunnel. */
export async function toolProgram(context: Context): Promise<number> {
	let exitCode = 0;
	const exitWith = (code: number) => {
		exitCode = code;
	};
	await toolCommand({...context, exitWith}).parseAsync(context.argv, {from: 'user'});
	return exitCode;
}

/** The parts of the process that the commands use. */
export interface ToolInit
	extends Pick<Context, 'env' | 'cwd' | 'writeOut' | 'writeError' | 'stopped'> {
	/** Takes the exit code when it is not 0. */
	readonly exitWith: (code: number) => void;
}

/** The program with all its commands. */
export function toolCommand(init: ToolInit): Command {
	const {env, cwd, writeOut, writeError, stopped, exitWith} = init;
	const io = {cwd, write: writeOut};
	const program = new Command('mptunnel')
		.description('Tools for the multipath UDP tunnel of mpclient and mpserver.')
		.version(programVersion(), '-V, --version', 'print the version and exit');
	const orders = {env, cwd, writeOut, writeError, exitWith};
	const commands = [
		keygenCommand(writeOut, writeError),
		statusCommand({env, cwd, writeOut, writeError, stopped, exitWith}),
		reloadCommand(orders),
		pathCommand(orders),
		explainCommand({env, cwd, writeOut}),
		shareCommand({env, cwd, writeOut, writeError}),
		serviceCommand({env, cwd, writeOut, exitWith}),
		linkCommand(),
		demoCommand({writeOut, writeError, stopped}),
		completionCommand(() => [clientProgram(io), serverProgram(io), program], writeOut),
		// Further subcommands go here.
	];
	for (const command of [program, ...commands]) {
		command.configureOutput({
			writeOut,
			writeErr: writeError,
			outputError: (text, write) => write(errorLine(text, command)),
		});
		command.exitOverride();
	}
	for (const command of commands) program.addCommand(command);
	return program;
}

/** A usage error as the other programs write theirs; what is missing stands in the help. */
function errorLine(text: string, command: Command): string {
	const line = text
		.trimEnd()
		.replace(/^error: /, '')
		.replaceAll('\n', ' ');
	const isMissing = /^(required|missing) /.test(line);
	const words = command.name() === 'mptunnel' ? 'mptunnel' : `mptunnel ${command.name()}`;
	return `mptunnel: ${line}${isMissing ? `; see ${words} --help` : ''}\n`;
}
