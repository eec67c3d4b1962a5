import type {Millis} from '../../../bytes/time.ts';
import {BASE_PACKET_SIZE} from '../../../wire/constants.ts';
import type {Route} from '../../packets/route.ts';
import type {Path} from '../../path/path.ts';
import type {Dispatch} from './dispatch.ts';
import {
	chooseSamples,
	compare,
	isSound,
	limitPaths,
	rank,
	takeLast,
	takeSample,
} from './ranking.ts';
import {chooseRedundant} from './redundant.ts';

/** Round trip times change without notice: they are reviewed this often while packets go out. */
const REVIEW_EVERY: Millis = 500;
/** Another path has to be quicker by this share and this time, or two would lead in turn. */
const QUICKER_SHARE = 0.8;
const QUICKER_TIME: Millis = 2;

/**
 * Every packet on the best path alone: of those that are up the one that loses least, of these the
 * quickest. While it is in doubt the next one gets copies. Packets that it refuses go to the next
 * one, too.
 */
export class BestDispatch implements Dispatch {
	readonly paths: Path[] = [];
	packetSize: number = BASE_PACKET_SIZE;
	#all: readonly Path[] = [];
	/** Paths that take what those in `paths` refuse, the best first. */
	#next: readonly Path[] = [];
	readonly #sampled: Path[] = [];
	#reviewAt: Millis = 0;
	readonly #most: number;

	/** @param most paths that a packet takes at most, those in doubt included */
	constructor(most: number = Number.POSITIVE_INFINITY) {
		this.#most = most;
	}

	pathsChanged(paths: readonly Path[], now: Millis): void {
		const [leader] = this.paths;
		this.#all = paths;
		this.#reviewAt = now + REVIEW_EVERY;
		chooseRedundant(paths, 1, this.paths);
		const [best] = this.paths;
		if (best !== undefined && leader !== undefined && leader !== best) this.#keep(leader, best);
		limitPaths(this.paths, this.#most);
		this.#next = paths
			.filter((path) => path.open && path.state !== 'down' && !path.settings.backup)
			.filter((path) => !this.paths.includes(path))
			.sort(compare);
		chooseSamples(paths, this.paths, this.#sampled);
		const sizes = this.paths.map(({mtu}) => mtu.confirmed);
		this.packetSize = sizes.length === 0 ? BASE_PACKET_SIZE : Math.min(...sizes);
	}

	/**
	 * Lets the path that led so far go on, unless another one is clearly better, or it is in doubt
	 * and there may be no copies.
	 */
	#keep(leader: Path, best: Path): void {
		const isDoubted = !isSound(leader);
		if (!leader.open || isBetter(best, leader) || (isDoubted && this.#most < 2)) return;
		const others = !isDoubted ? [] : this.paths.filter((path) => path !== leader);
		this.paths.length = 0;
		this.paths.push(leader, ...others);
	}

	route(bytes: number, now: Millis, out: Route): void {
		if (now >= this.#reviewAt) this.pathsChanged(this.#all, now);
		out.clear();
		for (const path of this.paths) if (path.admits(bytes, now)) out.add(path);
		if (out.count > 0) return;
		for (const path of this.#next) {
			if (!path.admits(bytes, now)) continue;
			out.add(path);
			return;
		}
		takeLast(this.paths, bytes, now, out);
	}

	sample(bytes: number, now: Millis, out: Route): void {
		for (const path of this.#sampled) {
			if (!out.has(path)) takeSample(path, bytes, now, out);
		}
	}
}

/**
 * True when `path` is to take the lead from `leader`; false for a leader in doubt, which gets
 * copies.
 */
function isBetter(path: Path, leader: Path): boolean {
	if (leader.state === 'down') return true;
	if (path.settings.backup !== leader.settings.backup) return leader.settings.backup;
	const isDoubted = leader.state === 'suspect' && leader.grade <= path.grade;
	if (isDoubted) return false;
	if (rank(path) !== rank(leader)) return rank(path) < rank(leader);
	if (path.grade !== leader.grade) return path.grade < leader.grade;
	return path.rtt.smoothed < QUICKER_SHARE * leader.rtt.smoothed - QUICKER_TIME;
}
