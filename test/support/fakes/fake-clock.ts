import type {RaceClock} from '../../../src/net/tcp/race.ts';

/** Time that passes when a test says so. */
export class FakeClock implements RaceClock {
	now = 0;
	#timers: {at: number; run: () => void}[] = [];

	after(delay: number, run: () => void): () => void {
		const timer = {at: this.now + delay, run};
		this.#timers.push(timer);
		return () => {
			this.#timers = this.#timers.filter((one) => one !== timer);
		};
	}

	/** How many timers are armed. */
	get armed(): number {
		return this.#timers.length;
	}

	/** Lets time pass, and runs what is due, in order. */
	pass(millis: number): void {
		const end = this.now + millis;
		for (;;) {
			const [next] = this.#timers.filter(({at}) => at <= end).sort((a, b) => a.at - b.at);
			if (next === undefined) break;
			this.now = next.at;
			this.#timers = this.#timers.filter((one) => one !== next);
			next.run();
		}
		this.now = end;
	}
}
