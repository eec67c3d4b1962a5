/** Counts of one direction of a lane at its sender; bytes are those on the wire. */
export interface SenderCounts {
	/** Packets with datagrams, further copies of them, and repairs. */
	sources: number;
	copies: number;
	repairs: number;
	sourceBytes: number;
	/** Of copies and repairs. */
	extraBytes: number;
}

/** Returns the counts of a sender that sent nothing. */
export function createCounts(): SenderCounts {
	return {sources: 0, copies: 0, repairs: 0, sourceBytes: 0, extraBytes: 0};
}

/** Adds counts to `sum`. */
export function addCounts(sum: SenderCounts, counts: Readonly<SenderCounts>): void {
	sum.sources += counts.sources;
	sum.copies += counts.copies;
	sum.repairs += counts.repairs;
	sum.sourceBytes += counts.sourceBytes;
	sum.extraBytes += counts.extraBytes;
}

/** Returns the traffic factor of all that was sent. */
export function meanTraffic({sourceBytes, extraBytes}: Readonly<SenderCounts>): number {
	return sourceBytes === 0 ? 1 : 1 + extraBytes / sourceBytes;
}
