/** Lines of cells in columns, two spaces apart; columns of figures are set to the right. */
export function textTable(
	rows: readonly (readonly string[])[],
	figures: ReadonlySet<number>,
): readonly string[] {
	const columns = Math.max(0, ...rows.map((row) => row.length));
	const widths = Array.from({length: columns}, (_, column) =>
		Math.max(...rows.map((row) => row[column]?.length ?? 0)),
	);
	return rows.map((row) =>
		row
			.map((cell, column) =>
				figures.has(column) ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!),
			)
			.join('  ')
			.trimEnd(),
	);
}
