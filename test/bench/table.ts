import type {Row} from './row.ts';

/** The rows of one measurement as a table; `reference` is what the ratios are to. */
export function formatTable(title: string, reference: string, rows: readonly Row[]): string {
	const ratios = rows.some(({ratio}) => ratio !== undefined) ? `x ${reference}` : '';
	const lines = [[title, '', 'median', '(low..high)', '', ratios, '']];
	let last = '';
	for (const row of rows) {
		lines.push([row.case === last ? '' : row.case, row.system, ...figures(row), remarks(row)]);
		last = row.case;
	}
	return `${align(lines).join('\n')}\n`;
}

function figures({spread: {median, low, high}, unit, ratio}: Row): string[] {
	const range = `(${formatNumber(low)}..${formatNumber(high)})`;
	return [formatNumber(median), range, unit, ratio === undefined ? '' : ratio.toFixed(2)];
}

function remarks({verdicts, invalid, note}: Row): string {
	const judged = verdicts.map(({limit, isMet}) => `${limit} ${isMet ? 'ok' : 'MISSED'}`);
	const parts = [...(invalid === undefined ? [] : [`INVALID: ${invalid}`]), ...judged, note];
	return parts.filter((part) => part !== '').join(', ');
}

/** Three digits that mean something, thousands apart. */
export function formatNumber(value: number): string {
	if (Number.isNaN(value)) return '-';
	const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
	return value.toLocaleString('en', {minimumFractionDigits: digits, maximumFractionDigits: digits});
}

/** A part of one as per cent, exact where it is small. */
export function formatPart(part: number): string {
	const percent = part * 100;
	return `${percent !== 0 && Math.abs(percent) < 0.1 ? percent.toFixed(3) : percent.toFixed(2)} %`;
}

function align(table: readonly string[][]): string[] {
	const widths: number[] = [];
	for (const row of table) {
		for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, cell.length);
	}
	return table.map((row) => {
		const padded = row.map((cell, i) =>
			isText(i) ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!),
		);
		return padded.join('  ').trimEnd();
	});
}

// The first two columns, the unit and the remarks.
function isText(column: number): boolean {
	return column < 2 || column === 4 || column === 6;
}
