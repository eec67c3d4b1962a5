import process from 'node:process';
import {whatTrafficBuys} from '../support/lanes/buys.ts';
import {LANE_ROWS, letterOf} from '../support/lanes/lane-cases.ts';
import {readArguments} from '../support/machine/flags.ts';
import {LANES_HELP, parseLanesOptions, TABLE} from './lanes-options.ts';

/*
 * The figures of coded lanes on simulated links and a virtual clock, the same on every machine.
 */

/** Part of a row's length in a short run. */
const SHORT = 1 / 30;
const TABLE_SOURCES = 200_000;

const letters = LANE_ROWS.map(letterOf);
const options = readArguments((argv) => parseLanesOptions(argv, letters), LANES_HELP);

if (options !== undefined) {
	const {only, short} = options;
	const isChosen = (letter: string) => only.length === 0 || only.includes(letter);
	const print = (line: string) => process.stdout.write(`${line}\n`);
	const share = short ? SHORT : 1;
	const rows = LANE_ROWS.filter((row) => isChosen(letterOf(row)));
	if (rows.length > 0) print('| row | figure | limit | holds |\n|---|---|---|---|');
	for (const row of rows) {
		const {name, figure, limit, holds} = row.run(share);
		print(`| ${name} | ${figure} | ${limit} | ${holds ? 'yes' : 'NO'} |`);
		if (!holds) process.exitCode = 1;
	}
	if (isChosen(TABLE)) {
		print('');
		for (const line of whatTrafficBuys(Math.round(TABLE_SOURCES * share))) print(line);
	}
}
