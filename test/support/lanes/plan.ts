import type {Plan} from '../../../src/fec/plan.ts';

/** Bytes of a source's packet beside its content: LANE (6), the tunnel's 27, IPv4 and UDP 28. */
export const SOURCE_OVERHEAD = 61;
/** Bytes of a repair's packet beside its symbol: REPAIR (7), the tunnel's 27, IPv4 and UDP 28. */
export const REPAIR_OVERHEAD = 62;

/** A coded plan over three paths. */
export function planOf(traffic: number, window: number, other: Partial<Plan> = {}): Plan {
	return {
		coded: true,
		traffic,
		window,
		sources: [0, 1, 2],
		repairs: undefined,
		samples: [],
		stride: 32,
		pauseRepairs: 2,
		overhead: REPAIR_OVERHEAD,
		...other,
	};
}
