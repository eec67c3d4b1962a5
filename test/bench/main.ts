// npm run bench: measures the programs beside a plain socat relay, prints a table, writes bench.json.
import {writeFileSync} from 'node:fs';
import process from 'node:process';
import {Bench} from './bench.ts';
import {measureCpu} from './cpu.ts';
import {measureFlows} from './flows.ts';
import {measureGoodput} from './goodput.ts';
import {measureLatency} from './latency.ts';
import {type BenchOptions, HELP, type Measurement, parseOptions} from './options.ts';
import {killAll} from './processes.ts';
import {measureRecovery} from './recovery.ts';
import {describeMachine, formatReport, type Report} from './report.ts';
import {measureStreams} from './streams.ts';

/** Below what the slowest back end carries, so that all are measured at the same rate. */
const CPU_RATE = 10_000;
const PING_RATE = 1000;
const WARM_UP_RATE = 4000;

async function run(options: BenchOptions): Promise<Report> {
	const {measurements, sizes, repetitions, millis} = options;
	const warnings: string[] = [];
	const machine = describeMachine();
	const bench = await Bench.start(options.systems, (text) => {
		warnings.push(text);
		tell(text);
	});
	// A fresh process runs slow code until it is compiled.
	for (const system of bench.systems)
		await bench.trial(system, sizes[0]!, WARM_UP_RATE, 2 * millis);
	const step = async <T>(name: Measurement, measure: () => Promise<T[]>) => {
		if (!measurements.has(name)) return [];
		tell(`measuring ${name} ...`);
		return measure();
	};
	const cpu = await step('cpu', () => measureCpu(bench, sizes, CPU_RATE, repetitions, 2 * millis));
	const latency = await step('latency', () =>
		measureLatency(bench, PING_RATE, repetitions, 2 * millis),
	);
	const goodput = await step('goodput', () => measureGoodput(bench, sizes, repetitions, millis));
	const recovery = await step('recovery', () => measureRecovery(bench, repetitions));
	await bench.stop();
	const flows = await step('flows', () => measureFlows(repetitions > 1 ? [500, 2000] : [2000]));
	const streams = await step('streams', measureStreams);
	return {machine, goodput, cpu, latency, recovery, flows, streams, warnings};
}

function tell(text: string): void {
	process.stderr.write(`${text}\n`);
}

process.on('exit', killAll);
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(1));
const options = parseOptions(process.argv.slice(2));
if (typeof options === 'string') {
	process.stderr.write(options);
	process.exitCode = options === HELP ? 0 : 2;
} else {
	const report = await run(options);
	process.stdout.write(formatReport(report));
	writeFileSync('bench.json', `${JSON.stringify(report, undefined, '\t')}\n`);
}
