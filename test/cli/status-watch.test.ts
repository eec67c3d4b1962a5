import test from 'ava';
import type {StatusSnapshot} from '../../src/app/observe/status.ts';
import {type Watched, watchStatus} from '../../src/cli/status-watch.ts';
import {PLAIN_SNAPSHOT} from '../app/observe/plain-snapshot.ts';

function snapshot(pid: number, uptime: number): StatusSnapshot {
	return {...PLAIN_SNAPSHOT, program: 'mpserver', pid, uptime};
}

function watched(pid: number, ask: () => Promise<StatusSnapshot>): Watched {
	return {folder: `/state/${pid}`, pid, ask};
}

/** Watches these programs, one list for each look; the lines that were shown and said. */
async function watch(looks: readonly (readonly Watched[])[], stopAfter = looks.length) {
	const left = [...looks];
	const output: string[] = [];
	let pauses = 0;
	await watchStatus({
		find: () => left.shift() ?? [],
		show: (lines) => output.push(lines.map(({text}) => text).join('|')),
		say: (text) => output.push(`said: ${text}`),
		pause: () => Promise.resolve(++pauses < stopAfter),
	});
	return {output, pauses};
}

const one = watched(1, () => Promise.resolve(snapshot(1, 3000)));
const two = watched(2, () => Promise.resolve(snapshot(2, 4000)));
const HEAD = 'mpserver 1.2.3, pid';

test('all programs are shown until the user ends it', async (t) => {
	const {output, pauses} = await watch([[one, two], [one, two], [one]], 2);
	const both = `${HEAD} 1, up 3s, clients 0||${HEAD} 2, up 4s, clients 0`;
	t.deepEqual(output, [both, both]);
	t.is(pauses, 2);
});

test('a program that has ended is said once, and the last one ends the watch', async (t) => {
	const {output, pauses} = await watch([[one, two], [two], [two], []], 100);
	t.deepEqual(output.slice(1), [
		'said: mpserver (pid 1) has ended',
		`${HEAD} 2, up 4s, clients 0`,
		`${HEAD} 2, up 4s, clients 0`,
		'said: mpserver (pid 2) has ended',
	]);
	t.is(pauses, 3);
});

test('a program that was started again is another one', async (t) => {
	const again = {...watched(3, () => Promise.resolve(snapshot(3, 0))), folder: one.folder};
	const {output} = await watch([[one], [again]]);
	t.deepEqual(output.slice(1), ['said: mpserver (pid 1) has ended', `${HEAD} 3, up 0s, clients 0`]);
});

test('a program that does not answer for once is still watched', async (t) => {
	const silent = watched(1, () => Promise.reject(new Error('no answer')));
	const {output} = await watch([[silent], [one], [silent], [one]]);
	t.deepEqual(output, [
		'"/state/1" does not answer: no answer',
		`${HEAD} 1, up 3s, clients 0`,
		'mpserver (pid 1) does not answer: no answer',
		`${HEAD} 1, up 3s, clients 0`,
	]);
});
