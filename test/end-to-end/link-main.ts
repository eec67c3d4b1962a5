import process from 'node:process';
import {Command, CommanderError} from 'commander';
import {linkCommand} from '../../src/cli/link-command.ts';

// A program with the one subcommand, for tests that spawn it.
try {
	await new Command('mptunnel').addCommand(linkCommand()).parseAsync();
} catch (error) {
	if (!(error instanceof CommanderError)) throw error;
	process.exitCode = error.exitCode;
}
