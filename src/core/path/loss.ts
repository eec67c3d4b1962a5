/** Checkpoints kept: 6.4 s of probes at ten a second. */
const CHECKPOINTS = 64;

/** Enough packets to judge by; older checkpoints are then left out. */
const ENOUGH_PACKETS = 1000;

/**
 * Loss of one direction of one path, from pairs of counters (sent by one end, received by the
 * other) that a probe brings together. Looks back over the newest 1,000 packets or 64 checkpoints,
 * whichever is less.
 */
export class LossMeter {
	readonly #sent: Float64Array = new Float64Array(CHECKPOINTS);
	readonly #received: Float64Array = new Float64Array(CHECKPOINTS);
	#count = 0;
	#packets = 0;
	#loss = 0;

	/**
	 * Takes the newest counters, modulo 2^32. A checkpoint that is older than the last one, as
	 * reordering makes it, is ignored.
	 */
	update(sent: number, received: number): void {
		let totalSent = sent;
		let totalReceived = received;
		if (this.#count > 0) {
			const last = (this.#count - 1) % CHECKPOINTS;
			const sentStep = (sent - this.#sent[last]!) >>> 0;
			const receivedStep = (received - this.#received[last]!) >>> 0;
			if (sentStep === 0 || sentStep > 0x7fff_ffff || receivedStep > 0x7fff_ffff) return;
			totalSent = this.#sent[last]! + sentStep;
			totalReceived = this.#received[last]! + receivedStep;
		}
		this.#sent[this.#count % CHECKPOINTS] = totalSent;
		this.#received[this.#count % CHECKPOINTS] = totalReceived;
		this.#count++;
		this.#measure(totalSent, totalReceived);
	}

	#measure(sent: number, received: number): void {
		const oldest = Math.max(0, this.#count - CHECKPOINTS);
		let back = this.#count - 2;
		while (back > oldest && sent - this.#sent[back % CHECKPOINTS]! < ENOUGH_PACKETS) back--;
		if (back < 0) return;
		this.#packets = sent - this.#sent[back % CHECKPOINTS]!;
		const got = received - this.#received[back % CHECKPOINTS]!;
		this.#loss = Math.min(1, Math.max(0, 1 - got / this.#packets));
	}

	/** Starts again, for instance because the peer's counters did. */
	reset(): void {
		this.#count = 0;
		this.#packets = 0;
		this.#loss = 0;
	}

	/** Loss, 0 to 1. `undefined`: fewer than two checkpoints. */
	get loss(): number | undefined {
		return this.#packets > 0 ? this.#loss : undefined;
	}

	/** Loss for judging silence: with Laplace's rule of succession, at most one half. */
	get cautious(): number {
		return Math.min(0.5, (this.#loss * this.#packets + 1) / (this.#packets + 2));
	}
}
