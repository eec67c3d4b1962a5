import {execFile} from 'node:child_process';
import process from 'node:process';
import {fileURLToPath} from 'node:url';
import {promisify} from 'node:util';
import type {FlowsReport} from '../../support/flows/main.ts';
import {makeRow, type Row} from '../row.ts';
import {temporaryFolder} from '../systems/temporary-folder.ts';
import type {Case, Measurement} from './measurement.ts';

const PROGRAM = fileURLToPath(new URL('../../support/flows/main.js', import.meta.url));
const NAME = 'flows';
const FLOWS = 10_000;
const ASSOCIATIONS = 2000;

// Opens 10,000 flows beside 2,000 SOCKS associations at a rate.
async function openFlows(rate: number): Promise<FlowsReport> {
	const {PATH = ''} = process.env;
	const words = [temporaryFolder(), `${FLOWS}`, `${ASSOCIATIONS}`, `${rate}`];
	const argv = ['--expose-gc', PROGRAM, ...words];
	const {stdout} = await promisify(execFile)(process.execPath, argv, {env: {PATH}});
	return JSON.parse(stdout);
}

function rowsOf(name: string, reports: readonly FlowsReport[]): Row[] {
	const row = {measurement: NAME, case: name};
	const of = (system: string, unit: string, read: (report: FlowsReport) => number) =>
		makeRow({...row, system, unit, runs: reports.map(read)});
	return [
		of('open at the end', 'flows', ({flows}) => flows),
		of('of the new ones answered', 'flows', ({answered}) => answered),
		of('heap of each, both ends', 'B', ({heapPerFlow}) => heapPerFlow),
		of('p99 of another flow, alone', 'ms', ({before}) => before.p99),
		of('p99 of another flow, meanwhile', 'ms', ({during}) => during.p99),
		of('lost of another flow, meanwhile', 'packets', ({during}) => during.lost),
	];
}

function opened(rate: number): Case {
	const name = `10,000 flows opened at ${rate.toLocaleString('en')}/s`;
	return {
		name,
		run: async ({repeats}) => {
			const reports: FlowsReport[] = [];
			for (let i = 0; i < repeats; i++) reports.push(await openFlows(rate));
			return rowsOf(name, reports);
		},
	};
}

/** What many flows at once cost. */
export const FLOWS_MEASUREMENT: Measurement = {
	name: NAME,
	title: 'flow churn',
	reference: '-',
	cases: [opened(500), opened(2000)],
};
