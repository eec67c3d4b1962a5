import type {Bench} from '../bench.ts';
import type {LoadStyle} from '../load/load-sockets.ts';
import type {Row} from '../row.ts';

/** What a measurement is told. */
export interface Conditions {
	/** Runs of everything, interleaved. */
	readonly repeats: number;
	/** Of one run of load. */
	readonly millis: number;
	readonly style: LoadStyle;
	readonly warn: (text: string) => void;
}

/** Some figures that belong together, found under the same conditions. */
export interface Case {
	readonly name: string;
	/** Throws a MissingError where the machine lacks something, which is no failure. */
	readonly run: (conditions: Conditions) => Promise<readonly Row[]>;
}

/** A table of the results. */
export interface Measurement {
	readonly name: string;
	readonly title: string;
	/** What the ratios are to. */
	readonly reference: string;
	readonly cases: readonly Case[];
}

/** How the load is sent and received unless a case says otherwise. */
export const RUNS: LoadStyle = {sendsRuns: true, receivesRuns: true};
/** As most applications do. */
export const SINGLE: LoadStyle = {sendsRuns: false, receivesRuns: false};

/** Runs `use`, and stops the bench also when it fails. */
export async function withBench<T>(
	start: Promise<Bench>,
	use: (bench: Bench) => Promise<T>,
): Promise<T> {
	const bench = await start;
	try {
		return await use(bench);
	} finally {
		await bench.stop();
	}
}

/** Datagram sizes in bytes: 7 of 64, 4 of 576 and 1 of 1200. */
export const MIXED_SIZES: readonly number[] = [
	64, 576, 64, 64, 576, 64, 1200, 64, 576, 64, 64, 576,
];
