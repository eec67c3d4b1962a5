import process from 'node:process';
import test, {type ExecutionContext} from 'ava';
import {lacking, type Needs} from '../machine/machine.ts';

/** What nothing on this machine can mend: its tests are skipped in CI too. */
const UNMENDABLE = new Set([
	'IPv6 on loopback',
	'Linux on x64 or arm64',
	'the optional package koffi',
]);

type Run = (t: ExecutionContext) => void | Promise<void>;
type Declare = (title: string, run: Run) => void;

/**
 * Declares tests that need something of the machine. Where it is missing they are skipped, with the
 * reason in the title, or fail when CI=true, where everything has to be there.
 */
export function needing(needs: Needs): Declare & {readonly serial: Declare} {
	const missing = lacking(needs);
	if (missing.length === 0) {
		const declare: Declare = (title, run) => test(title, run);
		return Object.assign(declare, {serial: ((title, run) => test.serial(title, run)) as Declare});
	}
	const note = `needs ${missing.join(', ')}`;
	const mendable = missing.some((name) => !UNMENDABLE.has(name));
	const fails = process.env['CI'] === 'true' && mendable;
	const declare: Declare = (title) => {
		if (fails) test(`${title} (${note})`, (t) => t.fail(note));
		else test.skip(`${title} (${note})`, () => {});
	};
	return Object.assign(declare, {serial: declare});
}
