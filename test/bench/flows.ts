import {execFile} from 'node:child_process';
import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import process from 'node:process';
import {fileURLToPath} from 'node:url';
import {promisify} from 'node:util';
import type {FlowsReport} from '../support/flows-main.ts';

const PROGRAM = fileURLToPath(new URL('../support/flows-main.js', import.meta.url));
const FLOWS = 10_000;
const ASSOCIATIONS = 2000;

/** What many flows at once cost, opened at a rate. */
export interface FlowsRow extends FlowsReport {
	/** New flows in a second. */
	readonly rate: number;
}

/** Opens 10,000 flows beside 2,000 SOCKS associations, slowly and fast. */
export async function measureFlows(rates: readonly number[]): Promise<FlowsRow[]> {
	const rows = [];
	for (const rate of rates) {
		const folder = mkdtempSync(join(tmpdir(), 'mptunnel-flows-'));
		const {PATH = ''} = process.env;
		const argv = ['--expose-gc', PROGRAM, folder, `${FLOWS}`, `${ASSOCIATIONS}`, `${rate}`];
		try {
			const {stdout} = await promisify(execFile)(process.execPath, argv, {env: {PATH}});
			const report: FlowsReport = JSON.parse(stdout);
			rows.push({...report, rate});
		} finally {
			rmSync(folder, {recursive: true});
		}
	}
	return rows;
}
