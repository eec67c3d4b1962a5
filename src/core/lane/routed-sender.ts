import type {Slot} from '../../bytes/slot-pool.ts';
import type {Millis} from '../../bytes/time.ts';
import {NOT_SENT, type PacketSender} from '../packets/packet-sender.ts';
import {Route} from '../packets/route.ts';
import type {Path} from '../path/path.ts';
import {Sent} from '../sent.ts';
import type {Dispatch} from './dispatch/dispatch.ts';
import type {LaneOutput} from './lane-output.ts';

/** Sends the packets of a lane where its dispatch leads. */
export class RoutedSender implements LaneOutput {
	readonly isCoded = false;
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
		return this.#sender.send(slot, this.#route, now, Sent.DATA) !== NOT_SENT;
	}

	/** Sends the control frames in a slot. False (counted): no path takes them. */
	sendControl(slot: Slot, now: Millis): boolean {
		this.#dispatch.route(this.#sender.lengthOf(slot), now, this.#route);
		return this.#sender.send(slot, this.#route, now, Sent.ANSWER) !== NOT_SENT;
	}

	endTurn(): void {}

	end(): void {}
}
