import process from 'node:process';
import {ALL_NEEDS, lacking} from './machine.ts';

// Printed before the tests: which of them this machine cannot run. Ava counts them at the end.
const missing = lacking(ALL_NEEDS);
process.stdout.write(
	missing.length === 0
		? 'nothing is missing on this machine: every test runs\n'
		: `missing on this machine: ${missing.join(', ')}\nthe tests that need them are skipped\n`,
);
