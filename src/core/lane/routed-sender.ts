import type {Slot} from '../../bytes/slot-pool.ts';
import type {Millis} from '../../bytes/time.ts';
import {NOT_SENT, type PacketSender} from '../packets/packet-sender.ts';
import {Route} from '../packets/route.ts';
import {Sent} from '../sent.ts';
import type {Dispatch} from './dispatch/dispatch.ts';

/** Sends the packets of a lane where its dispatch leads. */
export class RoutedSender {
	readonly #sender: PacketSender;
	readonly #dispatch: Dispatch;
	/** Filled anew for each packet. */
	readonly #route = new Route();

	constructor(sender: PacketSender, dispatch: Dispatch) {
		this.#sender = sender;
		this.#dispatch = dispatch;
	}

	/** True when the session is over, and nothing is sent any more. */
	get ended(): boolean {
		return this.#sender.ended;
	}

	/** Bytes of UDP payload that a packet may have at most. */
	get packetSize(): number {
		return this.#dispatch.packetSize;
	}

	/**
	 * Returns a slot to write frames into, from HEAD_ROOM on. `undefined` (counted): there is none.
	 */
	take(): Slot | undefined {
		return this.#sender.take();
	}

	/** Takes a slot back that was not used. */
	giveBack(slot: Slot): void {
		this.#sender.giveBack(slot);
	}

	/** Sends the datagrams in a slot. False (counted): no path takes them. */
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
}
