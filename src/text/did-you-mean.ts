/**
 * The candidate nearest to a mistyped word as ` (did you mean "copies"?)`, or nothing when none is
 * near: at most a third of the letters differ, a swap of neighbours counting once.
 */
export function didYouMean(word: string, candidates: readonly string[]): string {
	const typed = normalise(word);
	let best: string | undefined;
	let bestDistance = Number.POSITIVE_INFINITY;
	for (const candidate of candidates) {
		const distance = editDistance(typed, normalise(candidate));
		if (distance >= bestDistance) continue;
		best = candidate;
		bestDistance = distance;
	}
	if (best === undefined || bestDistance > Math.max(1, Math.floor(best.length / 3))) return '';
	return ` (did you mean "${best}"?)`;
}

// `key_file`, `key-file` and `keyfile` all mean `keyFile`; no candidate is longer than 32 letters.
function normalise(word: string): string {
	return word.slice(0, 32).toLowerCase().replaceAll(/[-_]/g, '');
}

/** Optimal string alignment distance, three rows at a time. */
function editDistance(left: string, right: string): number {
	let beforePrevious: number[] = [];
	let previous = Array.from({length: right.length + 1}, (_, index) => index);
	for (let row = 1; row <= left.length; row++) {
		const current = [row];
		for (let column = 1; column <= right.length; column++) {
			const same = left[row - 1] === right[column - 1];
			let cost = Math.min(
				previous[column]! + 1,
				current[column - 1]! + 1,
				previous[column - 1]! + (same ? 0 : 1),
			);
			const swapped = left[row - 1] === right[column - 2] && left[row - 2] === right[column - 1];
			if (row > 1 && column > 1 && swapped) cost = Math.min(cost, beforePrevious[column - 2]! + 1);
			current.push(cost);
		}
		beforePrevious = previous;
		previous = current;
	}
	return previous[right.length]!;
}
