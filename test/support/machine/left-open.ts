/*
 * Loaded by ava before each file of tests: a process that does not end once its tests have, because one
 * of them left a socket, a timer or a child open, ends with an error that names what is open. Ava alone
 * would wait for it, and say nothing.
 */
import process from 'node:process';
import {registerCompletionHandler} from 'ava';

/** Milliseconds that closing may take on a busy machine. */
const GRACE = 10_000;

registerCompletionHandler(() => {
	const expired = () => {
		const open = process.getActiveResourcesInfo().join(', ');
		process.stderr.write(`left open ${GRACE / 1000} s after the last test: ${open}\n`);
		process.exit(1);
	};
	setTimeout(expired, GRACE).unref();
});
