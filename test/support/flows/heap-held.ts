import process from 'node:process';

/** Bytes of heap in use after everything that can go has gone. Needs --expose-gc. */
export async function heapHeld(): Promise<number> {
	let least = Number.POSITIVE_INFINITY;
	for (let round = 0; round < 4; round++) {
		globalThis.gc?.();
		await new Promise((resolve) => setTimeout(resolve, 20));
		least = Math.min(least, process.memoryUsage().heapUsed);
	}
	return least;
}
