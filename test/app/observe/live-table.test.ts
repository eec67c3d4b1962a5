import test from 'ava';
import {liveTable} from '../../../src/app/observe/live-table.ts';
import type {StatusSnapshot} from '../../../src/app/observe/status.ts';
import type {LaneStatus, PathStatus, SessionStatus} from '../../../src/core/events.ts';
import {textWidth} from '../../../src/text/width.ts';
import {PLAIN_SNAPSHOT} from './plain-snapshot.ts';

const path: PathStatus = {
	id: 0,
	name: 'lte',
	remote: '',
	state: 'up',
	rtt: 23.14,
	jitter: 0.52,
	sending: {packets: 1000, bytes: 0, streamBytes: 0, loss: 0.05, dataLoss: 0.1, queueing: 1},
	receiving: {packets: 900, bytes: 0, streamBytes: 0, loss: 0.0512, queueing: undefined},
	saturated: 0,
	mtu: 1472,
	backup: false,
	metered: false,
	silence: 40,
};

const session: SessionStatus = {
	session: 1,
	user: '',
	state: 'up',
	age: 62_000,
	flows: 1,
	datagramsSent: 1000,
	datagramsReceived: 1230,
	datagramsSplit: 0,
	residualLoss: undefined,
	lanes: [],
	rekeys: 0,
	keyAge: 30_000,
	paths: [path],
};

const snapshot: StatusSnapshot = {
	...PLAIN_SNAPSHOT,
	places: [{id: 0, name: 'lüte', target: 'b:1', remotes: [], localPorts: []}],
	connection: {up: true, for: 60_000, reason: ''},
	sessions: [session],
};

/** The same two seconds later, with these counters. */
function later(sent: number, packets: number): StatusSnapshot {
	const sending = {...path.sending, packets};
	const paths = [{...path, sending}];
	const sessions = [{...session, datagramsSent: sent, paths}];
	return {...snapshot, uptime: 65_000, sessions};
}

const texts = (...snapshots: Parameters<typeof liveTable>) =>
	liveTable(...snapshots).map(({text}) => text);

/** The cells of the row of a path. */
function cells(lines: readonly string[], name: string): readonly string[] {
	const row = lines.find((line) => line.startsWith(`  ${name} `));
	return row?.trim().split(/ {2,}/) ?? [];
}

test('a path is a line with rates since the table before', (t) => {
	t.deepEqual(texts(later(1400, 1001), snapshot), [
		'mpclient 1.2.3, pid 4711, up 1m 5s, 1 of 1 paths up',
		'tunnel: up for 1m 2s, sent/s 200, received/s 0, flows 1, residual loss in -',
		'  path  state   rtt  jitter   loss  loss   queue    out     in',
		'                 ms      ms  out %  in %  out ms  pkt/s  pkt/s',
		'  lüte  up     23.1     0.5   10.0  5.12     1.0    0.5      0',
	]);
});

test('a rate that was not measured is no 0', (t) => {
	const rates = (before: StatusSnapshot | undefined, now = later(1400, 3000)) =>
		cells(texts(now, before), 'lüte').slice(-2);
	t.deepEqual(rates(snapshot), ['1,000', '0']);
	const others: readonly (StatusSnapshot | undefined)[] = [
		undefined,
		{...snapshot, pid: 4712},
		{...snapshot, uptime: 65_000},
		{...snapshot, sessions: []},
		{...snapshot, sessions: [{...session, session: 2}]},
		{...snapshot, sessions: [{...session, paths: []}]},
	];
	for (const before of others) t.deepEqual(rates(before), ['-', '-']);
	// A counter that goes back is that of another.
	t.deepEqual(rates(snapshot, later(1400, 10)), ['-', '0']);
	// Little is not nothing.
	t.deepEqual(rates({...snapshot, uptime: 1000}, later(1400, 1001)), ['<0.1', '0']);
	const none = {packets: 0, bytes: 0, streamBytes: 0};
	const bare: PathStatus = {
		...path,
		rtt: undefined,
		jitter: undefined,
		sending: {...none, loss: undefined, dataLoss: undefined, queueing: undefined},
		receiving: {...none, loss: undefined, queueing: undefined},
	};
	const fresh = {...snapshot, sessions: [{...session, paths: [bare]}]};
	t.deepEqual(cells(texts(fresh, undefined), 'lüte').slice(2), Array<string>(7).fill('-'));
});

