import type {Slot} from '../bytes/slot-pool.ts';
import type {Millis} from '../bytes/time.ts';
import {EndpointContext} from './context.ts';
import type {DropReason} from './drop-reason.ts';
import type {Environment} from './environment.ts';
import type {EndpointEvent} from './events.ts';
import type {Delivery, Transmit} from './transmit.ts';
import type {TunnelStream} from './tunnel-stream.ts';

/** Outputs of both endpoints; see Endpoint for the contract. */
export class EndpointOutputs {
	protected readonly context: EndpointContext;

	constructor(environment: Environment, encrypt: boolean) {
		this.context = new EndpointContext(environment, encrypt);
	}

	flush(now: Millis): void {
		this.context.open.flush(now);
	}

	runEarly(_now: Millis): boolean {
		return false;
	}

	pollTransmit(_now: Millis): Transmit | undefined {
		return this.context.outbox.poll();
	}

	releaseSlot(slot: Slot): void {
		this.context.outbox.pool.release(slot);
	}

	pollDelivery(): Delivery | undefined {
		return this.context.pollDelivery();
	}

	pollStream(): TunnelStream | undefined {
		return this.context.pollStream();
	}

	pollEvent(): EndpointEvent | undefined {
		return this.context.pollEvent();
	}

	failed(error: unknown, now: Millis): void {
		this.context.failed(0, error, now);
	}

	/** Counts a drop and hands the reason back. */
	protected drop(reason: DropReason): DropReason {
		return this.context.drops.count(reason);
	}

	/** Queues a handshake packet as it is; the caller fills in the destinations. */
	protected queueRaw(bytes: Uint8Array): Transmit | undefined {
		const {outbox} = this.context;
		const slot = outbox.take();
		if (slot === undefined) return undefined;
		slot.bytes.set(bytes, 0);
		slot.start = 0;
		slot.end = bytes.length;
		return outbox.queue(slot);
	}
}
