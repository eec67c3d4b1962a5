import {LastItems} from './last-items.ts';

/** Lines that are kept. */
const LINES = 200;
/** Characters of a line that are kept. */
const LINE_LIMIT = 1000;

/** The last lines of a log, as they were written. */
export class LogTail extends LastItems<string> {
	constructor() {
		super(LINES);
	}

	/** Takes a line; of one that is too long the beginning is kept. */
	override add(line: string): void {
		const text = line.trimEnd();
		super.add(text.length > LINE_LIMIT ? `${text.slice(0, LINE_LIMIT - 1)}…` : text);
	}
}
