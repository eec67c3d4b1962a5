import test from 'ava';
import {EventLog} from '../../../src/app/observe/event-log.ts';
import {EventCounters} from '../../../src/app/observe/event-table.ts';
import {laneLines} from '../../../src/app/observe/lane-lines.ts';
import {brokenWords, laneWord} from '../../../src/app/observe/lane-words.ts';
import {createLogger} from '../../../src/app/observe/logger.ts';
import type {
	EndpointEvent,
	LaneReceivingStatus,
	LaneSendingStatus,
	LaneStatus,
	PolicyObstacle,
} from '../../../src/core/events.ts';
import {textWidth} from '../../../src/text/width.ts';
import {example} from '../../support/documents/document.ts';

const DOCUMENT = 'src/app/README.md';

const sending: LaneSendingStatus = {
	promise: {residual: 1e-4, within: 30, traffic: 3, floor: 1.5, rate: 0},
	coded: true,
	traffic: 1.625,
	meanTraffic: 1.5789,
	reason: 'promise',
	explanation: 'needs 1.63 x',
	needed: 1.625,
	allowed: 3,
	window: 32,
	sources: 36_412,
	copies: 3,
	repairs: 20_100,
	sourcePaths: ['dsl', 'lte'],
	repairPaths: ['lte'],
	reported: {received: 33_000, recovered: 3400, missing: 9, late: 2},
	residual: {sources: 36_400, failed: 0, failedInSteps: 12, steps: 1},
};

const receiving: LaneReceivingStatus = {
	received: 4000,
	recovered: 40,
	missing: 0,
	late: 0,
	residual: {sources: 4040, failed: 0, failedInSteps: 0, steps: 0},
	recovers: true,
};

const lane: LaneStatus = {lane: 1, policy: 'voice', sending, receiving};

test('a lane says its promise, and what became of both directions', (t) => {
	t.is(`${laneLines([lane]).join('\n')}\n`, example(DOCUMENT, 'lane'));
});

test('a lane that is not coded says what it sent', (t) => {
	const routed = {datagrams: 1234, packets: 1200, copies: 12, traffic: 1.01, paths: ['dsl']};
	const best = {lane: 2, policy: 'best', routed: {...routed, loss: 0.003}};
	t.is(`${laneLines([best]).join('\n')}\n`, example(DOCUMENT, 'routed'));
	t.is(laneWord(best), 'best:1.01x');
	t.false(
		laneLines([{...best, routed}])
			.join('\n')
			.includes('loss'),
	);
});

test('a lane without repairs, and one of which nothing came, have what there is', (t) => {
	t.deepEqual(laneLines([{lane: 2, policy: 'best'}]), ['  lane best: not coded']);
	const promise = {...sending.promise, floor: 3, rate: 20_000};
	const copies = {...sending, promise, coded: false, repairPaths: [], explanation: 'fixed'};
	t.deepEqual(laneLines([{lane: 1, policy: 'fec 3', sending: copies}]).slice(0, 1), [
		'  lane fec 3: 0.01 % within 30 ms, traffic 3 x, at most 20,000 kbit/s',
	]);
	t.true(
		laneLines([{lane: 1, policy: 'a', sending: copies}])
			.at(-1)!
			.includes('repairs 20,100, '),
	);
});

test('a policy that is not had says why', (t) => {
	const lines = (obstacle: PolicyObstacle, other: Partial<LaneStatus> = {}) =>
		laneLines([{lane: 0, policy: 'vpn', obstacle, ...other}]);
	t.deepEqual(lines('unknown-to-peer'), [
		'  lane vpn: redundant in its place: the other end knows no lanes',
	]);
	t.deepEqual(lines('too-many'), ['  lane vpn: redundant in its place: there are too many lanes']);
	const text = lines('not-recovered', {lane: 1, sending}).join(' ').replaceAll(/\s+/g, ' ');
	const words = 'copies in place of repairs: the other end recovers nothing: no SIMD or no memory';
	t.true(
		text.startsWith(` lane vpn: 0.01 % within 30 ms, traffic 1.5 x to 3 x, ${words} out:`),
		text,
	);
	const bare = {...receiving, recovers: false};
	t.regex(laneLines([{...lane, receiving: bare}]).join(' '), /NOTHING IS RECOVERED: no SIMD/);
});

