import {WORST_GRADE} from '../../path/delivery.ts';
import type {Path} from '../../path/path.ts';

/** Best first: by judgement, then by what arrives of data, then by round trip time, then by position. */
function compare(a: Path, b: Path): number {
	return rank(a) - rank(b) || a.grade - b.grade || a.rtt.smoothed - b.rtt.smoothed || a.id - b.id;
}

function rank(path: Path): number {
	switch (path.state) {
		case 'up':
			return isSound(path) ? 0 : 2;
		case 'new':
			return 1;
		case 'suspect':
			return 2;
		case 'down':
			return 3;
	}
}

/** Whether a copy on the path is worth one: probes may get through where most of the data does not. */
function isSound(path: Path): boolean {
	return path.state === 'up' && path.grade < WORST_GRADE;
}

/**
 * Chooses the paths that every packet goes out on: the best `copies` (0 = all) of those that are
 * open and not down. Suspect and new paths, and such as lose most of the data, come on top of too few
 * that are up, because their copy may be the one that arrives. Backups fill up while fewer than that
 * many others are up.
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
		if (isSound(path)) up++;
	}
	for (const path of usable) {
		if (!path.settings.backup || up >= wanted) continue;
		chosen.push(path);
		if (path.grade < WORST_GRADE) up++;
	}
}

/** Chooses the paths that are up and were left out because data was lost there: it may arrive again. */
export function chooseSamples(
	paths: readonly Path[],
	chosen: readonly Path[],
	sampled: Path[],
): void {
	sampled.length = 0;
	for (const path of paths) {
		if (path.state !== 'up' || !path.open || path.settings.backup || chosen.includes(path))
			continue;
		if (path.delivery.grade > 0) sampled.push(path);
	}
}
