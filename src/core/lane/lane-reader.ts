import type {Millis} from '../../bytes/time.ts';
import {HEADER_LENGTH} from '../../wire/constants.ts';
import {encodeFrame} from '../../wire/frames/codec.ts';
import {
	type LanePlace,
	laneFrame,
	laneReportFrame,
	lanesFrame,
	lanesKnownFrame,
	repairFrame,
} from '../../wire/frames/lane.ts';
import type {EndpointContext} from '../context.ts';
import type {DropReason} from '../drop-reason.ts';
import {type FrameTable, MALFORMED} from '../packets/frame-table.ts';
import type {ReceivedPacket} from '../packets/received-packet.ts';
import {RateLimit} from '../rate-limit.ts';
import {Role} from '../role.ts';
import type {LaneOwner} from './lane.ts';
import type {Lanes} from './lanes.ts';

/** Answers to packets of lanes that are not known, per second. */
const ANSWERS_PER_SECOND = 10;

/** Reads the frames of lanes in one session. */
export class LaneReader {
	readonly #lanes: Lanes;
	readonly #owner: LaneOwner;
	readonly #role: Role;
	readonly #answers = new RateLimit(ANSWERS_PER_SECOND, 1);

	constructor(lanes: Lanes, owner: LaneOwner, role: Role) {
		this.#lanes = lanes;
		this.#owner = owner;
		this.#role = role;
	}

	/** Registers the handlers. */
	register(frames: FrameTable, {records}: EndpointContext): void {
		const lanes = this.#lanes;
		const {lane, repair, laneReport, lanes: description} = records;
		frames.onChecked(laneFrame, lane, (frame, packet, now) => this.#source(frame, packet, now));
		frames.on(repairFrame, repair, (frame, packet, now) => {
			lanes.input(frame.lane)?.repair(frame, packet, now);
		});
		frames.on(laneReportFrame, laneReport, (frame, _packet, now) => {
			lanes.output(frame.lane)?.reported(frame, now);
		});
		frames.on(lanesKnownFrame, {sequence: 0}, ({sequence}) => {
			if (this.#role === Role.CLIENT) lanes.confirmed(sequence);
		});
		// At a client it is malformed.
		if (this.#role !== Role.SERVER) return;
		frames.on(lanesFrame, description, (frame, _packet, now) => {
			const sequence = lanes.described(frame, now);
			if (sequence !== undefined) this.#confirm(sequence, now);
		});
	}

	#confirm(sequence: number, now: Millis): void {
		this.#owner.sendControl(encodeFrame(lanesKnownFrame, {sequence}), now);
	}

	/** Takes the place of a packet in its lane, before its other frames are read. */
	#source(
		{lane, sequence}: LanePlace,
		packet: ReceivedPacket,
		now: Millis,
	): DropReason | undefined {
		// A packet holds one LANE at most, so that the first byte tells which frame this is.
		if (packet.bytes[packet.start + HEADER_LENGTH] !== laneFrame.type) return MALFORMED;
		packet.lane = lane;
		packet.sequence = sequence;
		const input = this.#lanes.inputFor(lane, sequence);
		if (input === undefined) {
			const isServer = this.#role === Role.SERVER;
			if (isServer && this.#answers.allow('', now))
				this.#confirm(this.#lanes.describedSequence, now);
			return undefined;
		}
		return input.source(sequence, packet, now) ? undefined : 'duplicate';
	}
}
