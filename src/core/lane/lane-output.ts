import type {Slot} from '../../bytes/slot-pool.ts';
import type {Millis} from '../../bytes/time.ts';
import type {SenderCounts} from '../../fec/sender-counts.ts';
import type {Path} from '../path/path.ts';

/** Way out for the packets of a lane. */
export interface LaneOutput {
	/** True when the session is over, and nothing is sent any more. */
	readonly ended: boolean;
	/** True while a path takes packets of the lane. */
	readonly isUsable: boolean;
	/** Bytes of UDP payload that a packet may have at most, what the lane itself adds left out. */
	readonly packetSize: number;
	/** True when its packets carry datagrams and their announcements, and no other frames. */
	readonly isCoded: boolean;
	readonly counts: SenderCounts;
	/** True while packets of the lane go out on the path. */
	carries(path: Path): boolean;
	/**
	 * Returns a slot to write frames into, from HEAD_ROOM on. `undefined` (counted): there is none.
	 */
	take(): Slot | undefined;
	/** Takes a slot back that was not used. */
	giveBack(slot: Slot): void;
	/** Sends the datagrams in a slot. False (counted): no path takes them. */
	sendData(slot: Slot, now: Millis): boolean;
	/** Ends a batch of datagrams. */
	endTurn(now: Millis): void;
	/** Gives back what it holds: the session is over. */
	end(): void;
}
