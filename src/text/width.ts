/** Columns that tables and the lines below them fit in: those of a classic terminal. */
export const LINE_WIDTH = 80;

const ASCII = /^[ -~]*$/;

// East Asian wide and fullwidth (Unicode Standard Annex 11), by block, and what is shown as emoji.
const WIDE =
	/[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}/u;

const WITHOUT_WIDTH = /[\p{M}\p{Cf}]/u;

/** Returns the terminal columns of a text without control characters. */
export function textWidth(text: string): number {
	if (ASCII.test(text)) return text.length;
	return [...text].reduce((sum, character) => sum + characterWidth(character), 0);
}

function characterWidth(character: string): number {
	if (WITHOUT_WIDTH.test(character)) return 0;
	return WIDE.test(character) ? 2 : 1;
}

/** The text with spaces to that width; longer ones are left alone. */
export function padText(text: string, width: number, side: 'left' | 'right'): string {
	const spaces = ' '.repeat(Math.max(0, width - textWidth(text)));
	return side === 'left' ? spaces + text : text + spaces;
}

/** The beginning and the end of a text that is wider than so many columns, around an ellipsis. */
export function cutMiddle(text: string, width: number): string {
	if (textWidth(text) <= width) return text;
	const characters = [...text];
	const room = Math.max(0, width - 1);
	const head = leading(characters, Math.ceil(room / 2));
	const tail = leading(characters.reverse(), Math.floor(room / 2)).reverse();
	return `${head.join('')}…${tail.join('')}`;
}

/** The beginning of a text that is wider than so many columns, before an ellipsis. */
export function cutEnd(text: string, width: number): string {
	if (textWidth(text) <= width) return text;
	return `${leading([...text], Math.max(0, width - 1)).join('')}…`;
}

/** As many characters from the beginning as fit. */
function leading(characters: readonly string[], width: number): string[] {
	let left = width;
	const end = characters.findIndex((character) => {
		left -= characterWidth(character);
		return left < 0;
	});
	return characters.slice(0, end === -1 ? undefined : end);
}

/** Layout of a list that is broken into lines. */
export interface Wrapping {
	/** Ends every part but the last one. */
	readonly separator?: string;
	/** Beginning of the first line. */
	readonly first?: string;
	/** Beginning of every further line. */
	readonly indent?: string;
}

/**
 * Lines of at most {@link LINE_WIDTH} columns. A line ends after a part; a part that is longer
 * than a line is broken at its spaces, and a longer word is cut in its middle.
 */
export function wrapParts(
	parts: readonly string[],
	{separator = ',', first = '', indent = '  '}: Wrapping = {},
): readonly string[] {
	const lines = new Lines(first, indent);
	for (const [index, part] of parts.entries()) {
		lines.add(index === parts.length - 1 ? part : part + separator);
	}
	return lines.end();
}

class Lines {
	readonly #done: string[] = [];
	readonly #indent: string;
	#line: string;
	#isEmpty = true;

	constructor(first: string, indent: string) {
		this.#line = first;
		this.#indent = indent;
	}

	add(part: string): void {
		if (this.#fits(part)) return;
		// What is too long for any line begins on this one.
		if (textWidth(this.#indent + part) <= LINE_WIDTH) this.#break();
		if (this.#fits(part)) return;
		for (const word of part.split(' ')) {
			if (this.#fits(word)) continue;
			this.#break();
			this.#fits(cutMiddle(word, LINE_WIDTH - textWidth(this.#line)));
		}
	}

	end(): readonly string[] {
		this.#break();
		return this.#done;
	}

	/** Adds it to the line of now, unless that gets too long. */
	#fits(words: string): boolean {
		const line = this.#line + (this.#isEmpty ? '' : ' ') + words;
		if (textWidth(line) > LINE_WIDTH) return false;
		this.#line = line;
		this.#isEmpty = false;
		return true;
	}

	#break(): void {
		if (this.#isEmpty) return;
		this.#done.push(this.#line);
		this.#line = this.#indent;
		this.#isEmpty = true;
	}
}
