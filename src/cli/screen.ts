import {cutEnd, textWidth} from '../text/width.ts';

/** The weight of a line; a terminal with colours shows it. */
export type Tone = 'good' | 'doubtful' | 'bad';

/** One line without control characters and without its line feed. */
export interface ScreenLine {
	readonly text: string;
	readonly tone?: Tone | undefined;
}

/** The parts of an output stream that a screen asks; `columns` and `rows` are those of now. */
export interface ScreenStream {
	readonly isTTY?: boolean;
	readonly columns?: number;
	readonly rows?: number;
	hasColors?(env: object): boolean;
}

/** Parts of a screen. */
export interface ScreenInit {
	readonly write: (text: string) => void;
	readonly stream: ScreenStream;
	readonly env: NodeJS.ProcessEnv;
}

const COLORS: Readonly<Record<Tone, string>> = {good: '32', doubtful: '33', bad: '31'};

/** Shows a table in the place of the one before it, or below it where the output is no terminal. */
export class Screen {
	readonly #write: (text: string) => void;
	readonly #stream: ScreenStream;
	readonly #colored: boolean;
	/** Widths of the lines that the next table takes the place of. */
	#shown: readonly number[] = [];

	constructor({write, stream, env}: ScreenInit) {
		this.#write = write;
		this.#stream = stream;
		const plain = (env['NO_COLOR'] ?? '') !== '';
		this.#colored = stream.isTTY === true && !plain && stream.hasColors?.(env) === true;
	}

	show(lines: readonly ScreenLine[]): void {
		const {isTTY, columns = 80, rows = 24} = this.#stream;
		if (isTTY !== true) {
			this.#write(`${lines.map(({text}) => text).join('\n')}\n\n`);
			return;
		}
		// What has scrolled out of a low window cannot be written over.
		const room = Math.max(1, rows - 2);
		const hidden = lines.length - room;
		const more: ScreenLine = {text: `(${hidden} more lines: the window is too low)`};
		const fitting = hidden > 0 ? [...lines.slice(0, room), more] : lines;
		// A line that wraps would take two, and the next table would begin too low.
		const cut = fitting.map(({text, tone}) => ({text: cutEnd(text, columns - 1), tone}));
		this.clear();
		this.#write(`${cut.map((line) => this.#colors(line)).join('\n')}\n`);
		this.#shown = cut.map(({text}) => textWidth(text));
	}

	/** Removes the table, where it can be. */
	clear(): void {
		// Of a window that was made narrower, the terminal has broken the lines.
		const {columns = 80} = this.#stream;
		const height = this.#shown.reduce(
			(sum, width) => sum + Math.max(1, Math.ceil(width / columns)),
			0,
		);
		if (height > 0) this.#write(`\u001b[${height}A\u001b[J`);
		this.#shown = [];
	}

	/** Writes a line below the table, which stays where it is. */
	say(text: string): void {
		this.#shown = [];
		this.#write(`${text}\n`);
	}

	#colors({text, tone}: ScreenLine): string {
		return this.#colored && tone !== undefined ? `\u001b[${COLORS[tone]}m${text}\u001b[0m` : text;
	}
}
