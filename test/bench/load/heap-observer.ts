// Loaded into a program under test (`--import`): tells on standard error, a line each second, what
// the garbage collector did since the last one.
import {writeSync} from 'node:fs';
import {GCProfiler} from 'node:v8';

const INTERVAL_MILLIS = 1000;

const profiler = new GCProfiler();
profiler.start();
let usedBefore = process.memoryUsage().heapUsed;
let told = performance.now();

setInterval(() => {
	const statistics = profiler.stop()?.statistics ?? [];
	profiler.start();
	const now = performance.now();
	let allocated = 0;
	let micros = 0;
	let kept: number | undefined;
	for (const {beforeGC, afterGC, cost} of statistics) {
		allocated += beforeGC.heapStatistics.usedHeapSize - usedBefore;
		usedBefore = afterGC.heapStatistics.usedHeapSize;
		kept = usedBefore;
		micros += cost;
	}
	const line = {millis: now - told, collecting: micros / 1000, allocated, kept};
	told = now;
	writeSync(2, `heap ${JSON.stringify(line)}\n`);
}, INTERVAL_MILLIS).unref();
