/** The names of the rate models, the default first. */
export const CONGESTION_CONTROLS = ['bbr', 'newreno'] as const;

/**
 * The rate model of streams: it estimates the rate that a path carries, and limits what is sent
 * there.
 */
export type CongestionControl = (typeof CONGESTION_CONTROLS)[number];
