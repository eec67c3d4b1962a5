/** The slow twin of `LossMeter`: keeps every checkpoint and looks back over the list. */
export class DirectLoss {
	readonly #checkpoints: {readonly sent: number; readonly received: number}[] = [];

	/** Takes counters that have not wrapped and never go back. */
	update(sent: number, received: number): void {
		if (this.#checkpoints.at(-1)?.sent === sent) return;
		this.#checkpoints.push({sent, received});
	}

	/** Loss over the newest 1,000 packets or 63 steps, and on how many packets that rests. */
	get measured(): {readonly loss: number; readonly packets: number} | undefined {
		const newest = this.#checkpoints.slice(-64);
		const last = newest.at(-1);
		if (last === undefined || newest.length < 2) return undefined;
		const enough = newest.filter(({sent}) => last.sent - sent >= 1000);
		const base = enough.at(-1) ?? newest[0]!;
		const packets = last.sent - base.sent;
		const lost = 1 - (last.received - base.received) / packets;
		return {loss: Math.min(1, Math.max(0, lost)), packets};
	}
}
