import type {Bench} from './bench.ts';
import {type Spread, spread} from './statistics.ts';

const SIZE = 100;

/** How long a datagram takes through a system to an echo and back. */
export interface LatencyRow {
	readonly system: string;
	readonly rate: number;
	/** Microseconds. */
	readonly p50: Spread;
	readonly p99: Spread;
	readonly loss: Spread;
}

/** Measures the round trip through an echo, each system in turn. */
export async function measureLatency(
	bench: Bench,
	rate: number,
	repetitions: number,
	millis: number,
): Promise<LatencyRow[]> {
	const cells = bench.systems.map((system) => ({
		system,
		p50: [] as number[],
		p99: [] as number[],
		loss: [] as number[],
	}));
	for (let repetition = 0; repetition < repetitions; repetition++) {
		for (const {system, p50, p99, loss} of cells) {
			const run = await bench.begin(true);
			const {port} = system;
			const result = await bench.load.ask({type: 'ping', run, port, size: SIZE, rate, millis});
			p50.push(result.p50);
			p99.push(result.p99);
			loss.push(1 - result.answered / result.sent);
		}
	}
	return cells.map(({system, p50, p99, loss}) => ({
		system: system.name,
		rate,
		p50: spread(p50),
		p99: spread(p99),
		loss: spread(loss),
	}));
}
