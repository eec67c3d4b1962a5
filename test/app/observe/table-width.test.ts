import test, {type ExecutionContext} from 'ava';
import type {PathPlace, StatusSnapshot, UserLine} from '../../../src/app/observe/status.ts';
import {formatStatus} from '../../../src/app/observe/status-text.ts';
import {formatPathTest} from '../../../src/app/path-test.ts';
import {linkSummary} from '../../../src/cli/link-command.ts';
import type {PathStatus, SessionStatus} from '../../../src/core/events.ts';
import {Delays} from '../../../src/demo/arrivals.ts';
import type {Measurement} from '../../../src/demo/measurement.ts';
import {liveTable, summary} from '../../../src/demo/report.ts';
import {REDUNDANT} from '../../../src/policy/policy.ts';
import {textTable} from '../../../src/text/table.ts';
import {cutMiddle, textWidth, wrapParts} from '../../../src/text/width.ts';
import {PLAIN_SNAPSHOT} from './plain-snapshot.ts';

const MANY = 1e12;
/** The longest text of an IPv6 address. */
const ADDRESS = '[2001:0db8:1111:2222:3333:4444:255.255.255.255]:65535';
const STREAMS = {now: MANY, opened: MANY, sent: 9.99e14, received: 9.99e14};

function isNarrow(t: ExecutionContext, lines: readonly string[]): void {
	for (const line of lines) {
		t.true(textWidth(line) <= 80, `${textWidth(line)}: ${line}`);
		t.is(line, line.trimEnd());
	}
}

/** Where the cells of a line end, which are at least two spaces apart. */
function ends(line: string): readonly number[] {
	return [...line.matchAll(/\S+(?: \S+)*/g)].map(({index, 0: cell}) => index + cell.length);
}

function longName(id: number): string {
	return `${String(id).padStart(2, '0')}${'n'.repeat(29)}${id % 10}`;
}

function place(id: number): PathPlace {
	return {
		id,
		name: longName(id),
		target: `${'h'.repeat(253)} 65535`,
		remotes: id % 2 === 0 ? [ADDRESS, ADDRESS] : [],
		localPorts: [65_534, 65_535],
		finding: {verdict: 'no-socket', detail: 'why '.repeat(80), for: MANY},
	};
}

function path(id: number): PathStatus {
	return {
		id,
		name: longName(id),
		remote: `${'1'.repeat(45)} port 65535, ${'2'.repeat(45)} port 65535`,
		state: 'suspect',
		rtt: 99_999,
		jitter: 99_999,
		sending: {
			packets: MANY,
			bytes: MANY,
			streamBytes: 9.99e14,
			loss: 1e-8,
			dataLoss: 1e-8,
			queueing: 99_999,
		},
		receiving: {packets: MANY, bytes: MANY, streamBytes: 9.99e14, loss: 1e-8, queueing: 99_999},
		saturated: MANY,
		mtu: 65_507,
		backup: true,
		metered: true,
		silence: MANY,
		down: {age: MANY, reason: `no route (${'x'.repeat(300)})`},
	};
}

function user(id: number): UserLine {
	return {
		name: `${id}${'u'.repeat(300)}`,
		sessions: MANY,
		flows: MANY,
		datagramsSent: MANY,
		datagramsReceived: MANY,
		streams: STREAMS,
		traffic: {
			...{packetsSent: MANY, bytesSent: 9.99e14, packetsReceived: MANY, bytesReceived: 9.99e14},
			...{sources: MANY, copies: MANY, repairs: MANY, factor: 15.999},
		},
		memory: MANY,
		target: `${'t'.repeat(253)} 65535`,
		exit: true,
		refused: {'tcp-denied': MANY, 'flow-limit': MANY, 'session-limit': MANY, 'tcp-limit': MANY},
	};
}

const paths = Array.from({length: 16}, (_, id) => path(id));

const session: SessionStatus = {
	session: 1,
	user: 'v'.repeat(300),
	state: 'connecting',
	age: MANY,
	flows: MANY,
	datagramsSent: MANY,
	datagramsReceived: MANY,
	datagramsSplit: MANY,
	residualLoss: 1e-8,
	lanes: [],
	rekeys: MANY,
	keyAge: MANY,
	streams: STREAMS,
	paths,
};

