import {availableParallelism} from 'node:os';
import process from 'node:process';
import {isMainThread, parentPort, Worker, workerData} from 'node:worker_threads';
import {RATE_CASES, type RateNumber} from '../support/rate-cases.ts';
import {spread} from './statistics.ts';

const SEEDS = 20;

interface Result {
	readonly index: number;
	readonly numbers: readonly RateNumber[];
}

function work(seeds: readonly number[]): void {
	for (const seed of seeds) {
		for (const [index, {run}] of RATE_CASES.entries()) {
			const result: Result = {index, numbers: run(seed)};
			parentPort?.postMessage(result);
		}
	}
}

/** All seeds of all cases, spread over the processors. */
async function measure(): Promise<Result[]> {
	const results: Result[] = [];
	const workers = Math.min(SEEDS, availableParallelism());
	const seeds = Array.from({length: SEEDS}, (_, i) => i + 1);
	const runs = Array.from({length: workers}, (_, part) => {
		const own = seeds.filter((seed) => seed % workers === part);
		const worker = new Worker(new URL(import.meta.url), {workerData: own});
		worker.on('message', (result: Result) => results.push(result));
		return new Promise<void>((resolve, reject) => {
			worker.on('error', reject);
			worker.on('exit', () => resolve());
		});
	});
	await Promise.all(runs);
	return results;
}

function row(name: string, values: readonly RateNumber[]): string {
	const {isLeast, limit, name: unit} = values[0]!;
	const {median, low, high} = spread(values.map(({value}) => value));
	const worst = isLeast ? low : high;
	const complete = values.length === SEEDS && values.every(({value}) => !Number.isNaN(value));
	const holds = complete && (isLeast ? worst >= limit : worst <= limit);
	const cells = [`${isLeast ? '>=' : '<='} ${limit}`, worst.toFixed(2), median.toFixed(2)];
	return `| ${[name, unit, ...cells, holds ? 'yes' : 'NO'].join(' | ')} |`;
}

async function main(): Promise<void> {
	const results = await measure();
	const lines = [
		'| world | number | limit | worst | median | holds |',
		'|---|---|---|---|---|---|',
	];
	for (const [index, {name}] of RATE_CASES.entries()) {
		const runs = results.filter((result) => result.index === index).map(({numbers}) => numbers);
		for (let i = 0; i < (runs[0]?.length ?? 0); i++) {
			lines.push(
				row(
					name,
					runs.map((numbers) => numbers[i]!),
				),
			);
		}
	}
	process.stdout.write(`${lines.join('\n')}\n`);
	if (lines.some((line) => line.endsWith('NO |'))) process.exitCode = 1;
}

if (isMainThread) await main();
else work(workerData);
