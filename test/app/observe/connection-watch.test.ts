import test from 'ava';
import {ConnectionWatch} from '../../../src/app/observe/connection-watch.ts';
import {findingWords, judgeSigns} from '../../../src/app/observe/path-finding.ts';
import {NEVER} from '../../../src/bytes/time.ts';
import type {PathState} from '../../../src/core/events.ts';
import type {PathTrouble} from '../../../src/net/tunnel/client-path.ts';

const SILENT = 'silent: no server, wrong key or blocked';

function setUp(paths: number, now = 1000) {
	const troubles = new Map<number, PathTrouble>();
	const watch = new ConnectionWatch({paths, now, troubleOf: (path) => troubles.get(path)});
	const up = (at: number, resumed = false) =>
		watch.event({type: 'session-up', session: 1, user: '', resumed}, at);
	const state = (path: number, to: PathState, at: number) =>
		watch.event({type: 'path-state', session: 1, path, name: '', from: 'up', to, reason: ''}, at);
	const words = (path: number, now: number) => {
		const finding = watch.finding(path, now);
		return finding === undefined ? undefined : findingWords(finding);
	};
	return {watch, troubles, up, state, words};
}

test('a client that never had a session reports after 3 s, and every minute while it lasts', (t) => {
	const {watch, words, up} = setUp(1);
	t.is(watch.nextTimeout(), 4000);
	t.false(watch.handleTimeout(3999));
	t.true(watch.handleTimeout(4000));
	t.is(words(0, 4000), SILENT);
	t.is(watch.nextTimeout(), 64_000);
	t.false(watch.handleTimeout(63_999));
	t.true(watch.handleTimeout(64_000));
	t.deepEqual(watch.status(64_000), {up: false, for: 63_000, reason: ''});
	up(65_000);
	t.is(watch.nextTimeout(), NEVER);
	t.false(watch.handleTimeout(1e9));
	t.deepEqual(watch.status(66_000), {up: true, for: 1000, reason: ''});
});

test('each path has its own finding: no socket, no name, refused, no route, silent', (t) => {
	const {watch, troubles, words} = setUp(5);
	troubles.set(0, {kind: 'no-socket', reason: 'cannot open UDP 192.0.2.1:0'});
	troubles.set(1, {kind: 'unresolved', reason: 'no such name'});
	watch.refused(1, 'refused: nothing listens there', 3000);
	watch.refused(2, 'refused: nothing listens there', 3000);
	watch.refused(3, 'no route (ENETUNREACH)', 3000);
	t.deepEqual(
		[0, 1, 2, 3, 4].map((path) => words(path, 4000)),
		[
			'no socket: cannot open UDP 192.0.2.1:0',
			'the name cannot be resolved: no such name',
			'refused: nothing listens there',
			'no route: ENETUNREACH',
			SILENT,
		],
	);
	// A refusal that is not repeated while INITs go on was that of a bridge that has come back.
	t.is(words(2, 15_000), 'refused: nothing listens there');
	t.is(words(2, 15_001), SILENT);
});

test('what the server answers is said of the paths that are not refused', (t) => {
	const {watch, words} = setUp(2);
	watch.refused(0, 'refused: nothing listens there', 2000);
	watch.event(
		{
			type: 'warning',
			code: 'encryption-differs',
			where: 'server',
			text: 'set at one end only',
			times: 1,
		},
		2000,
	);
	t.is(words(0, 4000), 'refused: nothing listens there');
	t.is(words(1, 4000), 'MPTUNNEL_ENCRYPT differs between the two ends: set at one end only');
});

test('a session whose paths are all down is no connection', (t) => {
	const {watch, state, up, words} = setUp(2, 0);
	up(100);
	state(0, 'up', 200);
	state(1, 'up', 200);
	state(0, 'down', 10_000);
	t.is(watch.nextTimeout(), NEVER);
	t.is(words(0, 10_000), SILENT, 'a path that is down has a finding, connection or not');
	t.is(words(1, 10_000), undefined);
	state(1, 'down', 20_000);
	t.is(watch.nextTimeout(), 23_000);
	t.deepEqual(watch.status(21_000), {up: false, for: 1000, reason: ''});
	t.is(watch.finding(0, 21_000)?.for, 11_000);
	// New keys alone bring no path back.
	up(22_000, true);
	t.true(watch.handleTimeout(23_000));
	state(0, 'new', 24_000);
	t.is(watch.nextTimeout(), NEVER);
});

test('the end of a session is the reason until there is another', (t) => {
	const {watch, state, up} = setUp(1, 0);
	up(100);
	state(0, 'up', 200);
	watch.event({type: 'session-down', session: 1, reason: 'the server stops'}, 5000);
	t.deepEqual(watch.status(6000), {up: false, for: 1000, reason: 'the server stops'});
	t.true(watch.handleTimeout(8000));
	up(9000);
	t.is(watch.status(9000).reason, '');
});

test('a connection that comes and goes is not reported more often than every 15 s', (t) => {
	const {watch, state, up} = setUp(1, 0);
	let reports = 0;
	up(0);
	for (let now = 0; now < 60_000; now += 4000) {
		state(0, 'up', now);
		state(0, 'down', now + 100);
		for (let at = now + 100; at < now + 4000; at += 100) {
			if (watch.handleTimeout(at)) reports++;
		}
	}
	t.true(reports >= 3 && reports <= 4, `${reports}`);
});

test('a path that is suspect before it was ever up has a finding', (t) => {
	const {state, up, words} = setUp(2, 0);
	up(100);
	state(0, 'suspect', 1000);
	state(1, 'up', 1000);
	state(1, 'suspect', 1500);
	t.is(words(0, 2000), undefined);
	t.is(words(0, 3000), SILENT);
	t.is(words(1, 9000), undefined);
});

test('what a server answers instead of making a session is said in words', (t) => {
	const words = (code: 'other-version' | 'full' | 'user-full') =>
		findingWords(judgeSigns({trouble: undefined, warning: {code, text: ''}, refusal: undefined}));
	t.is(words('other-version'), 'the server uses another version');
	t.is(words('full'), 'the server has no room for another session');
	t.is(words('user-full'), 'a limit of this key is reached');
});

test('a keyless hint or an unknown key is no verdict', (t) => {
	const warning = {code: 'unknown-key', text: ''} as const;
	t.is(judgeSigns({trouble: undefined, warning, refusal: undefined}).verdict, 'silent');
});
