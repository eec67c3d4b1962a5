/** The names of the socket back ends, fastest first. */
export const IO_BACK_ENDS = ['batch', 'dgram'] as const;

/** The name of a socket back end, as `--io` takes it. */
export type IoName = (typeof IO_BACK_ENDS)[number];
