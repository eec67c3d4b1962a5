import {IP_UDP_OVERHEAD} from '../../bytes/overhead.ts';
import type {Slot} from '../../bytes/slot-pool.ts';
import type {Millis} from '../../bytes/time.ts';
import {createCounts, meanTraffic, type SenderCounts} from '../../fec/sender-counts.ts';
import type {LaneRoutedStatus} from '../events.ts';
import {NOT_SENT, type PacketSender} from '../packets/packet-sender.ts';
import {Route} from '../packets/route.ts';
import type {Path} from '../path/path.ts';
import {Sent} from '../sent.ts';
import type {Dispatch} from './dispatch/dispatch.ts';
import type {LaneOutput} from './lane-output.ts';

/** Sends the packets of a lane where its dispatch leads. */
export class RoutedSender implements LaneOutput {
	readonly isCoded = false;
	readonly counts: SenderCounts = createCounts();
	readonly #sender: PacketSender;
	readonly #dispatch: Dispatch;
	/** Filled anew for each packet. */
	readonly #route = new Route();

	constructor(sender: PacketSender, dispatch: Dispatch) {
		this.#sender = sender;
		this.#dispatch = dispatch;
	}

	get ended(): boolean {
		return this.#sender.ended;
	}

	get isUsable(): boolean {
		return this.#dispatch.paths.length > 0;
	}

	get packetSize(): number {
		return this.#dispatch.packetSize;
	}

	carries(path: Path): boolean {
		return this.#dispatch.paths.includes(path);
	}

	take(): Slot | undefined {
		return this.#sender.take();
	}

	giveBack(slot: Slot): void {
		this.#sender.giveBack(slot);
	}

	sendData(slot: Slot, now: Millis): boolean {
		const bytes = this.#sender.lengthOf(slot);
		this.#dispatch.route(bytes, now, this.#route);
		if (this.#route.count > 0) this.#dispatch.sample(bytes, now, this.#route);
		if (this.#sender.send(slot, this.#route, now, Sent.DATA) === NOT_SENT) return false;
		const {counts} = this;
		const extra = this.#route.count - 1;
		counts.sources++;
		counts.copies += extra;
		counts.sourceBytes += bytes + IP_UDP_OVERHEAD;
		counts.extraBytes += extra * (bytes + IP_UDP_OVERHEAD);
		return true;
	}

	/** Sends the control frames in a slot. False (counted): no path takes them. */
	sendControl(slot: Slot, now: Millis): boolean {
		this.#dispatch.route(this.#sender.lengthOf(slot), now, this.#route);
		return this.#sender.send(slot, this.#route, now, Sent.ANSWER) !== NOT_SENT;
	}

	/**
	 * Returns the status of this direction.
	 * @param datagrams those that went into the lane
	 */
	status(datagrams: number): LaneRoutedStatus {
		const {sources, copies} = this.counts;
		const {paths} = this.#dispatch;
		const [only] = paths.length === 1 ? paths : [];
		return {
			datagrams,
			packets: sources,
			copies,
			traffic: meanTraffic(this.counts),
			paths: paths.map(({settings}) => settings.name),
			loss: only?.dataLoss.shown ?? only?.sendLoss.loss,
		};
	}

	endTurn(): void {}

	end(): void {}
}
