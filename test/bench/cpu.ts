import type {Bench} from './bench.ts';
import {cpuTime} from './processes.ts';
import {type Spread, spread} from './statistics.ts';

/** What a packet costs one process of a system. */
export interface CpuRow {
	readonly system: string;
	readonly role: string;
	readonly size: number;
	readonly rate: number;
	/** Microseconds per datagram, user and system: of the main thread, and of all threads. */
	readonly main: Spread;
	readonly all: Spread;
	readonly loss: Spread;
}

/** Measures the CPU time per datagram at a rate that every system carries, in turn. */
export async function measureCpu(
	bench: Bench,
	sizes: readonly number[],
	rate: number,
	repetitions: number,
	millis: number,
): Promise<CpuRow[]> {
	const cells = sizes.flatMap((size) =>
		bench.systems.flatMap((system) => {
			const parts = system.parts.map(({role}) => ({
				role,
				main: [] as number[],
				all: [] as number[],
			}));
			return parts.length === 0 ? [] : [{system, size, parts, loss: [] as number[]}];
		}),
	);
	for (let repetition = 0; repetition < repetitions; repetition++) {
		for (const {system, size, parts, loss} of cells) {
			const before = system.parts.map(({program}) => cpuTime(program.pid));
			const trial = await bench.trial(system, size, rate, millis);
			loss.push(trial.loss);
			system.parts.forEach(({program}, index) => {
				const after = cpuTime(program.pid);
				const from = before[index]!;
				parts[index]!.main.push(((after.main - from.main) * 1000) / trial.sent);
				parts[index]!.all.push(((after.all - from.all) * 1000) / trial.sent);
			});
		}
	}
	return cells.flatMap(({system, size, parts, loss}) =>
		parts.map(({role, main, all}) => ({
			system: system.name,
			role,
			size,
			rate,
			main: spread(main),
			all: spread(all),
			loss: spread(loss),
		})),
	);
}
