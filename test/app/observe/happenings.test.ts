import test from 'ava';
import {Happenings} from '../../../src/app/observe/happenings.ts';
import {LogTail} from '../../../src/app/observe/log-tail.ts';
import type {EndpointEvent, PathState} from '../../../src/core/events.ts';

function pathState(path: number, from: PathState, to: PathState, session = 1): EndpointEvent {
	return {type: 'path-state', session, path, name: `p${path}`, from, to, reason: 'silence'};
}

function up(resumed: boolean): EndpointEvent {
	return {type: 'session-up', session: 1, user: '', resumed};
}

function textsOf(events: readonly EndpointEvent[], names: readonly string[] = []) {
	const happenings = new Happenings(() => 5, names);
	for (const event of events) happenings.event(event);
	return happenings.since(0).map(({mark, text}) => `${mark} ${text}`);
}

test('paths and sessions that come and go are noted, suspicion and new keys are not', (t) => {
	const events = [
		up(false),
		pathState(0, 'new', 'up'),
		pathState(1, 'new', 'up'),
		pathState(0, 'up', 'suspect'),
		pathState(0, 'suspect', 'up'),
		up(true),
		pathState(1, 'suspect', 'down'),
	];
	t.deepEqual(textsOf(events, ['dsl', 'lte']), [
		'up the session is up',
		'up path dsl is up',
		'up path lte is up',
		'down path lte is down: silence',
	]);
});

test('a session whose paths were all down goes on, by either sign', (t) => {
	const events = [up(false), pathState(0, 'new', 'up'), pathState(0, 'up', 'down')];
	const seen = textsOf(events).length;
	t.deepEqual(textsOf([...events, pathState(0, 'down', 'up'), up(true)]).slice(seen), [
		'up path p0 is up: the session goes on',
	]);
	t.deepEqual(textsOf([...events, up(true)]).slice(seen), ['up the session is resumed']);
});

test('200 are kept, the newest', (t) => {
	const happenings = new Happenings(() => 5);
	for (let index = 0; index < 1000; index++) happenings.note('note', `${index}`);
	t.is(happenings.since(0).length, 200);
	t.is(happenings.since(0)[0]?.text, '800');
	t.is(happenings.since(998).length, 2);
	t.is(happenings.upTo(810).length, 10);
	t.deepEqual(happenings.upTo(100), []);
	t.deepEqual(happenings.since(2000), []);
});

test('of a log the last 200 lines are kept, and of each its beginning', (t) => {
	const tail = new LogTail();
	for (let index = 0; index < 500; index++) tail.add(`${index}\n`);
	tail.add('x'.repeat(5000));
	t.is(tail.count, 501);
	t.is(tail.since(0).length, 200);
	t.is(tail.since(0)[0], '301');
	t.is(tail.since(500)[0]?.length, 1000);
});
