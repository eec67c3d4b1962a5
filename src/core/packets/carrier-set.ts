import type {Random} from '../../bytes/random.ts';
import {type Millis, NEVER} from '../../bytes/time.ts';
import type {Feedback, PathReport} from '../../wire/frames/feedback.ts';
import type {RateModel} from '../load/rate-model.ts';
import type {Path} from '../path/path.ts';
import {Carrier, type CarrierEvents} from './carrier.ts';
import type {SentPacket} from './sent-packet.ts';

/**
 * Packets of which one FEEDBACK settles the fate at most. Each receipt is in several reports, and a
 * report that is read seldom has more than some tens of new ones, so nothing is missed.
 */
const SETTLED = 512;
/** A number is left out about once in so many packets: a peer that acknowledges it lies. */
const SKIP_EVERY = 1024;
const SKIPPED = 8;

/** The packet numbers of a session, as far as a carrier set is concerned. */
export interface PacketNumbers {
	/** The number of the next packet. */
	nextPacketNumber: number;
}

/**
 * The packets of one session on which the peer reports, those of all owners: reads FEEDBACK, and
 * derives the fate of each packet from that of its copies.
 */
export class CarrierSet implements CarrierEvents {
	/** Paths that soon deliver what they carry, as bits: a copy on any other is not waited for. */
	timely = 0;
	readonly #numbers: PacketNumbers;
	readonly #random: Random;
	readonly #model: (path: Path) => RateModel;
	readonly #carriers: (Carrier | undefined)[] = [];
	readonly #skipped: number[] = [];
	/** Paths that may carry the only copy of something, as bits. */
	#trusted = 0;

	/** @param model a rate model for a path */
	constructor(numbers: PacketNumbers, random: Random, model: (path: Path) => RateModel) {
		this.#numbers = numbers;
		this.#random = random;
		this.#model = model;
	}

	/** Returns the path's list of packets, made at the first call. */
	of(path: Path): Carrier {
		const known = this.#carriers[path.id];
		if (known?.path === path) return known;
		// Another path has the id now.
		known?.retire();
		const carrier = new Carrier(path, () => this.#model(path), this);
		this.#carriers[path.id] = carrier;
		return carrier;
	}

	/** Leaves out a packet number now and then; called before a packet is numbered. */
	skipNumber(): void {
		if (this.#random.uint32() % SKIP_EVERY !== 0) return;
		if (this.#skipped.length >= SKIPPED) this.#skipped.shift();
		this.#skipped.push(this.#numbers.nextPacketNumber++);
	}

	/**
	 * Sets the paths, as bits, that may carry the only copy of a packet; what others carry is lost.
	 */
	trust(paths: number): void {
		const doubted = this.#trusted & ~paths;
		this.#trusted = paths;
		if (doubted === 0) return;
		for (const carrier of this.#carriers) {
			if (carrier !== undefined && carrier.bit & doubted) carrier.eachOut(this.#recheck);
		}
	}

	readonly #recheck = (packet: SentPacket): void => {
		if (!packet.settled && (packet.paths & this.#trusted) === 0) this.#lose(packet);
	};

	/**
	 * Gives up what was sent on a later path at `since` or later, unless a timely path carries it,
	 * too.
	 */
	giveUpLate(carrier: Carrier, since: Millis): void {
		carrier.eachLate(this.#giveUp, since);
	}

	readonly #giveUp = (packet: SentPacket): void => {
		if (!packet.settled && (packet.paths & this.timely) === 0) this.#lose(packet);
	};

	/** Gives up a packet that no path took. */
	unsent(packet: SentPacket): void {
		this.#lose(packet);
		packet.owner.released(packet);
	}

	copyReceived(packet: SentPacket): void {
		if (!packet.received) {
			packet.received = true;
			packet.settled = true;
			packet.owner.received(packet);
		}
		if (packet.paths === 0) packet.owner.released(packet);
	}

	copyLost(packet: SentPacket): void {
		this.#giveUp(packet);
		if (packet.paths === 0) packet.owner.released(packet);
	}

	#lose(packet: SentPacket): void {
		packet.settled = true;
		packet.owner.lost(packet);
	}

	/** Takes FEEDBACK. False: it reports packets that never were, or a path twice. */
	feedback({count, reports}: Feedback, now: Millis): boolean {
		let reported = 0;
		let left = SETTLED;
		for (let i = 0; i < count; i++) {
			const report = reports[i]!;
			if (!this.#isPlausible(report)) return false;
			if ((reported >> report.pathId) & 1) return false;
			reported |= 1 << report.pathId;
			const carrier = this.#carriers[report.pathId];
			if (carrier !== undefined) left -= carrier.reported(report, report.arrival / 1000, now, left);
		}
		return true;
	}

	#isPlausible(report: PathReport): boolean {
		if (report.largest >= this.#numbers.nextPacketNumber) return false;
		for (const number of this.#skipped) if (report.covers(number)) return false;
		return true;
	}

	/** Returns the time of the next handleTimeout. `NEVER`: nothing is due. */
	nextTimeout(): Millis {
		let next = NEVER;
		for (const carrier of this.#carriers) {
			if (carrier !== undefined) next = Math.min(next, carrier.nextTimeout());
		}
		return next;
	}

	/** Judges what is overdue. */
	handleTimeout(now: Millis): void {
		for (const carrier of this.#carriers) {
			if (carrier !== undefined && now >= carrier.nextTimeout()) carrier.handleTimeout(now);
		}
	}
}
