import {CODED_MEASUREMENT} from './coded.ts';
import {CONNECTIONS_MEASUREMENT} from './connections.ts';
import {CPU_MEASUREMENT} from './cpu.ts';
import {FLOOD_MEASUREMENT} from './flood.ts';
import {FLOWS_MEASUREMENT} from './flows.ts';
import {GARBAGE_MEASUREMENT} from './garbage.ts';
import {GOODPUT_MEASUREMENT} from './goodput.ts';
import {LATENCY_MEASUREMENT} from './latency.ts';
import type {Case, Measurement} from './measurement.ts';
import {MEMORY_MEASUREMENT} from './memory.ts';
import {RECOVERY_MEASUREMENT} from './recovery.ts';
import {RESIDUAL_MEASUREMENT} from './residual.ts';
import {STREAMS_MEASUREMENT} from './streams.ts';
import {VPN_MEASUREMENT} from './vpn.ts';

/** Everything, in the order in which it is printed. */
export const MEASUREMENTS: readonly Measurement[] = [
	GOODPUT_MEASUREMENT,
	CPU_MEASUREMENT,
	LATENCY_MEASUREMENT,
	RESIDUAL_MEASUREMENT,
	CODED_MEASUREMENT,
	STREAMS_MEASUREMENT,
	VPN_MEASUREMENT,
	CONNECTIONS_MEASUREMENT,
	RECOVERY_MEASUREMENT,
	MEMORY_MEASUREMENT,
	GARBAGE_MEASUREMENT,
	FLOOD_MEASUREMENT,
	FLOWS_MEASUREMENT,
];

/** How a case is called for `--only` and `--list`. */
export function titleOf(measurement: Measurement, {name}: Case): string {
	return `${measurement.name}: ${name}`;
}

/** The first of the texts that is in no title. */
export function unknownText(
	measurements: readonly Measurement[],
	only: readonly string[],
): string | undefined {
	return only.find((text) => selectMeasurements(measurements, [text]).length === 0);
}

/** Those with one of the texts in their titles; all when there is no text. */
export function selectMeasurements(
	measurements: readonly Measurement[],
	only: readonly string[],
): Measurement[] {
	return measurements
		.map((measurement) => ({
			...measurement,
			cases: measurement.cases.filter((each) => {
				const title = titleOf(measurement, each);
				return only.length === 0 || only.some((text) => title.includes(text));
			}),
		}))
		.filter(({cases}) => cases.length > 0);
}
