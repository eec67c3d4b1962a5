import test from 'ava';
import {mergeDrops, type StatusSnapshot, statusFields} from '../../../src/app/observe/status.ts';
import {formatStatus} from '../../../src/app/observe/status-text.ts';
import type {PathStatus, SessionStatus} from '../../../src/core/events.ts';
import {formatAge, formatMillis, formatShare} from '../../../src/text/figures.ts';
import {PLAIN_SNAPSHOT} from './plain-snapshot.ts';

const path: PathStatus = {
	id: 0,
	name: 'l?te',
	remote: '',
	state: 'up',
	rtt: 23.14,
	jitter: 0.52,
	sending: {packets: 1000, bytes: 0, streamBytes: 0, loss: 0.05, dataLoss: 0.1, queueing: 1},
	receiving: {packets: 900, bytes: 0, streamBytes: 0, loss: 0.0512, queueing: undefined},
	saturated: 12_345,
	mtu: 1472,
	backup: true,
	metered: false,
	silence: 40,
};

const session: SessionStatus = {
	session: 1,
	user: '',
	state: 'up',
	age: 62_000,
	flows: 1,
	datagramsSent: 1234,
	datagramsReceived: 1230,
	datagramsSplit: 0,
	residualLoss: 0.000_125,
	lanes: [],
	rekeys: 0,
	keyAge: 30_000,
	paths: [path],
};

const snapshot: StatusSnapshot = {
	...PLAIN_SNAPSHOT,
	keyless: true,
	encrypt: false,
	listening: ['127.0.0.1:3000'],
	places: [
		{
			id: 0,
			name: 'lüte',
			target: 'bridge.test:4000',
			remotes: ['192.0.2.1:4000'],
			localPorts: [40_001],
		},
		{id: 1, name: 'other', target: 'bridge.test:4001', remotes: [], localPorts: []},
	],
	sessions: [session],
	drops: {duplicate: 2000},
	waiting: 3,
};

test('prints a table with every path and direction', (t) => {
	const lines = formatStatus(snapshot).split('\n');
	t.is(lines[0], 'mpclient 1.2.3, pid 4711, up 1m 3s, crypto noble, io dgram, NO KEY,');
	t.is(lines[1], '  NOT ENCRYPTED');
	t.is(lines[2], 'listening on 127.0.0.1:3000');
	t.is(lines[4], 'tunnel: up for 1m 2s, sent 1,234, received 1,230, residual loss in 0.013%,');
	t.is(lines[5], '  flows 1');
	t.deepEqual(lines.slice(6, 13), [
		'  path   state   rtt  jitter   loss  loss   queue  queue',
		'                  ms      ms  out %  in %  out ms  in ms',
		'  lüte   up     23.1     0.5   10.0  5.12     1.0      -',
		'    backup, to 192.0.2.1:4000 from 40001, mtu 1472, saturated 12,345,',
		'      last packet 0s ago',
		'  other  -         -       -      -     -       -      -',
		'    to bridge.test:4001 from -',
	]);
	t.true(lines.includes('dropped: duplicate 2,000'));
	t.true(lines.includes('waiting: 3'));
});

test('says why a path is down, and since when', (t) => {
	const down = {age: 62_000, reason: 'no route (ENET\nUNREACH)'};
	const paths = [{...path, state: 'down' as const, down}];
	const lines = formatStatus({...snapshot, sessions: [{...session, paths}]}).split('\n');
	t.is(lines[11], '    down for 1m 2s: no route (ENET\\nUNREACH)');
});

test('escapes what comes from outside', (t) => {
	const hostile = {...path, id: 5, name: 'a\u001b[2Jb\nc', remote: 'x\ry'};
	const text = formatStatus({
		...snapshot,
		sessions: [{...session, user: 'evil\nuser', paths: [hostile]}],
	});
	t.false(text.includes('\u001b') || text.includes('\r'));
	t.true(text.includes('tunnel of evil\\nuser'));
});

test('says how many datagrams were split, if any were', (t) => {
	const text = formatStatus({...snapshot, sessions: [{...session, datagramsSplit: 1100}]});
	t.true(text.includes('sent 1,234 (1,100 of them split), received'), text);
});

test('says whether clients may choose targets, beside the fixed one or without it', (t) => {
	const line = (part: Partial<StatusSnapshot>) =>
		formatStatus({...snapshot, encrypt: true, ...part}).split('\n')[1];
	const words = 'clients may choose targets';
	t.is(line({exit: true}), `listening on 127.0.0.1:3000; ${words}`);
	const target = '192.0.2.9:1194';
	t.is(line({exit: true, target}), `listening on 127.0.0.1:3000; target ${target}; ${words}`);
	t.is(line({exit: false, target}), `listening on 127.0.0.1:3000; target ${target}`);
});

