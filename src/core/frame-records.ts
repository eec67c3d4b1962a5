import type {ClientIdentity, Close, Padding} from '../wire/frames/control.ts';
import {
	createDatagram,
	createFragment,
	type DatagramTo,
	type Fragment,
} from '../wire/frames/datagram.ts';
import {createFeedback, type Feedback} from '../wire/frames/feedback.ts';
import type {TargetRefusal} from '../wire/frames/flow.ts';
import {
	type FlowLane,
	type LanePlace,
	LaneReport,
	type LanesFrame,
	type RepairFrame,
} from '../wire/frames/lane.ts';
import type {Paths} from '../wire/frames/paths.ts';
import {Probe} from '../wire/frames/probe.ts';
import type {StreamBegin, StreamData, StreamEnd} from '../wire/frames/stream.ts';

const EMPTY = new Uint8Array(0);

/**
 * The records that frames are read into, shared by all sessions of an endpoint. Each is valid until
 * the next frame of its kind is read, so a handler is done with it before it reads another packet.
 */
export class FrameRecords {
	readonly datagram: DatagramTo = createDatagram();
	readonly fragment: Fragment = createFragment();
	/** Record of all frames about flows. */
	readonly flow: TargetRefusal = {flow: 0, reference: 0, code: 0};
	readonly probe: Probe = new Probe();
	readonly feedback: Feedback = createFeedback();
	readonly paths: Paths = {sequence: 0, copies: 0, paths: []};
	readonly padding: Padding = {size: 0};
	readonly client: ClientIdentity = {clientId: EMPTY};
	readonly close: Close = {code: 0, quiet: 0};
	/** Record of all frames of streams. */
	readonly stream: StreamBegin & StreamEnd & StreamData = {
		id: 0,
		window: 0,
		address: EMPTY,
		code: 0,
		offset: 0,
		bytes: EMPTY,
		start: 0,
		end: 0,
	};
	readonly lane: LanePlace = {lane: 0, sequence: 0};
	readonly repair: RepairFrame = {lane: 0, newest: 0, count: 0, bytes: EMPTY, start: 0, end: 0};
	readonly laneReport: LaneReport = new LaneReport();
	/** Record of LANES and LANES_KNOWN. */
	readonly lanes: LanesFrame = {sequence: 0, lanes: []};
	readonly flowLane: FlowLane = {flow: 0, reference: 0, lane: 0};
}
