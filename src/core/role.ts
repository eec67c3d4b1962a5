/** The two ends of a session. The client drives the probing, the server fills in. */
export const Role = {CLIENT: 0, SERVER: 1} as const;
/** One of {@link Role}. */
export type Role = (typeof Role)[keyof typeof Role];