const snapshot: StatusSnapshot = {
	...PLAIN_SNAPSHOT,
	version: '100.100.100',
	pid: 4_194_304,
	uptime: MANY,
	crypto: 'native',
	io: 'dgram',
	keyless: true,
	encrypt: false,
	listening: [ADDRESS, ADDRESS, ADDRESS],
	socks: {listening: [ADDRESS, ADDRESS], associations: MANY},
	forwards: [{protocol: 'udp', listening: [ADDRESS, ADDRESS], target: 'f'.repeat(300)}],
	streams: MANY,
	target: 't'.repeat(300),
	exit: true,
	places: Array.from({length: 17}, (_, id) => place(id)),
	connection: {up: false, for: MANY, reason: 'r'.repeat(300)},
	sessions: [session, session],
	users: Array.from({length: 5}, (_, id) => user(id)),
	drops: Object.fromEntries(Array.from({length: 12}, (_, id) => [`reason-${id}`, MANY])),
	waiting: MANY,
};

/** The lines of a table of paths: its header, and those of its figures. */
function pathFigures(lines: readonly string[]) {
	const start = lines.findIndex((line) => line.startsWith('  path '));
	const [first = '', units = '', ...rest] = lines.slice(start);
	const rows = rest.filter((line) => /^ {2}\S/.test(line)).slice(0, paths.length);
	return {first, units, rows};
}

test('the worst of all states of both programs fits in 80 columns, and stays a table', (t) => {
	const lines = formatStatus(snapshot).split('\n');
	isNarrow(t, lines);
	const {first, units, rows} = pathFigures(lines);
	t.deepEqual(
		first.trim().split(/ {2,}/),
		'path state rtt jitter loss loss queue queue'.split(' '),
	);
	t.deepEqual(units.trim().split(/ {2,}/), ['ms', 'ms', 'out %', 'in %', 'out ms', 'in ms']);
	t.deepEqual(ends(first).slice(2), ends(units));
	t.is(rows.length, 16);
	for (const [id, row] of rows.entries()) {
		t.deepEqual(ends(row).slice(2), ends(first).slice(2), row);
		t.is(row.indexOf('suspect'), first.indexOf('state'), row);
		const [name = '', ...cells] = row.trim().split(/ {2,}/);
		t.regex(name, new RegExp(`^${String(id).padStart(2, '0')}n+…n+${id % 10}$`));
		const loss = '0.0000010';
		t.deepEqual(cells, ['suspect', '99999', '99999', loss, loss, '99999', '99999']);
	}
});

test('what is cut nowhere is whole: addresses, ports, sizes, counts, and one reason a path', (t) => {
	const lines = formatStatus({...snapshot, users: [], sessions: [session]}).split('\n');
	const text = lines.join(' ').replaceAll(/\s+/g, ' ');
	t.is(text.split(`to ${ADDRESS} ${ADDRESS} from 65534,65535, mtu 65507`).length, 9);
	t.is(text.split('saturated 1,000,000,000,000, last packet 11574d 1h ago').length, 17);
	t.is(text.split('TCP sent 999 TB, received 999 TB').length, 17);
	t.is(text.split('down for 11574d 1h: no socket: why why').length, 17);
	t.false(text.includes('no route'));
	// The path that the session does not have.
	t.is(text.split('not up for 11574d 1h: no socket: why why').length, 2);
	t.regex(text, /dropped: reason-0 1,000,000,000,000, .*reason-11 1,000,000,000,000 waiting/);
});

test('users are a table too, with what belongs to each below it', (t) => {
	const lines = formatStatus({...snapshot, sessions: [], places: []}).split('\n');
	isNarrow(t, lines);
	const start = lines.findIndex((line) => line.startsWith('  user '));
	const head = lines[start]!;
	t.deepEqual(head.trim().split(/ {2,}/), 'user sessions flows sent received'.split(' '));
	const rows = lines.slice(start + 1).filter((line) => /^ {2}\du/.test(line));
	t.is(rows.length, 5);
	for (const row of rows) {
		t.deepEqual(ends(row).slice(1), ends(head).slice(1), row);
		t.deepEqual(row.trim().split(/ {2,}/).slice(1), ['1.00T', '1.00T', '1.00T', '1.00T']);
	}
	const text = lines.join(' ').replaceAll(/\s+/g, ' ');
	t.is(text.split('chosen targets refused: tcp-denied 1,000,000,000,000, flow-limit').length, 6);
	t.is(text.split('TCP: 1,000,000,000,000 connections of 1,000,000,000,000, sent').length, 6);
});

