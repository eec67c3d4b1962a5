import type {Millis} from '../../../src/bytes/time.ts';
import type {LaneSendingStatus, LaneStatus} from '../../../src/core/events.ts';
import type {End} from '../world/datagram-ledger.ts';
import type {TunnelWorld} from '../world/tunnel-world.ts';

/** What became of some datagrams of a world. */
export interface Outcome {
	readonly count: number;
	readonly lost: number;
	readonly late: number;
	/** Both. */
	readonly bad: number;
}

/** Counts the datagrams of [from, to) that never came out at an end, or after more than `limit`. */
export function outcomeAt(
	world: TunnelWorld,
	end: End,
	[from, to]: readonly [from: number, to: number],
	limit: Millis,
): Outcome {
	let came = 0;
	let late = 0;
	for (const {sequence, at, sentAt} of end === 'client' ? world.atClient : world.atServer) {
		if (sequence < from || sequence >= to) continue;
		came++;
		if (at - sentAt > limit) late++;
	}
	const count = to - from;
	const lost = count - came;
	return {count, lost, late, bad: lost + late};
}

/** Lets a world send for a while; returns the datagrams of that time. */
export function streamed(
	world: TunnelWorld,
	rate: number,
	duration: Millis,
	size = 100,
): readonly [from: number, to: number] {
	const from = world.sent;
	world.stream(rate, duration, 0, size);
	return [from, world.sent];
}

/** Lets a world go on until its client has a session, and a while for its paths. */
export function settle(world: TunnelWorld): void {
	while (world.client!.status(world.now).sessions[0]?.state !== 'up') world.run(world.now + 200);
	world.run(world.now + 500);
}

/** The only lane of an end. */
export function laneOf(world: TunnelWorld, end: End): LaneStatus {
	return world[end]!.status(world.now).sessions[0]!.lanes[0]!;
}

/** What an end sends in its only lane. */
export function sendingOf(world: TunnelWorld, end: End): LaneSendingStatus {
	return laneOf(world, end).sending!;
}
