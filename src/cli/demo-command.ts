import process from 'node:process';
import {Command, InvalidArgumentError} from 'commander';
import {createLogger} from '../app/observe/logger.ts';
import {runDemo} from '../demo/demo.ts';
import {addFlags, type ParsedFlag} from './flags.ts';
import type {Context} from './run.ts';

/** The flags of `mptunnel demo`. */
export const DEMO_FLAGS: Readonly<Record<string, ParsedFlag>> = {
	seconds: {
		value: 'N',
		help: 'stop after N seconds of traffic',
		otherwise: 'at Ctrl-C',
		parse: parseSeconds,
	},
	rate: {value: 'N', help: 'send N datagrams a second', default: '2500', parse: parseRate},
};

const HELP = `
Starts a server, three links that lose 20 % each way, a client and an echo target in one process,
on free ports of 127.0.0.1, and sends datagrams through. Ctrl-C ends it with a summary.

Example:
  mptunnel demo --seconds 10
`;

/** The parts of the process that the command uses. */
export type DemoCommandInit = Pick<Context, 'writeOut' | 'writeError' | 'stopped'>;

/** `mptunnel demo`: the whole tunnel on one machine; table and summary go to standard output. */
export function demoCommand({writeOut, writeError, stopped}: DemoCommandInit): Command {
	const command = new Command('demo')
		.description('run a tunnel over three simulated bad links and watch it')
		.addHelpText('after', HELP)
		.action(async ({seconds, rate}: {seconds?: number; rate: number}) => {
			const screen = new Screen(writeOut, process.stdout);
			const summary = await runDemo({
				rate,
				duration: seconds === undefined ? undefined : seconds * 1000,
				stopped: stopped(),
				logger: createLogger({level: 'warn', format: 'text', now: Date.now, sink: writeError}),
				show: (lines) => screen.show(lines),
			});
			screen.clear();
			writeOut(`${summary.join('\n')}\n`);
		});
	addFlags(command, DEMO_FLAGS);
	return command;
}

/** Shows a table in the place of the one before it, or below it where the output is no terminal. */
class Screen {
	readonly #write: (text: string) => void;
	readonly #stream: Pick<NodeJS.WriteStream, 'isTTY' | 'columns' | 'rows'>;
	#height = 0;

	constructor(
		write: (text: string) => void,
		stream: Pick<NodeJS.WriteStream, 'isTTY' | 'columns' | 'rows'>,
	) {
		this.#write = write;
		this.#stream = stream;
	}

	show(lines: readonly string[]): void {
		const {isTTY, columns = 80, rows = 24} = this.#stream;
		// What has scrolled out of a small window cannot be written over.
		if (!isTTY || lines.length >= rows) {
			this.#write(`${lines.join('\n')}\n\n`);
			return;
		}
		this.clear();
		// A line that wraps would take two, and the next table would begin too low.
		this.#write(`${lines.map((line) => line.slice(0, columns - 1)).join('\n')}\n`);
		this.#height = lines.length;
	}

	/** Removes the table, where it can be. */
	clear(): void {
		if (this.#height > 0) this.#write(`\u001b[${this.#height}A\u001b[J`);
		this.#height = 0;
	}
}

function parseSeconds(text: string): number {
	return parseNumber(text, 86_400 * 7);
}

function parseRate(text: string): number {
	return parseNumber(text, 100_000);
}

function parseNumber(text: string, most: number): number {
	const value = Number(text);
	if (/^\d+(\.\d+)?$/.test(text) && value > 0 && value <= most) return value;
	throw new InvalidArgumentError(`Expected a number above 0, at most ${most}.`);
}