test('what is not known is -, and only what was counted is 0', (t) => {
	const none = {packets: 0, bytes: 0, streamBytes: 0};
	const bare: PathStatus = {
		...path(0),
		rtt: undefined,
		jitter: undefined,
		sending: {...none, loss: undefined, dataLoss: undefined, queueing: undefined},
		receiving: {...none, loss: undefined, queueing: undefined},
		silence: undefined,
		down: undefined,
	};
	const fresh = {...session, paths: [bare], residualLoss: undefined};
	const places = [{...place(0), finding: undefined}];
	const lines = formatStatus({...snapshot, sessions: [fresh], places}).split('\n');
	const [row = ''] = pathFigures(lines).rows;
	t.deepEqual(row.trim().split(/ {2,}/).slice(2), ['-', '-', '-', '-', '-', '-']);
	const text = lines.join(' ').replaceAll(/\s+/g, ' ');
	t.true(text.includes('no packet yet') && text.includes('TCP sent 0 B, received 0 B'), text);
	t.true(text.includes('residual loss in -'), text);
});

test('a vague finding gives way to the reason of the session, another wins', (t) => {
	const reasonOf = (finding: PathPlace['finding'], down: PathStatus['down']) => {
		const one = {...session, streams: undefined, paths: [{...path(0), down}]};
		const places = [{...place(0), finding}];
		const text = formatStatus({...snapshot, sessions: [one], places, users: []});
		return text.split('\n').filter((line) => / for \d+s: /.test(line) && line.startsWith('    '));
	};
	const silent = {verdict: 'silent', detail: '', for: 4000} as const;
	const refused = {verdict: 'refused', detail: '', for: 4000} as const;
	const down = {age: 3000, reason: 'nothing came for long'};
	t.deepEqual(reasonOf(silent, down), ['    down for 3s: nothing came for long']);
	t.deepEqual(reasonOf(refused, down), ['    down for 3s: refused: nothing listens there']);
	t.deepEqual(reasonOf(refused, undefined), ['    not up for 4s: refused: nothing listens there']);
	t.deepEqual(reasonOf(undefined, undefined), []);
});

const direction = {
	state: 'suspect' as const,
	rtt: 99_999,
	jitter: 99_999,
	loss: 1e-8,
	sent: MANY,
	arrived: MANY / 3,
	queueing: 99_999,
	saturated: MANY,
};
const tunnel = {sent: MANY, received: MANY, residualLoss: 1e-8};
const coded = {sources: MANY, repairs: MANY, recovered: MANY};
const measurement: Measurement = {
	paths: ['near', 'middle', 'far'].map((name) => ({name, directions: [direction, direction]})),
	tunnel: [tunnel, tunnel],
	lane: [coded, coded],
};
const counted = {
	sent: MANY,
	bytes: MANY,
	delivered: MANY,
	lost: MANY / 3,
	outage: MANY,
	dropped: MANY,
	duplicated: MANY,
	corrupted: MANY,
	reordered: MANY,
};
const others = {clients: 1, replaced: MANY, refused: MANY, socketErrors: 0};

