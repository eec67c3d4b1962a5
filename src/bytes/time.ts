/**
 * A point in time or a span in fractional milliseconds of one monotonic clock; the zero is
 * arbitrary.
 */
export type Millis = number;

/** The deadline of a timer that is not armed. */
export const NEVER: Millis = Number.POSITIVE_INFINITY;
