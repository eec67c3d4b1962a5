/** The names of the rate models, the default first. */
export const CONGESTION_CONTROLS = ['bbr', 'newreno'] as const;

/** The rate model of streams: what a path is believed to carry, and how much is sent there. */
export type CongestionControl = (typeof CONGESTION_CONTROLS)[number];
