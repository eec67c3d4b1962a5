import type {PathState} from '../../../../src/core/events.ts';
import {PathAddress} from '../../../../src/core/path/address.ts';
import type {Path} from '../../../../src/core/path/path.ts';
import {pathOf} from '../../session/core-fixtures.ts';

/** A path to choose from. */
export interface Description {
	readonly state?: PathState;
	readonly backup?: boolean;
	readonly closed?: boolean;
	readonly rtt?: number;
	readonly grade?: number;
	/** Largest packet, bytes of UDP payload. */
	readonly size?: number;
	/** The user's limit in kbit/s, 0 = none. */
	readonly rate?: number;
}

/** A client's paths, each with one address unless it is closed. */
export function pathsOf(list: readonly Description[]): Path[] {
	return list.map((described, id) => {
		const {state = 'up', backup = false, closed = false, rtt = 50, grade = 0} = described;
		const path = pathOf(id, {backup});
		path.judge.state = state;
		path.dataLoss.grade = grade;
		path.rtt.sample(rtt);
		path.mtu.confirmed = described.size ?? path.mtu.confirmed;
		path.load.saturation.configure(described.rate ?? 0);
		if (!closed) path.addresses.add(new PathAddress(undefined, new Uint8Array(8), 0));
		return path;
	});
}
