import {addPath, NamedSums, noPathTotals, type PathTotals} from '../totals.ts';
import type {Path} from './path.ts';

/** Counts of the paths of a session by the names that they had meanwhile. */
export class PathCounts {
	/** Counts under names that no path has any more. `undefined`: there are none. */
	#former: NamedSums<PathTotals> | undefined;
	/** Counts of paths under former names. */
	readonly #before = new Map<Path, PathTotals>();

	/** Notes what a path has counted under its name until now; it is renamed or given up. */
	leave(path: Path): void {
		this.#former ??= new NamedSums(noPathTotals);
		this.#add(this.#former, path);
		const before = noPathTotals('');
		addPath(before, path.totals());
		this.#before.set(path, before);
	}

	/** Forgets a path that is given up, after `leave`. */
	forget(path: Path): void {
		this.#before.delete(path);
	}

	/** Returns all names with counts: the former ones, and those of `paths`. */
	names(paths: readonly Path[]): readonly string[] {
		const former = this.#former?.all() ?? [];
		const present = paths.filter(({isNamed}) => isNamed);
		return [...former.map(({name}) => name), ...present.map(({settings}) => settings.name)];
	}

	/** Adds the counts of all names to `sums`: the former ones, and those of `paths`. */
	addTo(sums: NamedSums<PathTotals>, paths: readonly Path[]): void {
		for (const sum of this.#former?.all() ?? []) addPath(sums.of(sum.name), sum);
		for (const path of paths) if (path.isNamed) this.#add(sums, path);
	}

	/** Returns the counts of all names together, and of paths without one. */
	sum(paths: readonly Path[]): PathTotals {
		const sum = noPathTotals('');
		for (const former of this.#former?.all() ?? []) addPath(sum, former);
		for (const path of paths) this.#addTo(sum, path);
		return sum;
	}

	#add(sums: NamedSums<PathTotals>, path: Path): void {
		this.#addTo(sums.of(path.settings.name), path);
	}

	#addTo(sum: PathTotals, path: Path): void {
		addPath(sum, path.totals());
		const before = this.#before.get(path);
		if (before !== undefined) addPath(sum, before, -1);
	}
}
