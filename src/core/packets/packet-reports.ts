import type {Random} from '../../bytes/random.ts';
import {type Millis, NEVER} from '../../bytes/time.ts';
import type {Feedback} from '../../wire/frames/feedback.ts';
import type {RateModel} from '../load/rate-model.ts';
import type {Path} from '../path/path.ts';
import type {PathSet} from '../path/path-set.ts';
import {CarrierSet} from './carrier-set.ts';
import {FeedbackSender} from './feedback-sender.ts';
import type {PacketSender} from './packet-sender.ts';

/** Inputs of a session's reports. */
export interface PacketReportsInit {
	readonly sender: PacketSender;
	readonly paths: PathSet;
	/** Paths that carry packets now, the best first; kept. */
	readonly chosen: readonly Path[];
	readonly random: Random;
	/** Makes a rate model for a path. */
	readonly model: (path: Path) => RateModel;
}

/**
 * FEEDBACK of one session in both directions: what came is reported, what the peer reports is read.
 */
export class PacketReports {
	/** The packets sent on which the peer reports. */
	readonly carriers: CarrierSet;
	readonly #init: PacketReportsInit;
	/** Made with the first packet that is to be reported. */
	#feedback: FeedbackSender | undefined;

	constructor(init: PacketReportsInit) {
		this.#init = init;
		this.carriers = new CarrierSet(init.sender, init.random, init.model);
	}

	/**
	 * Notes a packet to be reported that came over a path and was taken as a whole. `undefined`: over
	 * an unknown path.
	 */
	received(path: Path | undefined, number: number, now: Millis): void {
		const {sender, paths, chosen} = this.#init;
		this.#feedback ??= new FeedbackSender(sender, paths, chosen);
		this.#feedback.received(path, number, now);
	}

	/** Notes another copy of a packet that came over a path. */
	copy(path: Path, number: number, now: Millis): void {
		this.#feedback?.copy(path, number, now);
	}

	/** Takes FEEDBACK. False: it reports packets that never were. */
	read(feedback: Feedback, now: Millis): boolean {
		return this.carriers.feedback(feedback, now);
	}

	/** Sends a report if one is due. */
	send(now: Millis): void {
		this.#feedback?.send(now);
	}

	/** Returns the time at which a report or a judgement is due: then `handleTimeout` and `send`. */
	nextTimeout(): Millis {
		return Math.min(this.#feedback?.nextTimeout() ?? NEVER, this.carriers.nextTimeout());
	}

	/** Judges what is overdue. */
	handleTimeout(now: Millis): void {
		this.carriers.handleTimeout(now);
	}
}
