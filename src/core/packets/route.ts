import type {Path} from '../path/path.ts';

/**
 * The paths of one packet, filled anew for each. It has a count of its own, because an array whose
 * length is set to 0 lets its memory go and would take new memory for every packet.
 */
export class Route {
	/** The paths: those before `count`. */
	readonly paths: Path[] = [];
	count = 0;

	/** Leaves no path. */
	clear(): void {
		this.count = 0;
	}

	add(path: Path): void {
		this.paths[this.count++] = path;
	}

	/** True while the path is one of them. */
	has(path: Path): boolean {
		const index = this.paths.indexOf(path);
		return index >= 0 && index < this.count;
	}
}
