import {Argument, Command} from 'commander';
import {completionScript, SHELLS, type Shell} from './completion.ts';

const HELP = `
Examples:
  source <(mptunnel completion bash)
  mptunnel completion zsh > "\${fpath[1]}/_mptunnel"
  mptunnel completion fish > ~/.config/fish/completions/mptunnel.fish
`;

/** `mptunnel completion`: a script by which a shell completes the words of the three programs. */
export function completionCommand(
	programs: () => readonly Command[],
	writeOut: (text: string) => void,
): Command {
	return new Command('completion')
		.description('print a script by which a shell completes words')
		.addArgument(new Argument('<SHELL>', 'the shell').choices(SHELLS))
		.addHelpText('after', HELP)
		.action((shell: Shell) => writeOut(completionScript(shell, programs())));
}
