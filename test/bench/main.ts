// npm run bench: measures the programs beside plain relays, prints tables, writes bench.json.
import {writeFileSync} from 'node:fs';
import process from 'node:process';
import {describeMachine, formatMachine} from './machine.ts';
import {MEASUREMENTS, selectMeasurements, titleOf, unknownText} from './measurements/all.ts';
import {
	type Case,
	type Conditions,
	type Measurement,
	RUNS,
	SINGLE,
} from './measurements/measurement.ts';
import {type BenchOptions, HELP, LIST, parseOptions} from './options.ts';
import {killAll} from './processes.ts';
import type {Row} from './row.ts';
import {describeEnds} from './systems/ends.ts';
import {MissingError} from './systems/system.ts';
import {formatTable} from './table.ts';

const EXPLANATION = `
Medians (low..high) of interleaved runs. 'direct' is generator -> sink alone, 'socat' one plain relay hop
that neither seals nor copies, 'tunnel' mpclient and mpserver with three paths, each packet on all of them.
CPU time is that of all threads, user and kernel, for each packet that was delivered.
`;

/** What did not run, and whether it should have. */
interface Omission {
	readonly title: string;
	readonly reason: string;
	readonly isFailure: boolean;
}

class Report {
	readonly #machine = describeMachine();
	readonly #options: BenchOptions;
	readonly #rows: Row[] = [];
	readonly #omissions: Omission[] = [];
	readonly #warnings = new Set<string>();
	#ends: Awaited<ReturnType<typeof describeEnds>> | undefined;

	constructor(options: BenchOptions) {
		this.#options = options;
	}

	get failed(): boolean {
		return this.#omissions.some(({isFailure}) => isFailure);
	}

	async run(): Promise<void> {
		const {only, isPlain} = this.#options;
		this.#ends = await describeEnds(isPlain ? SINGLE : RUNS);
		print(`${formatMachine(this.#machine)}${this.#ends.join('\n')}\n${EXPLANATION}`);
		for (const measurement of selectMeasurements(MEASUREMENTS, only)) await this.#run(measurement);
		for (const {title, reason, isFailure} of this.#omissions) {
			print(`${isFailure ? 'FAILED' : 'skipped'}: ${title}: ${reason}\n`);
		}
		for (const warning of this.#warnings) print(`Warning: ${warning}\n`);
	}

	async #run(measurement: Measurement): Promise<void> {
		const rows: Row[] = [];
		for (const each of measurement.cases) rows.push(...(await this.#runCase(measurement, each)));
		this.#rows.push(...rows);
		if (rows.length > 0) print(`${formatTable(measurement.title, measurement.reference, rows)}\n`);
		this.#write();
	}

	async #runCase(measurement: Measurement, each: Case): Promise<readonly Row[]> {
		const {repeats, millis, isPlain} = this.#options;
		const title = titleOf(measurement, each);
		tell(`${title} ...`);
		const style = isPlain ? SINGLE : RUNS;
		const warn = (text: string) => this.#warnings.add(`${title}: ${text}`);
		const conditions: Conditions = {repeats, millis, style, warn};
		try {
			return await each.run(conditions);
		} catch (error) {
			const reason = error instanceof Error ? error.message : String(error);
			this.#omissions.push({title, reason, isFailure: !(error instanceof MissingError)});
			tell(reason);
			return [];
		}
	}

	// After each measurement: whoever interrupts it has what there is.
	#write(): void {
		const report = {
			machine: this.#machine,
			ends: this.#ends,
			options: this.#options,
			rows: this.#rows,
			omissions: this.#omissions,
			warnings: [...this.#warnings],
		};
		writeFileSync('bench.json', `${JSON.stringify(report, undefined, '\t')}\n`);
	}
}

function print(text: string): void {
	process.stdout.write(text);
}

function tell(text: string): void {
	process.stderr.write(`${text}\n`);
}

process.on('exit', killAll);
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(1));
const options = parseOptions(process.argv.slice(2));
if (options === LIST) {
	for (const each of MEASUREMENTS) for (const one of each.cases) print(`${titleOf(each, one)}\n`);
} else if (typeof options === 'string') {
	process.stderr.write(options);
	process.exitCode = options === HELP ? 0 : 2;
} else {
	const unknown = unknownText(MEASUREMENTS, options.only);
	if (unknown === undefined) {
		const report = new Report(options);
		await report.run();
		if (report.failed) process.exitCode = 1;
	} else {
		process.stderr.write(`--only: no row has "${unknown}" in its name; --list has them all\n`);
		process.exitCode = 2;
	}
}
