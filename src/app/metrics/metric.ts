import type {LabelName, Samples} from './samples.ts';
import type {MetricsView} from './view.ts';

/** One metric: its description, and what it reads of a snapshot. */
export interface MetricKind {
	/** By the rules of Prometheus: base units, `_total` for counters. */
	readonly name: string;
	readonly type: 'counter' | 'gauge';
	/** A sentence without a full stop. */
	readonly help: string;
	readonly labels: readonly LabelName[];
	/** Adds its samples; what is not measured has none. */
	readonly read: (view: MetricsView, samples: Samples) => void;
}

/** A value that goes up and down. */
export function gauge(
	name: string,
	help: string,
	labels: readonly LabelName[],
	read: MetricKind['read'],
): MetricKind {
	return {name: `mptunnel_${name}`, type: 'gauge', help, labels, read};
}

/** A count that only rises; its name gets `_total`. */
export function counter(
	name: string,
	help: string,
	labels: readonly LabelName[],
	read: MetricKind['read'],
): MetricKind {
	return {name: `mptunnel_${name}_total`, type: 'counter', help, labels, read};
}

/** Returns seconds. `undefined`: not measured. */
export function seconds(millis: number | undefined): number | undefined {
	return millis === undefined ? undefined : millis / 1000;
}