test('TCP is shown: connections and bytes of a session, of each path and of each user', (t) => {
	const streams = {now: 3, opened: 1234, sent: 1_250_000, received: 999};
	const carried: PathStatus = {
		...path,
		sending: {...path.sending, streamBytes: 2_500_000},
		receiving: {...path.receiving, streamBytes: 0},
	};
	const traffic = {
		...{packetsSent: 5000, bytesSent: 2.5e6, packetsReceived: 1000, bytesReceived: 0},
		...{sources: 3000, copies: 20, repairs: 1500, factor: 1.507},
	};
	const noTraffic = {
		...{packetsSent: 0, bytesSent: 0, packetsReceived: 0, bytesReceived: 0},
		...{sources: 0, copies: 0, repairs: 0, factor: 1},
	};
	const none = {now: 0, opened: 0, sent: 0, received: 0};
	const counts = {flows: 0, datagramsSent: 0, datagramsReceived: 0, memory: 5};
	const user = {...counts, sessions: 1, streams: none, exit: true};
	const users = [
		{...user, name: 'alice', streams, refused: {'tcp-denied': 2}, traffic: noTraffic},
		{...user, name: 'bob', refused: {}, traffic},
	];
	const text = formatStatus({
		...snapshot,
		sessions: [{...session, streams, paths: [carried]}],
		users,
	});
	const words = 'TCP: 3 connections of 1,234, sent 1.25 MB, received 999 B';
	t.true(text.includes(`\n  ${words}\n  path `), text);
	t.regex(text, /^ {2}lüte .*\n {4}backup, to .*\n.*\n {4}TCP sent 2\.50 MB, received 0 B$/m);
	t.regex(text, /^ {2}alice .*\n {4}chosen targets\n {4}refused: tcp-denied 2\n/m);
	t.true(text.includes(`\n    refused: tcp-denied 2\n    ${words}\n`), text);
	const all = '\n    all paths: sent 5,000 packets, 2.50 MB, received 1,000 packets, 0 B\n';
	t.true(text.includes(all), text);
	const factor = 'with datagrams 3,000, copies 20, repairs 1,500, traffic 1.51 x';
	t.true(text.includes(`\n    sent: ${factor}\n`), text);
	t.is(text.match(/all paths:/g)!.length, 1);
	t.false(formatStatus(snapshot).includes('TCP:'));
});

test('says so when there is no session', (t) => {
	t.true(formatStatus({...snapshot, sessions: [], drops: {}}).includes('no session'));
	t.true(formatStatus({...snapshot, sessions: [], drops: {}}).includes('dropped: nothing'));
});

test('lanes stand below the paths of their session, and are a word each of the log line', (t) => {
	const lanes = [
		{lane: 1, policy: 'best'},
		{lane: 0, policy: 'vo ice', obstacle: 'unknown-to-peer' as const},
	];
	const shown = {...snapshot, sessions: [{...session, lanes}]};
	const lines = formatStatus(shown).split('\n');
	t.deepEqual(lines.slice(13, 15), [
		'  lane best: not coded',
		'  lane vo ice: redundant in its place: the other end knows no lanes',
	]);
	t.is(statusFields(shown, 'text')['lanes'], 'best vo ice:unknown-to-peer');
	t.is(statusFields(snapshot, 'text')['lanes'], undefined);
});

test('fits into one log line, as words or as a structure', (t) => {
	const fields = statusFields(snapshot, 'text');
	t.like(fields, {
		sessions: 1,
		state: 'up',
		sent: 1234,
		received: 1230,
		residual: '0.013%',
		paths: 'lüte:up,23.1ms,10.0%/5.12%',
		drops: 2000,
		waiting: 3,
	});
	const {sessions} = statusFields(snapshot, 'json');
	t.is(sessions, snapshot.sessions);
});

test('writes shares and times with as many digits as say something', (t) => {
	t.deepEqual([undefined, 0, 0.000_001, 0.0004, 0.05, 0.5, 1].map(formatShare), [
		'-',
		'0%',
		'0.00010%',
		'0.040%',
		'5.00%',
		'50.0%',
		'100.0%',
	]);
	t.deepEqual([undefined, 0.31, 99.9, 250.4].map(formatMillis), ['-', '0.3ms', '99.9ms', '250ms']);
	t.deepEqual([0, 59_999, 60_000, 3_700_000, 200_000_000].map(formatAge), [
		'0s',
		'59s',
		'1m 0s',
		'1h 1m',
		'2d 7h',
	]);
});

test('merges counters and leaves zeros out', (t) => {
	t.deepEqual(mergeDrops({a: 1, b: 0}, {c: 2}), {a: 1, c: 2});
});

test('forwards are named with where they lead, and connections are counted', (t) => {
	const forwards = [
		{protocol: 'udp', listening: ['127.0.0.1:53'], target: '9.9.9.9:53'},
		{protocol: 'tcp', listening: ['127.0.0.1:2222'], target: 'host:22'},
	] as const;
	const text = formatStatus({...snapshot, forwards, streams: 1234});
	const [, , ...lines] = text.split('\n');
	t.deepEqual(lines.slice(0, 2), [
		'listening on 127.0.0.1:3000; forward udp 127.0.0.1:53 to 9.9.9.9:53;',
		'  forward tcp 127.0.0.1:2222 to host:22; TCP connections 1,234',
	]);
	t.is(statusFields({...snapshot, streams: 3}, 'text')['streams'], 3);
});
