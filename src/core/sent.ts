/** Kinds of packets sent, by the evidence that a path judge may expect of them. */
export const Sent = {
	/** A datagram: the next probe covers it. */
	DATA: 0,
	/** A PROBE, which draws a PONG. */
	PROBE: 1,
	/** A PONG or another control frame, whose arrival no report confirms soon. */
	ANSWER: 2,
} as const;
/** One of {@link Sent}. */
export type Sent = (typeof Sent)[keyof typeof Sent];
