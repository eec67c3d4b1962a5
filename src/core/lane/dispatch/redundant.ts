import type {Millis} from '../../../bytes/time.ts';
import {BASE_PACKET_SIZE, MAX_PACKET_SIZE} from '../../../wire/constants.ts';
import type {Route} from '../../packets/route.ts';
import {WORST_GRADE} from '../../path/data-loss.ts';
import type {Path} from '../../path/path.ts';
import type {Dispatch} from './dispatch.ts';
import {chooseSamples, compare, isSound, limitPaths, takeLast, takeSample} from './ranking.ts';

/**
 * Chooses the paths that every packet goes out on: the best `copies` (0 = all) of those that are
 * open and not down. Suspect and new paths, and such as lose most of the data, come on top of too
 * few that are up, because their copy may be the one that arrives. Backups fill up while fewer than
 * that many others are up.
 */
export function chooseRedundant(paths: readonly Path[], copies: number, chosen: Path[]): void {
	chosen.length = 0;
	const usable = paths.filter((path) => path.open && path.state !== 'down').sort(compare);
	const regular = paths.filter((path) => !path.settings.backup);
	const needed = copies > 0 ? copies : Math.max(1, regular.length);
	let up = 0;
	for (const path of usable) {
		if (path.settings.backup || up >= needed) continue;
		chosen.push(path);
		if (isSound(path)) up++;
	}
	for (const path of usable) {
		if (!path.settings.backup || up >= needed) continue;
		chosen.push(path);
		if (path.grade < WORST_GRADE) up++;
	}
}

/** A copy of every packet on each of the best paths. */
export class RedundantDispatch implements Dispatch {
	readonly paths: Path[] = [];
	packetSize: number = BASE_PACKET_SIZE;
	/** Number of paths that each packet takes. `0`: all. Holds from the next `pathsChanged` on. */
	copies = 0;
	readonly #most: number;
	readonly #sampled: Path[] = [];

	/** @param most paths that a packet takes at most, those in doubt included */
	constructor(most: number = Number.POSITIVE_INFINITY) {
		this.#most = most;
	}

	pathsChanged(paths: readonly Path[]): void {
		chooseRedundant(paths, this.#needed(paths), this.paths);
		limitPaths(this.paths, this.#most);
		chooseSamples(paths, this.paths, this.#sampled);
		let size = MAX_PACKET_SIZE;
		let widest = BASE_PACKET_SIZE;
		for (const {mtu, sizeWorth} of this.paths) {
			if (sizeWorth.counts) size = Math.min(size, mtu.confirmed);
			widest = Math.max(widest, mtu.confirmed);
		}
		this.packetSize = Math.min(size, widest);
	}

	/** Returns the number of paths that a packet is to take. 0: all. */
	#needed(paths: readonly Path[]): number {
		const {copies} = this;
		if (copies > 0 || this.#most === Number.POSITIVE_INFINITY) return Math.min(copies, this.#most);
		const regular = paths.filter(({settings}) => !settings.backup);
		return Math.max(1, Math.min(regular.length, this.#most));
	}

	/**
	 * Takes all paths that admit a copy. If none does the best one takes it all the same: the rest is
	 * the network's.
	 */
	route(bytes: number, now: Millis, out: Route): void {
		out.clear();
		for (const path of this.paths) if (path.admits(bytes, now)) out.add(path);
		if (out.count === 0) takeLast(this.paths, bytes, now, out);
	}

	sample(bytes: number, now: Millis, out: Route): void {
		for (const path of this.#sampled) takeSample(path, bytes, now, out);
	}

	/**
	 * Judges anew the paths whose size counts. True: that changed, so that the paths are to be chosen
	 * anew.
	 */
	weighSizes(now: Millis): boolean {
		let changed = false;
		for (const path of this.paths) {
			if (path.sizeWorth.judge(path, this.#widerThan(path), now)) changed = true;
		}
		return changed;
	}

	/**
	 * Returns the quickest path that carries more than this one, and most of it. `undefined`: none.
	 */
	#widerThan(path: Path): Path | undefined {
		let best: Path | undefined;
		for (const other of this.paths) {
			if (other.mtu.confirmed <= path.mtu.confirmed || other.state !== 'up') continue;
			if (other.grade === WORST_GRADE) continue;
			if (best === undefined || other.rtt.smoothed < best.rtt.smoothed) best = other;
		}
		return best;
	}
}
