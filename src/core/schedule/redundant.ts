import type {Path} from '../path/path.ts';

/** Best first: by judgement, then by round trip time, then by position. */
function compare(a: Path, b: Path): number {
	return rank(a) - rank(b) || a.rtt.smoothed - b.rtt.smoothed || a.id - b.id;
}

function rank(path: Path): number {
	switch (path.state) {
		case 'up':
			return 0;
		case 'new':
			return 1;
		case 'suspect':
			return 2;
		case 'down':
			return 3;
	}
}

/**
 * Chooses the paths that every packet goes out on: the best `copies` (0 = all) of those that are
 * open and not down. Suspect and new paths come on top of the ones that are up, because their copy
 * may be the one that arrives. Backups fill up while fewer than that many others are up.
 */
export function chooseRedundant(paths: readonly Path[], copies: number, chosen: Path[]): void {
	chosen.length = 0;
	const usable = paths.filter((path) => path.open && path.state !== 'down').sort(compare);
	const regular = paths.filter((path) => !path.settings.backup);
	const wanted = copies > 0 ? copies : Math.max(1, regular.length);
	let up = 0;
	for (const path of usable) {
		if (path.settings.backup || up >= wanted) continue;
		chosen.push(path);
		if (path.state === 'up') up++;
	}
	for (const path of usable) {
		if (!path.settings.backup || up >= wanted) continue;
		chosen.push(path);
		up++;
	}
}
