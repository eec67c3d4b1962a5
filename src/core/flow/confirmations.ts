import {type Millis, NEVER} from '../../bytes/time.ts';
import {VARINT_MAX} from '../../bytes/varint.ts';
import {type FlowTarget, targetKnownFrame} from '../../wire/frames/flow.ts';

/** Longest wait of a confirmation for a datagram or for others to go with. */
const PATIENCE: Millis = 3;
/** Most bytes that wait; what does not fit is confirmed when the target comes inline again. */
const ROOM = 256;
/** Longest prefix: more would make a datagram that fits one packet need two. */
const PREFIX_ROOM = 32;
const LONGEST_FRAME: number = targetKnownFrame.length({
	flow: VARINT_MAX,
	reference: VARINT_MAX,
});

/**
 * TARGET_KNOWN frames on their way to the client: in front of the next datagram when they are few,
 * else all together in a packet of their own. One packet each would cost more than the flows do.
 */
export class Confirmations {
	readonly #bytes: Uint8Array = new Uint8Array(ROOM);
	readonly #frame: FlowTarget = {flow: 0, reference: 0};
	#length = 0;
	/** Time at which those that wait have to go out. `NEVER`: none waits. */
	due: Millis = NEVER;

	/** Adds a confirmation, or drops it when there is no room. */
	add(flow: number, reference: number, now: Millis): void {
		if (this.#length + LONGEST_FRAME > ROOM) return;
		this.#frame.flow = flow;
		this.#frame.reference = reference;
		this.#length = targetKnownFrame.encode(this.#bytes, this.#length, this.#frame);
		if (this.due === NEVER) this.due = now + PATIENCE;
	}

	/** Takes all to put them in front of a datagram. `undefined`: there are none, or too many. */
	takePrefix(): Uint8Array | undefined {
		return this.#length > PREFIX_ROOM ? undefined : this.take();
	}

	/** Takes all, as a copy. `undefined`: there are none. */
	take(): Uint8Array | undefined {
		if (this.#length === 0) return undefined;
		const frames = this.#bytes.slice(0, this.#length);
		this.#length = 0;
		this.due = NEVER;
		return frames;
	}
}
