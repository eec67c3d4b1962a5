import type {Millis} from '../../../bytes/time.ts';
import type {Route} from '../../packets/route.ts';
import {WORST_GRADE} from '../../path/data-loss.ts';
import type {Path} from '../../path/path.ts';

/**
 * Orders paths, the best first: by judgement, then by what arrives of data, then by round trip
 * time, then by position.
 */
export function compare(a: Path, b: Path): number {
	return rank(a) - rank(b) || a.grade - b.grade || a.rtt.smoothed - b.rtt.smoothed || a.id - b.id;
}

/** Returns the order of a path by its judgement alone, 0 to 3. `0`: sound. */
export function rank(path: Path): number {
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

/**
 * True while a copy on the path is worth one: probes may get through where most of the data does
 * not.
 */
export function isSound(path: Path): boolean {
	return path.state === 'up' && path.grade < WORST_GRADE;
}

/** Keeps the best paths of a list, so many at most. */
export function limitPaths(paths: Path[], most: number): void {
	if (paths.length <= most) return;
	paths.sort(compare);
	paths.length = most;
}

/**
 * Chooses the paths that are up and were left out because data was lost there: it may arrive again.
 */
export function chooseSamples(
	paths: readonly Path[],
	chosen: readonly Path[],
	sampled: Path[],
): void {
	sampled.length = 0;
	for (const path of paths) {
		if (path.state !== 'up' || !path.open || path.settings.backup || chosen.includes(path))
			continue;
		if (path.dataLoss.grade > 0) sampled.push(path);
	}
}

/** Appends a sampled path when a copy is due there and the path takes it. */
export function takeSample(path: Path, bytes: number, now: Millis, out: Route): void {
	const isDue = path.dataLoss.sample(now, path.settings.metered);
	if (isDue && path.admits(bytes, now)) out.add(path);
}

/** Appends the first path that may take a packet which all of them have just refused. */
export function takeLast(paths: readonly Path[], bytes: number, now: Millis, out: Route): void {
	for (const path of paths) {
		if (!path.admitsLast(bytes, now)) continue;
		out.add(path);
		return;
	}
}
