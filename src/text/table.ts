import {cutMiddle, LINE_WIDTH, padText, textWidth} from './width.ts';

/** Columns that a name keeps at least in the first column, however wide the others are. */
const LEAST_NAME = 8;

/**
 * Lines of cells in columns, two spaces apart; columns of figures are set to the right. Where a
 * line would be longer than {@link LINE_WIDTH}, the first column is cut: names have room for less.
 */
export function textTable(
	rows: readonly (readonly string[])[],
	figures: ReadonlySet<number>,
	indent = '',
): readonly string[] {
	const columns = Math.max(0, ...rows.map((row) => row.length));
	const widths = Array.from({length: columns}, (_, column) =>
		Math.max(...rows.map((row) => textWidth(row[column] ?? ''))),
	);
	const [name = 0, ...others] = widths;
	const taken = others.reduce((sum, width) => sum + 2 + width, indent.length);
	widths[0] = Math.min(name, Math.max(LEAST_NAME, LINE_WIDTH - taken));
	return rows.map((row) => {
		const cells = row.map((cell, column) => {
			const width = widths[column]!;
			const shown = column === 0 ? cutMiddle(cell, width) : cell;
			return padText(shown, width, figures.has(column) ? 'left' : 'right');
		});
		return `${indent}${cells.join('  ')}`.trimEnd();
	});
}
