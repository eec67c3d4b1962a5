import {availableParallelism} from 'node:os';
import process from 'node:process';
import {isMainThread, parentPort, Worker, workerData} from 'node:worker_threads';
import {readArguments} from '../support/machine/flags.ts';
import {RATE_CASES} from '../support/rates/cases.ts';
import {holds, type LimitedNumber, type NumberedCase} from '../support/rates/numbered-case.ts';
import {STREAM_CASES} from '../support/rates/stream-cases.ts';
import {spread} from './spread.ts';
import {parseStreamsOptions, STREAMS_HELP, type StreamsOptions} from './streams-options.ts';

/*
 * The numbers of streams on the project's own simulated links and a virtual clock, the same on every
 * machine: first whole tunnels, then the rate model of one path alone in many more worlds.
 */

/** What a worker has to run: every case with each of its seeds. */
interface Work {
	readonly only: string;
	readonly seeds: readonly number[];
}

interface Result {
	readonly index: number;
	readonly numbers: readonly LimitedNumber[];
}

const CASES: readonly NumberedCase[] = [...STREAM_CASES, ...RATE_CASES];

function chosen(only: string): readonly NumberedCase[] {
	return CASES.filter(({name}) => name.includes(only));
}

function work({only, seeds}: Work): void {
	for (const [index, {run}] of chosen(only).entries()) {
		for (const seed of seeds) {
			const result: Result = {index, numbers: run(seed)};
			parentPort?.postMessage(result);
		}
	}
}

/** Runs every case with seeds 1 to `count`, spread over the processors; tells when one is complete. */
async function measure(
	only: string,
	count: number,
	complete: (index: number, runs: readonly (readonly LimitedNumber[])[]) => void,
): Promise<void> {
	const runs = chosen(only).map((): (readonly LimitedNumber[])[] => []);
	const workers = Math.min(count, availableParallelism());
	const seeds = Array.from({length: count}, (_, i) => i + 1);
	const ends = Array.from({length: workers}, (_, part) => {
		const own: Work = {only, seeds: seeds.filter((seed) => seed % workers === part)};
		const worker = new Worker(new URL(import.meta.url), {workerData: own});
		worker.on('message', ({index, numbers}: Result) => {
			runs[index]!.push(numbers);
			if (runs[index]!.length === count) complete(index, runs[index]!);
		});
		return new Promise<void>((resolve, reject) => {
			worker.on('error', reject);
			worker.on('exit', () => resolve());
		});
	});
	await Promise.all(ends);
}

/** A line of the table, and whether the number holds whatever the seed. */
function row(name: string, values: readonly LimitedNumber[]): {line: string; isKept: boolean} {
	const {isLeast, limit, name: unit} = values[0]!;
	const {median, low, high} = spread(values.map(({value}) => value));
	const isKept = values.every(holds);
	const bound = `${isLeast ? '>=' : '<='} ${limit}`;
	const figures = [isLeast ? low : high, median].map((value) => value.toFixed(2));
	const cells = [name, unit, bound, ...figures, isKept ? 'yes' : 'NO'];
	return {line: `| ${cells.join(' | ')} |`, isKept};
}

async function bench({seeds, only}: StreamsOptions): Promise<void> {
	const print = (line: string) => process.stdout.write(`${line}\n`);
	print(`Simulated, ${seeds} seeds.\n`);
	print('| world | number | limit | worst | median | holds |\n|---|---|---|---|---|---|');
	const cases = chosen(only);
	await measure(only, seeds, (index, runs) => {
		for (let i = 0; i < runs[0]!.length; i++) {
			const numbers = runs.map((run) => run[i]!);
			const {line, isKept} = row(cases[index]!.name, numbers);
			print(line);
			if (!isKept) process.exitCode = 1;
		}
	});
}

if (isMainThread) {
	const names = CASES.map(({name}) => name);
	const options = readArguments((argv) => parseStreamsOptions(argv, names), STREAMS_HELP);
	if (options !== undefined) await bench(options);
} else work(workerData);
