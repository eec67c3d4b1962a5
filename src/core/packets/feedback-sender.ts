import {HEAD_ROOM} from '../../bytes/slot-pool.ts';
import {type Millis, NEVER} from '../../bytes/time.ts';
import {
	encodeFeedbackHead,
	encodePathReport,
	FEEDBACK_HEAD_LENGTH,
	PathReport,
} from '../../wire/frames/feedback.ts';
import type {Path} from '../path/path.ts';
import type {PathSet} from '../path/path-set.ts';
import {Sent} from '../sent.ts';
import type {PacketSender} from './packet-sender.ts';
import {Receipts} from './receipts.ts';
import {Route} from './route.ts';

/** Packet numbers for which a bit is kept: set while they are to be reported. */
const REMEMBERED = 65_536;
const PACKETS = 10;
const LONGEST_DELAY: Millis = 25;
/** After a report that a gap caused, no gap causes another for this long. */
const GAP_PAUSE: Millis = 1;

/** A packet with so many bytes of reports takes no further one: the longest would not fit. */
const FULL = 960;

/** Reports to the peer the packets that came over each path, and chooses the time. */
export class FeedbackSender {
	readonly #sender: PacketSender;
	readonly #paths: PathSet;
	/** Paths that carry packets now, the best first. */
	readonly #chosen: readonly Path[];
	/** The paths of the report being sent. */
	readonly #route = new Route();
	readonly #receipts: (Receipts | undefined)[] = [];
	/** Bits of packet numbers that are to be reported. */
	readonly #eliciting: Uint32Array = new Uint32Array(REMEMBERED / 32);
	#newest = -1;
	readonly #report = new PathReport();
	#packets = 0;
	#turn = 0;
	#due: Millis = NEVER;
	#gapReport: Millis = Number.NEGATIVE_INFINITY;

	/** @param chosen the paths that carry packets now, the best first; kept */
	constructor(sender: PacketSender, paths: PathSet, chosen: readonly Path[]) {
		this.#sender = sender;
		this.#paths = paths;
		this.#chosen = chosen;
	}

	/** Notes a packet to be reported that came over a path. `undefined`: over an unknown path. */
	received(path: Path | undefined, number: number, now: Millis): void {
		this.#remember(number);
		this.#packets++;
		if (this.#packets >= PACKETS) this.#due = now;
		this.#note(path, number, now);
	}

	#remember(number: number): void {
		if (number - this.#newest >= REMEMBERED) this.#eliciting.fill(0);
		else this.#forget(this.#newest + 1, number);
		this.#newest = Math.max(this.#newest, number);
		const bit = number % REMEMBERED;
		this.#eliciting[bit >>> 5]! |= 1 << (bit & 31);
	}

	/**
	 * Clears the bits of numbers from `from` to before `to`, which carried nothing: whole words at
	 * once.
	 */
	#forget(from: number, to: number): void {
		for (let i = from; i < to; ) {
			const bit = i % REMEMBERED;
			if ((bit & 31) === 0 && to - i >= 32) {
				this.#eliciting[bit >>> 5] = 0;
				i += 32;
			} else {
				this.#eliciting[bit >>> 5]! &= ~(1 << (bit & 31));
				i++;
			}
		}
	}

	/** Notes another copy of a packet that came over a path. */
	copy(path: Path, number: number, now: Millis): void {
		const bit = number % REMEMBERED;
		const known = number <= this.#newest && number > this.#newest - REMEMBERED;
		if (known && (this.#eliciting[bit >>> 5]! >>> (bit & 31)) & 1) this.#note(path, number, now);
	}

	#note(path: Path | undefined, number: number, now: Millis): void {
		const quarter = this.#best === undefined ? LONGEST_DELAY : this.#best.rtt.smoothed / 4;
		this.#due = Math.min(this.#due, now + Math.min(quarter, LONGEST_DELAY));
		if (path === undefined) return;
		const receipts = this.#receipts[path.id] ?? new Receipts();
		this.#receipts[path.id] = receipts;
		if (!receipts.add(number, now) || now - this.#gapReport < GAP_PAUSE) return;
		this.#gapReport = now;
		this.#due = now;
	}

	get #best(): Path | undefined {
		let best: Path | undefined;
		for (const path of this.#chosen) {
			if (path.state === 'suspect') continue;
			if (best === undefined || path.rtt.smoothed < best.rtt.smoothed) best = path;
		}
		return best ?? this.#chosen[0];
	}

	/** Returns the time of the next `send`. */
	nextTimeout(): Millis {
		return this.#due;
	}

	/** Sends a report if one is due. */
	send(now: Millis): void {
		if (now < this.#due) return;
		this.#due = NEVER;
		this.#packets = 0;
		const best = this.#best;
		if (best === undefined) return;
		const another = this.#another(best);
		const route = this.#route;
		route.clear();
		route.add(best);
		if (another !== undefined) route.add(another);
		this.#sendParts(now);
	}

	// The best path may have failed unnoticed: each of the others takes its turn beside it.
	#another(best: Path): Path | undefined {
		const chosen = this.#chosen;
		if (chosen.length < 2) return undefined;
		const other = chosen[this.#turn++ % chosen.length]!;
		return other === best ? chosen[this.#turn++ % chosen.length] : other;
	}

	/** Sends reports that do not fit one packet in several. */
	#sendParts(now: Millis): void {
		let next = 0;
		while (next < this.#receipts.length) {
			const slot = this.#sender.take();
			if (slot === undefined) return;
			let end = HEAD_ROOM + FEEDBACK_HEAD_LENGTH;
			let count = 0;
			for (; next < this.#receipts.length && end < HEAD_ROOM + FULL; next++) {
				const report = this.#report;
				if (this.#receipts[next]?.report(report) !== true) continue;
				report.pathId = next;
				report.packets = (this.#paths.get(next)?.receivedPackets ?? 0) >>> 0;
				end = encodePathReport(slot.bytes, end, report);
				count++;
			}
			if (count === 0) {
				this.#sender.giveBack(slot);
				return;
			}
			encodeFeedbackHead(slot.bytes, HEAD_ROOM, count);
			slot.start = HEAD_ROOM;
			slot.end = end;
			this.#sender.send(slot, this.#route, now, Sent.ANSWER);
		}
	}
}