test('the worst of all lanes fits in 80 columns, and nothing from outside breaks a line', (t) => {
	const names = Array.from({length: 16}, (_, id) => `${id}${'n'.repeat(31)}`);
	const many = 1e12;
	const counts = {received: many, recovered: many, missing: many, late: many};
	const residual = {sources: many, failed: many, failedInSteps: many, steps: 60};
	const worst: LaneSendingStatus = {
		...sending,
		...{sources: many, copies: many, repairs: many, window: 64, reported: counts, residual},
		promise: {residual: 1e-9, within: 65_535, traffic: 16, floor: 1.125, rate: 4_294_967_295},
		explanation: 'no factor is enough, 4294967295 kbit/s leave 15.99 x',
		sourcePaths: names,
		repairPaths: [...names, 'a\u001b[2J\nb'],
	};
	const lines = laneLines([
		{
			...{lane: 63, policy: `\u001b\n${'p'.repeat(300)}`, obstacle: 'not-recovered'},
			sending: worst,
			receiving: {...counts, residual, recovers: false},
		},
		{
			...{lane: 62, policy: 'p'},
			routed: {
				...{datagrams: many, packets: many, copies: many, traffic: 15.99, loss: 1e-8},
				paths: names,
			},
		},
	]);
	for (const line of lines) t.true(textWidth(line) <= 80 && line === line.trimEnd(), line);
	t.false(lines.some((line) => line.includes('\u001b') || line.includes('\n')));
});

test('a lane is one word of the statistics', (t) => {
	t.is(laneWord(lane), 'voice:1.63x,0of36400/0of4040');
	t.is(laneWord({...lane, receiving: undefined}), 'voice:1.63x,0of36400/-');
	t.is(laneWord({lane: 2, policy: 'best'}), 'best');
	t.is(laneWord({lane: 0, policy: 'vpn', obstacle: 'too-many'}), 'vpn:too-many');
});

const broken: Extract<EndpointEvent, {type: 'promise-broken'}> = {
	...{type: 'promise-broken', session: 1, policy: 'voice', promise: sending.promise},
	...{needed: 3.4, allowed: 3},
	reached: {sources: 36_400, failed: 11, failedInSteps: 0, steps: 0},
};

test('a broken promise says what it takes, what is allowed and what was reached', (t) => {
	t.is(`${brokenWords(broken)}\n`, example(DOCUMENT, 'broken'));
	t.is(
		brokenWords({...broken, needed: undefined}),
		'voice: 0.01 % within 30 ms: no factor is enough, allowed 3 x: reached 0.03 % (11 of 36,400)',
	);
});

test('the log warns of broken promises and replaced policies, names escaped', (t) => {
	const lines: string[] = [];
	const sink = (line: string) => lines.push(line.slice(25).trimEnd());
	const logger = createLogger({level: 'info', format: 'text', now: () => 0, sink});
	const log = new EventLog(logger, new EventCounters());
	log.log({type: 'session-up', session: 1, user: 'alice', resumed: false});
	log.log({...broken, policy: 'vo\nice'});
	log.log({type: 'policy-replaced', session: 1, policy: 'v"pn', obstacle: 'not-counted'});
	t.deepEqual(lines.slice(1), [
		'warn a promise is not kept detail="vo\\nice: 0.01 % within 30 ms needs 3.4 x, allowed 3 x: reached 0.03 % (11 of 36,400)" user=alice session=00000001',
		'warn copies go out in place of a policy policy="v\\"pn" because="the other end has no room for the lane" user=alice session=00000001',
	]);
});
