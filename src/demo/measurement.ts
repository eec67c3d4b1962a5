import type {StatusSnapshot} from '../app/observe/status.ts';
import type {Millis} from '../bytes/time.ts';
import type {PathState, PathStatus, SessionStatus, SourceCounts} from '../core/events.ts';

/** One direction of one path, as the tunnel measured it. */
export interface PathDirection {
	/** As the end that sends judges it. */
	readonly state: PathState;
	/** There and back, as the end that sends measures it. */
	readonly rtt: Millis | undefined;
	readonly jitter: Millis | undefined;
	/** Over the last seconds. */
	readonly loss: number | undefined;
	/** Packets over the whole run: by the end that sends, and by the one that receives. */
	readonly sent: number;
	readonly arrived: number;
	/** One-way delay above the usual. */
	readonly queueing: Millis | undefined;
	/** Copies not sent because the path looked full. */
	readonly saturated: number;
}

/** One direction of the tunnel, as the tunnel measured it. */
export interface TunnelDirection {
	/** Datagrams put in at one end and delivered at the other. */
	readonly sent: number;
	readonly received: number;
	/** Without what repairs brought back. */
	readonly residualLoss: number | undefined;
}

/** One direction of the coded lane of a tunnel. */
export interface LaneDirection {
	/** Packets with datagrams, and with combinations of them, as their sender counts them. */
	readonly sources: number;
	readonly repairs: number;
	/** Sources that were lost on their path and came back, as the receiver counts them. */
	readonly recovered: number;
}

/** Both directions of something: client to server, server to client. */
export type Both<T> = readonly [up: T, down: T];

/** Everything the two ends of one tunnel know of it together. */
export interface Measurement {
	readonly paths: readonly {readonly name: string; readonly directions: Both<PathDirection>}[];
	readonly tunnel: Both<TunnelDirection>;
	/** `undefined`: its policy is none that codes. */
	readonly lane: Both<LaneDirection> | undefined;
}

/** Joins the status of both ends of their one session. `undefined`: an end has none. */
export function measure(client: StatusSnapshot, server: StatusSnapshot): Measurement | undefined {
	const near = client.sessions[0];
	// After a new handshake the server may still hold the session before it.
	const far = server.sessions.find(({session}) => session === near?.session);
	if (near === undefined || far === undefined) return undefined;
	const pairs = near.paths.flatMap((path) => {
		const other = far.paths.find(({id}) => id === path.id);
		return other === undefined ? [] : [{path, other}];
	});
	return {
		paths: pairs.map(({path, other}) => ({
			name: path.name,
			directions: [pathDirection(path, other), pathDirection(other, path)],
		})),
		tunnel: [tunnelDirection(near, far), tunnelDirection(far, near)],
		lane: bothOf(laneDirection(near, far), laneDirection(far, near)),
	};
}

/** True when so many paths are up in both directions. */
export function allUp(measurement: Measurement | undefined, paths: number): boolean {
	const up = measurement?.paths.filter(({directions}) =>
		directions.every(({state}) => state === 'up'),
	);
	return up?.length === paths;
}

/** Delay that all paths of a direction have at once comes from the machine, not from the paths. */
export function sharedDelay({paths}: Measurement): Millis {
	const least = (direction: 0 | 1) =>
		Math.min(...paths.map(({directions}) => directions[direction].queueing ?? 0));
	return paths.length === 0 ? 0 : Math.max(least(0), least(1));
}

/** Copies not sent because a path looked full, over all. */
export function heldCopies({paths}: Measurement): number {
	return paths
		.flatMap(({directions}) => directions)
		.reduce((sum, {saturated}) => sum + saturated, 0);
}

/** The share that did not arrive. `undefined`: nothing was sent. */
export function lossOf({sent, arrived}: {sent: number; arrived: number}): number | undefined {
	return sent === 0 ? undefined : Math.max(0, 1 - arrived / sent);
}

/** The loss that paths have together when they lose independently: the product of their own. */
export function product(losses: readonly (number | undefined)[]): number | undefined {
	let result = 1;
	for (const loss of losses) {
		if (loss === undefined) return undefined;
		result *= loss;
	}
	return losses.length === 0 ? undefined : result;
}

/**
 * Returns the range in which the loss of 99 of 100 runs lies when `count` datagrams are lost at
 * `loss` independently.
 */
export function likelyRange(loss: number, count: number): readonly [low: number, high: number] {
	const reach = 2.576 * Math.sqrt((loss * (1 - loss)) / Math.max(1, count));
	return [Math.max(0, loss - reach), Math.min(1, loss + reach)];
}

function pathDirection(sender: PathStatus, receiver: PathStatus): PathDirection {
	const {state, rtt, jitter} = sender;
	return {
		state,
		rtt,
		jitter,
		loss: sender.sending.loss,
		sent: sender.sending.packets,
		arrived: receiver.receiving.packets,
		queueing: sender.sending.queueing,
		saturated: sender.saturated,
	};
}

function tunnelDirection(sender: SessionStatus, receiver: SessionStatus): TunnelDirection {
	const coded = receiver.lanes[0]?.receiving;
	return {
		sent: sender.datagramsSent,
		received: receiver.datagramsReceived,
		residualLoss: coded === undefined ? receiver.residualLoss : residualOf(coded),
	};
}

/** Returns the share of the sources that did not come in time. */
function residualOf({received, recovered, missing, late}: SourceCounts): number | undefined {
	const all = received + recovered + missing;
	return all === 0 ? undefined : (missing + late) / all;
}

/** Joins what both ends know of the only lane. `undefined`: there is none, or it is not coded. */
function laneDirection(sender: SessionStatus, receiver: SessionStatus): LaneDirection | undefined {
	const sending = sender.lanes[0]?.sending;
	if (sending === undefined) return undefined;
	const {sources, repairs} = sending;
	return {sources, repairs, recovered: receiver.lanes[0]?.receiving?.recovered ?? 0};
}

function bothOf<T>(up: T | undefined, down: T | undefined): Both<T> | undefined {
	return up === undefined || down === undefined ? undefined : [up, down];
}
