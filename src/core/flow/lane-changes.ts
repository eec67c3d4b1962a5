import {type Millis, NEVER} from '../../bytes/time.ts';
import {encodeFrame} from '../../wire/frames/codec.ts';
import {type FlowLane, flowLaneFrame} from '../../wire/frames/lane.ts';
import type {Lane} from '../lane/lane.ts';

/** Times that each change is sent, as nothing answers it, and the time between two. */
const TIMES = 3;
const AGAIN: Millis = 200;
/** Frames of a packet, and packets of one turn. */
const FRAMES = 48;
const PACKETS = 32;

interface LaneChange extends FlowLane {
	left: number;
}

/** Tells the server of flows and targets whose lanes have changed: FLOW_LANE, three times. */
export class LaneChanges {
	/** Time of the next handleTimeout. `NEVER`: there is nothing to tell. */
	due: Millis = NEVER;
	readonly #send: (frames: Uint8Array, now: Millis) => void;
	/** By flow and reference, the next to be sent first. */
	readonly #changes = new Map<string, LaneChange>();

	/** @param send sends control frames */
	constructor(send: (frames: Uint8Array, now: Millis) => void) {
		this.#send = send;
	}

	/** Notes the lane of a flow, or of one of its targets, before and now. */
	note(flow: number, reference: number, before: Lane, {id: lane}: Lane): void {
		// A server that knows no lanes has lane 0 for all.
		if (before.id === lane) return;
		this.#changes.set(`${flow} ${reference}`, {flow, reference, lane, left: TIMES});
	}

	/** Forgets all: the session is over. */
	clear(): void {
		this.#changes.clear();
		this.due = NEVER;
	}

	/** Sends the changes, some of many. */
	send(now: Millis): void {
		const all = [...this.#changes].slice(0, FRAMES * PACKETS);
		for (let at = 0; at < all.length; at += FRAMES) {
			const part = all.slice(at, at + FRAMES);
			this.#send(joined(part.map(([, change]) => change)), now);
		}
		for (const [key, change] of all) {
			this.#changes.delete(key);
			change.left--;
			if (change.left > 0) this.#changes.set(key, change);
		}
		this.due = this.#changes.size > 0 ? now + AGAIN : NEVER;
	}

	/** Sends them again. */
	handleTimeout(now: Millis): void {
		if (now >= this.due) this.send(now);
	}
}

function joined(changes: readonly FlowLane[]): Uint8Array {
	const frames = changes.map((change) => encodeFrame(flowLaneFrame, change));
	const all = new Uint8Array(frames.reduce((sum, {length}) => sum + length, 0));
	let at = 0;
	for (const frame of frames) {
		all.set(frame, at);
		at += frame.length;
	}
	return all;
}
