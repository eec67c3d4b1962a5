import {type IntervalHistogram, monitorEventLoopDelay} from 'node:perf_hooks';
import process from 'node:process';

/** Least time over which the delay of the event loop is measured, in ms. */
const WINDOW_MILLIS = 1000;
/** Resolution of that measurement, in ms. */
const RESOLUTION_MILLIS = 20;

/** Figures of this process; times in seconds. */
export interface ProcessFigures {
	readonly cpu: number;
	/** Bytes of memory: all, and those of JavaScript. */
	readonly resident: number;
	readonly heap: number;
	/** Wall clock of its start, since 1970. */
	readonly started: number;
	/** Largest delay of the event loop since the figures before; `undefined`: not measured yet. */
	readonly delay: number | undefined;
	/** Time for which the event loop was busy. */
	readonly busy: number;
}

/** Measures this process while it exists. */
export class ProcessMeter {
	readonly #delays: IntervalHistogram = monitorEventLoopDelay({resolution: RESOLUTION_MILLIS});
	#since = performance.now();
	#delay: number | undefined;

	constructor() {
		this.#delays.enable();
	}

	/** Returns the figures now. */
	read(): ProcessFigures {
		const now = performance.now();
		// Two readers share a window, unless they are far apart.
		if (now - this.#since >= WINDOW_MILLIS && this.#delays.count > 0) {
			this.#delay = Math.max(0, this.#delays.max / 1e6 - RESOLUTION_MILLIS) / 1000;
			this.#delays.reset();
			this.#since = now;
		}
		const {user, system} = process.cpuUsage();
		const {rss: resident, heapUsed: heap} = process.memoryUsage();
		return {
			cpu: (user + system) / 1e6,
			resident,
			heap,
			started: (Date.now() - 1000 * process.uptime()) / 1000,
			delay: this.#delay,
			busy: performance.eventLoopUtilization().active / 1000,
		};
	}

	close(): void {
		this.#delays.disable();
	}
}
