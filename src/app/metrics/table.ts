import type {MetricKind} from './metric.ts';
import {PATH_METRICS} from './path-metrics.ts';
import {POLICY_METRICS} from './policy-metrics.ts';
import {PROGRAM_METRICS, USER_METRICS} from './program-metrics.ts';

/** All metrics, in the order in which they are written. Names stay; new ones may come. */
export const METRICS: readonly MetricKind[] = [
	...PATH_METRICS,
	...POLICY_METRICS,
	...USER_METRICS,
	...PROGRAM_METRICS,
];
