import test from 'ava';
import type {PathState} from '../../../src/core/events.ts';
import {
	type Activity,
	probeInterval,
	type Situation,
} from '../../../src/core/path/probe-interval.ts';
import {Role} from '../../../src/core/role.ts';
import {pathOf} from '../session/core-fixtures.ts';

const NOW = 100_000;

interface Case extends Partial<Situation> {
	readonly state?: PathState;
	readonly metered?: boolean;
	readonly downFor?: number;
	readonly suspectFor?: number;
	readonly queue?: number;
}

function interval(example: Case): number {
	const {state = 'up', metered = false, downFor, suspectFor, queue, ...changes} = example;
	const path = pathOf(0, {metered});
	path.judge.state = state;
	if (downFor !== undefined) path.downSince = NOW - downFor;
	if (suspectFor !== undefined) path.judge.unprovenSince = NOW - suspectFor;
	for (const delay of [0, queue ?? 0, queue ?? 0]) path.sendDelay.sample(0, delay * 1000, NOW);
	const plain = {role: Role.CLIENT, activity: 'active' as Activity, waiting: false, doubt: false};
	const situation = {...plain, keepAlive: Number.POSITIVE_INFINITY, ...changes};
	return Math.round(probeInterval(path, situation, NOW));
}

const cases: readonly (readonly [string, Case, number])[] = [
	['a path that is up and active', {}, 100],
	['a calm path', {activity: 'calm'}, 1000],
	['an idle path', {activity: 'idle'}, 20_000],
	['a metered path with traffic', {metered: true}, 1000],
	['a metered path without', {metered: true, activity: 'idle'}, 60_000],
	['the server’s side of an active path', {role: Role.SERVER}, 150],
	['an active path with a queue', {queue: 80}, 50],
	['an active path while another is in doubt', {doubt: true}, 50],
	['an idle path while another is in doubt', {doubt: true, activity: 'idle'}, 20_000],
	['a suspect path at first', {state: 'suspect', suspectFor: 300}, 25],
	['a suspect path after a while', {state: 'suspect', suspectFor: 1001}, 100],
	['a suspect path without traffic', {state: 'suspect', activity: 'idle', suspectFor: 300}, 200],
	['a new path', {state: 'new'}, 100],
	['a path that is down', {state: 'down', downFor: 29_000}, 200],
	['a path that has been down for 34 s', {state: 'down', downFor: 34_000}, 2000],
	['a path that has been down for long', {state: 'down', downFor: 1e6}, 5000],
	['a path long down while data waits', {state: 'down', downFor: 1e6, waiting: true}, 200],
	[
		'the server’s side of a metered path',
		{metered: true, activity: 'idle', role: Role.SERVER},
		90_000,
	],
	['a metered path to be kept open', {metered: true, activity: 'idle', keepAlive: 25_000}, 22_727],
	['an idle path to be kept open', {activity: 'idle', keepAlive: 11_000}, 10_000],
	[
		'a metered path to be kept open without an answer',
		{metered: true, activity: 'idle', keepAlive: 25_000, state: 'suspect'},
		5000,
	],
	['a metered path with traffic, kept open seldom', {metered: true, keepAlive: 25_000}, 1000],
	['a metered path that is down', {state: 'down', downFor: 10, metered: true}, 200],
];

for (const [name, example, expected] of cases) {
	test(`${name} is probed every ${expected} ms`, (t) => {
		t.is(interval(example), expected);
	});
}

test('probing a down path slows down without a step back', (t) => {
	let last = 0;
	for (let downFor = 0; downFor < 60_000; downFor += 100) {
		const now = interval({state: 'down', downFor});
		t.true(now >= last && now >= 200 && now <= 5000);
		last = now;
	}
});