test('the tables of the demo fit in 80 columns with a week of the highest rate', (t) => {
	const delays = new Delays();
	delays.add(1e9);
	const counts = {sent: MANY, arrived: MANY / 3, twice: MANY, late: MANY, delays};
	const links = ['near', 'middle', 'far'].map((name) => ({
		link: {name, loss: 1e-8, delay: 1000, jitter: 1000},
		counts: {up: {...counted, delivered: 2 * MANY}, down: counted, ...others},
	}));
	const traffic = [counts, counts] as const;
	const tunnels = [REDUNDANT, {...REDUNDANT, name: 'redundant again'}].map((policy) => ({
		...{policy, measurement, traffic, bytes: MANY, links},
	}));
	const run = {elapsed: 7 * 86_400_000, rate: 100_000, wantedRate: 100_000, limited: true, tunnels};
	const live = liveTable(run);
	const end = summary(run);
	isNarrow(t, [...live, ...end]);
	for (const [head, rows] of [
		[/^path {2,}direction/, /suspect/],
		[/^policy {2,}direction/, /(client|server) -> \w+ +\d/],
	] as const) {
		const at = ends(live.find((line) => head.test(line))!);
		const found = live.filter((line) => rows.test(line));
		t.true(found.length >= 2);
		for (const row of found) t.deepEqual(ends(row).slice(-3), at.slice(-3), row);
	}
	const head = end.find((line) => /^ +sent +arrived/.test(line))!;
	const rows = end.filter((line) => /^ +(packets on|residual: datagrams)/.test(line));
	t.is(rows.length, 16);
	for (const row of rows) t.deepEqual(ends(row).slice(1), ends(head), row);
	const units = end.find((line) => /^policy +or late/.test(line))!;
	const compared = end.filter((line) => /^redunda.* \d+$/.test(line));
	t.is(compared.length, 2);
	for (const row of compared) t.deepEqual(ends(row).at(-1), ends(units).at(-1), row);
	const linkHead = end.find((line) => /^ +set to/.test(line))!;
	const linkRows = end.filter((line) => /^(near|middle|far) /.test(line));
	t.is(linkRows.length, 3);
	for (const row of linkRows) t.deepEqual(ends(row).slice(1), ends(linkHead), row);
});

test('the summary of a link is a table of its counters', (t) => {
	const lines = linkSummary({up: counted, down: {...counted, lost: 5, outage: 1}, ...others});
	isNarrow(t, lines);
	const [head = '', up = '', down = '', ...crowd] = lines;
	t.is(crowd.length, 2);
	t.is(linkSummary({up: counted, down: counted, ...others, replaced: 0, refused: 0}).length, 3);
	t.deepEqual(ends(up).slice(1), ends(head));
	t.deepEqual(ends(down).slice(1), ends(head));
	t.deepEqual(down.split(/ {2,}/).slice(0, 4), ['down', '1.00T', '1.00T', '6']);
});

test('a test of a path is lines of 80 columns that end where a part ends', (t) => {
	const results = [
		{name: longName(1), target: `${'h'.repeat(253)}:65535`},
		{name: 'a\nb', target: ADDRESS},
	].map((result) =>
		formatPathTest({
			...result,
			verdict: 'reachable',
			detail: '',
			path: path(0),
			askedPid: 4_194_304,
		}),
	);
	for (const text of results) isNarrow(t, text.split('\n'));
	t.true(
		results[1]!.startsWith(`a\\nb (${ADDRESS}): reachable:\n  RTT 99999ms, loss `),
		results[1],
	);
	t.true(
		results[1]!.replaceAll(/\s+/g, ' ').endsWith('(from the running mpclient, process 4194304)'),
	);
});

test('widths are those of a terminal: wide characters take two columns, marks none', (t) => {
	t.is(textWidth('abc'), 3);
	t.is(textWidth('路径'), 4);
	t.is(textWidth('한국'), 4);
	t.is(textWidth('e\u0301t'), 2);
	t.is(textWidth('🚀'), 2);
	t.is(textWidth('…'), 1);
	t.is(cutMiddle('路径路径路径', 7), '路…径');
	t.is(cutMiddle('abcdef', 6), 'abcdef');
	t.is(cutMiddle('abcdef', 5), 'ab…ef');
	const [one = '', two = ''] = textTable(
		[
			['路径', '1'],
			['x', '22'],
		],
		new Set([1]),
	);
	t.is(textWidth(one), textWidth(two));
});

test('lines end between parts, else between words, else inside of a word', (t) => {
	t.deepEqual(wrapParts(['a b', 'c']), ['a b, c']);
	t.deepEqual(wrapParts([]), []);
	const [part, other] = ['p'.repeat(60), 'q '.repeat(15).trim()];
	t.deepEqual(wrapParts([part!, other!]), [`${part},`, `  ${other}`]);
	const long = wrapParts(['a', `b ${'q '.repeat(40)}z`]);
	t.deepEqual(long, [`a, b ${'q '.repeat(37)}q`, '  q q z']);
	const words = wrapParts([`${'w'.repeat(50)} ${'v'.repeat(50)}`], {indent: '    '});
	t.deepEqual(words, ['w'.repeat(50), `    ${'v'.repeat(50)}`]);
	t.deepEqual(wrapParts(['x'.repeat(81)]), [`${'x'.repeat(40)}…${'x'.repeat(39)}`]);
});