test('what is wrong stands in the first line, below its path, and has a tone', (t) => {
	const tones = (part: Partial<StatusSnapshot>) =>
		liveTable({...snapshot, ...part}, undefined).map(({text, tone}) => [tone, text] as const);
	t.is(tones({})[0]?.[0], 'good');
	const down = {age: 5000, reason: 'nothing\ncame'};
	const sessions = [{...session, paths: [{...path, state: 'down' as const, down}]}];
	const shown = tones({sessions});
	t.deepEqual(shown[0], ['doubtful', 'mpclient 1.2.3, pid 4711, up 1m 3s, 0 of 1 paths up']);
	t.deepEqual(shown.at(-1), ['bad', '    down for 5s: nothing\\ncame']);
	t.is(shown.at(-2)?.[0], 'bad');
	const finding = {verdict: 'silent', detail: '', for: 4000} as const;
	const alone = tones({
		sessions: [],
		connection: {up: false, for: 7000, reason: 'no\u001b answer'},
		places: [{...snapshot.places[0]!, finding}],
	});
	t.deepEqual(alone[0], [
		'bad',
		'mpclient 1.2.3, pid 4711, up 1m 3s, 0 of 1 paths up, NO CONNECTION for 7s',
	]);
	t.deepEqual(
		alone.slice(1).map(([, text]) => text),
		[
			'  no session',
			'  no\\u001b answer',
			'  lüte not up for 4s: silent: no server, wrong key or blocked',
		],
	);
});

test('a server counts its clients', (t) => {
	const server = {...snapshot, program: 'mpserver', places: [], sessions: []} as const;
	t.deepEqual(texts(server, undefined), ['mpserver 1.2.3, pid 4711, up 1m 3s, clients 0']);
	const user = 'u'.repeat(300);
	const lines = texts({...server, sessions: [{...session, user}, session]}, undefined);
	t.true(lines[0]?.endsWith('clients 2'));
	t.true(lines.every((line) => textWidth(line) <= 80));
});

const residual = {sources: 1e12, failed: 0, failedInSteps: 12, steps: 1};
const counts = {received: 1, recovered: 0, missing: 0, late: 0};
const lane: LaneStatus = {
	lane: 1,
	policy: 'v'.repeat(63),
	sending: {
		promise: {residual: 0.0001, within: 30, traffic: 3, floor: 1.5, rate: 0},
		coded: true,
		traffic: 1.625,
		meanTraffic: 1.5,
		reason: {kind: 'floor'} as never,
		explanation: '',
		allowed: 3,
		window: 32,
		sources: 1,
		copies: 0,
		repairs: 0,
		sourcePaths: [],
		repairPaths: [],
		reported: counts,
		residual,
	},
};

test('lanes are lines, and fit with the longest names', (t) => {
	const lanes = [
		lane,
		{...lane, receiving: {...counts, residual, recovers: true}},
		{lane: 0, policy: 'best'},
		{lane: 0, policy: 'fec', obstacle: 'unknown-to-peer' as const},
	];
	const paths = Array.from({length: 16}, (_, id) => ({...path, id, rtt: 99_999, jitter: 99_999}));
	const lines = texts({...snapshot, sessions: [{...session, lanes, paths}]}, undefined);
	for (const line of lines) t.true(textWidth(line) <= 80, line);
	const all = lines.join(' ').replaceAll(/\s+/g, ' ');
	t.regex(
		all,
		/traffic 1\.63 x, lost or late out < [\d.e-]+ % \(0 of 1,\S+\) \+ 12 in 1 step, in -/,
	);
	t.true(all.includes('lane best: not coded lane fec: the other end knows no lanes'), all);
});
