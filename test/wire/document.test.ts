import {readdirSync, readFileSync} from 'node:fs';
import test from 'ava';
import {VARINT_MAX} from '../../src/bytes/varint.ts';
import {MAX_NAME, TargetKind} from '../../src/wire/address.ts';
import * as constants from '../../src/wire/constants.ts';
import {BITMAP_BYTES, createFeedback, feedbackFrame} from '../../src/wire/frames/feedback.ts';
import {FrameType} from '../../src/wire/frames/frame-type.ts';
import * as lane from '../../src/wire/frames/lane.ts';
import {MAX_PATH_NAME} from '../../src/wire/frames/paths.ts';
import {CHALLENGE_LENGTH, Probe, probeFrame} from '../../src/wire/frames/probe.ts';
import * as handshake from '../../src/wire/handshake.ts';
import {headerPacketNumber} from '../../src/wire/header.ts';
import {SYMBOL_HEAD_LENGTH} from '../../src/wire/symbol.ts';
import {table, text} from './layouts.ts';

/** Bytes of the longest probe. */
const LONGEST_PROBE = probeFrame.length(
	Object.assign(new Probe(), {
		...{hasEcho: true, count: constants.MAX_PATHS},
		challenge: new Uint8Array(CHALLENGE_LENGTH),
		response: new Uint8Array(CHALLENGE_LENGTH),
	}),
);

/** Name to value, from two columns of a table. */
function named(rows: readonly string[][], name: number, value: number): Record<string, number> {
	return Object.fromEntries(rows.map((row) => [row[name]!, Number(row[value])]));
}

/** The sum of the first column: fields of fixed length only. */
function sum(rows: readonly string[][]): number {
	return rows.reduce((total, [bytes]) => total + (Number(bytes) || 0), 0);
}

test('packet types', (t) => {
	t.deepEqual(named(table('3. Packets'), 1, 0), {...constants.PacketType});
});

test('frame types', (t) => {
	t.deepEqual(named(table('6. Frames'), 1, 0), {...FrameType});
});

test('frame types are in order, and none lies in a reserved range', (t) => {
	const values = table('6. Frames').map(([value]) => Number(value));
	t.deepEqual(
		values,
		values.toSorted((a, b) => a - b),
	);
	const ranges = table('6. Frames', 1);
	t.deepEqual(
		ranges.map(([from, to, what]) => [Number(from), Number(to), what]),
		[
			[0x38, 0x3f, 'streams'],
			[0x46, 0x4f, 'lanes'],
		],
	);
	for (const [from, to] of ranges) {
		t.false(values.some((value) => value >= Number(from) && value <= Number(to)));
	}
});

test('reason codes, statuses, kinds', (t) => {
	t.deepEqual(named(table('6.1 Flows'), 1, 0), {...constants.RefusalCode});
	t.deepEqual(named(table('6.6 CLOSE'), 1, 0), {...constants.CloseCode});
	t.deepEqual(named(table('6.7 Streams'), 1, 0), {...constants.StreamCode});
	t.deepEqual(named(table('6.2 Targets'), 1, 0), {...TargetKind});
	t.deepEqual(named(table('4.7 Statuses'), 1, 0), {...handshake.RespStatus});
	t.deepEqual(named(table('6.13 LANES', 2), 1, 0), {...lane.LaneKind});
	t.regex(table('3.2 INIT', 1)[0]![2]!, /^0 FRESH, 1 RESUME$/);
	t.deepEqual({...handshake.InitKind}, {FRESH: 0, RESUME: 1});
});

test('parameters', (t) => {
	t.deepEqual(named(table('4.5 Parameters'), 1, 0), {END: 0, ENCRYPT: 1, FRAMES: 2});
	const payload = {
		...{kind: 0, clientId: new Uint8Array(16), time: 0, resumeId: 0},
		proof: new Uint8Array(32),
		parameters: {encrypt: true, frames: [0x30, 0x31]},
	};
	const parameters = handshake.encodeInitPayload(payload).slice(59, 67);
	t.deepEqual([...parameters], [1, 1, 1, 2, 2, 0x30, 0x31, 0]);
});

test('layouts add up', (t) => {
	t.is(sum(table('3.1 DATA')), constants.DATA_OVERHEAD);
	t.is(sum(table('3.2 INIT')), handshake.INIT_LENGTH);
	t.is(sum(table('3.2 INIT', 1)), 182);
	t.is(sum(table('3.4 RETRY')), handshake.RETRY_LENGTH);
	t.is(sum(table('3.6 RESET')), handshake.RESET_LENGTH);
	t.is(sum(table('3.7 BACK')), handshake.BACK_LENGTH);
	const longest = createFeedback();
	longest.count = constants.MAX_PATHS;
	for (const report of longest.reports) report.length = BITMAP_BYTES;
	t.is(2 + 16 * (sum(table('6.8 FEEDBACK')) + 128), feedbackFrame.length(longest));
	t.is(sum(table('6.5 PATHS')) + 1, 4);
	const report = Object.assign(new lane.LaneReport(), {count: constants.MAX_PATHS});
	const reports = sum(table('6.12 LANE_REPORT', 1));
	t.is(
		2 + sum(table('6.12 LANE_REPORT')) + constants.MAX_PATHS * reports,
		lane.laneReportFrame.length(report),
	);
	t.is(sum(table('6.11 Symbols')), SYMBOL_HEAD_LENGTH);
	const entries = sum(table('7.1 Layout', 1));
	t.is(sum(table('7.1 Layout')) + constants.MAX_PATHS * entries, LONGEST_PROBE);
});

test('lengths of packets', (t) => {
	const rows = Object.fromEntries(table('3. Packets').map(([, name, , length]) => [name, length]));
	const shortestResp = sum(table('3.3 RESP')) + sum(table('3.3 RESP', 1)) + 3;
	const shortestVersion = sum(table('3.5 VERSION')) + 1;
	t.deepEqual(rows, {
		INIT: `${handshake.INIT_LENGTH}`,
		RESP: `${shortestResp} to ${handshake.INIT_LENGTH}`,
		RETRY: `${handshake.RETRY_LENGTH}`,
		DATA: `${constants.MIN_DATA_LENGTH} to ${constants.MAX_PACKET_SIZE}`,
		RESET: `${handshake.RESET_LENGTH}`,
		BACK: `${handshake.BACK_LENGTH}`,
		VERSION: `${shortestVersion} to ${handshake.INIT_LENGTH}`,
	});
});

test('first bytes of packets', (t) => {
	const {PacketType} = constants;
	for (const [heading, type] of [
		['3.2 INIT', PacketType.INIT],
		['3.3 RESP', PacketType.RESP],
		['3.4 RETRY', PacketType.RETRY],
		['3.5 VERSION', PacketType.VERSION],
		['3.6 RESET', PacketType.RESET],
	] as const) {
		t.is(Number(table(heading)[0]![2]), type << 4, heading);
	}
	t.is(table('3.1 DATA')[0]![2], `0x${(PacketType.DATA << 4).toString(16)} + epoch`);
});

test('limits', (t) => {
	t.deepEqual(named(table('9. Limits'), 0, 1), {
		'datagram, longest': constants.MAX_DATAGRAM,
		'packet, longest': constants.MAX_PACKET_SIZE,
		'packet size at first': constants.BASE_PACKET_SIZE,
		'DATA header': constants.HEADER_LENGTH,
		'DATA overhead': constants.DATA_OVERHEAD,
		'DATA, shortest': constants.MIN_DATA_LENGTH,
		'pieces of a datagram': constants.MAX_FRAGMENTS,
		'datagrams in a packet': constants.MAX_DATAGRAMS,
		paths: constants.MAX_PATHS,
		epochs: constants.EPOCHS,
		'packet number, largest': headerPacketNumber(
			new Uint8Array(constants.HEADER_LENGTH).fill(0xff),
			0,
		),
		'varint, largest': VARINT_MAX,
		'listener or application name': MAX_NAME,
		'path name': MAX_PATH_NAME,
		'probe, longest': LONGEST_PROBE,
		INIT: handshake.INIT_LENGTH,
		'INIT header': handshake.INIT_HEADER_LENGTH,
		'RESP, RETRY and VERSION header': handshake.RESP_HEADER_LENGTH,
		RETRY: handshake.RETRY_LENGTH,
		RESET: handshake.RESET_LENGTH,
		BACK: handshake.BACK_LENGTH,
		'client id': constants.CLIENT_ID_LENGTH,
		'cookie and mac': handshake.COOKIE_LENGTH,
		'macs of INIT, each': handshake.INIT_MAC_LENGTH,
		proof: handshake.PROOF_LENGTH,
		challenge: CHALLENGE_LENGTH,
		'bytes of a stream before it is accepted': constants.EARLY_WINDOW,
		'packets that a FEEDBACK reaches back': constants.FEEDBACK_SPAN,
		'lane id, largest': lane.MAX_LANE_ID - 1,
		'lanes in LANES': lane.MAX_LANES,
		'policy name': lane.MAX_POLICY_NAME,
		LANE: lane.LANE_LENGTH,
		'REPAIR before its symbol': lane.REPAIR_HEAD_LENGTH,
		'symbol before its content': SYMBOL_HEAD_LENGTH,
		'sources of a repair': lane.MAX_REPAIR_COUNT,
	});
});

test('version and prologue', (t) => {
	t.true(text.startsWith(`# The wire format of mptunnel, version ${constants.VERSION}\n`));
	t.true(text.includes(`prologue \`${constants.PROLOGUE}\``));
});

/** The sources of the core. */
const core: readonly string[] = readdirSync('src/core', {recursive: true, encoding: 'utf8'})
	.filter((file) => file.endsWith('.ts'))
	.map((file) => readFileSync(`src/core/${file}`, 'utf8'));

// These constants belong to one module each, so their lines are read instead of their values.
for (const [name, pattern, claim] of [
	['pauses between INITs', /PAUSES.*= \[300, 600, 1200, 2400\]/, 'after 0.3, 0.6, 1.2 and 2.4 s'],
	[
		'the pause after them',
		/LONG_PAUSE: Millis = 5000;\nconst JITTER: Millis = 333;/,
		'every 5 s and a random 0 to 333 ms',
	],
	[
		'how long bytes repeat',
		/SAME_BYTES_FOR: Millis = 3000/,
		'For the first 3 s it repeats the same bytes',
	],
	['the label of RETRY', /'mptunnel retry'/, '"mptunnel retry"'],
	['the label of INIT', /'mptunnel init'/, '"mptunnel init"'],
	[
		'the INITs that are opened',
		/OPENED_PER_USER = 100;\nconst OPENED_PER_SECOND = 400;[\s\S]*OPENED_WITH_COOKIE = 500;/,
		'more than 100 INITs of this key or 400 of all in this second',
	],
	['INITs of other versions', /OTHERS_PER_SECOND = 20;/, 'at most 20 of them a second'],
	['the INITs that are known again', /SEEN_SIZE = 8192;/, 'remembers the macs of 8,192 INITs'],
	[
		'how long a RESP is repeated',
		/CACHE_FOR: Millis = 10_000/,
		'answered with RESP in the last 10 s',
	],
	['the life of cookies', /SECRET_LIFE: Millis = 120_000/, 'replaced every 120 s'],
	['fresh INITs', /FRESH_PER_SECOND = 50;/, 'more than 50 such INITs'],
	['half-open sessions', /HALF_OPEN = 16;/, '16 of its sessions are half open'],
	['the lead of clocks', /CLOCK_LEAD = 600_000;/, 'more than 600,000 ms ahead'],
	['half-open time', /HALF_OPEN_FOR: Millis = 10_000/, 'for 10 s at most'],
	['the replay window', /WINDOW = 65_536;/, 'the newest 65,536 numbers'],
	['the grace of epochs', /EPOCH_GRACE: Millis = 10_000;/, 'max(10 s, 3 PTO)'],
	['flow ids', /ID_SPAN = 65_536;/, 'remembers the newest 65,536 ids'],
	['pieces', /MAX_DATAGRAM \+ 320;/, 'beyond 65,827 bytes'],
	[
		'wholes',
		/MAX_OPEN = 64;[\s\S]*MAX_MEMORY = 4 \* 1024 \* 1024;\nconst TIMEOUT: Millis = 2000;/,
		'64 wholes of 4 MiB together for 2 s',
	],
	['addresses of a path', /MAX_ADDRESSES = 4;/, 'A path has 4 addresses at most'],
	['amplification', /AMPLIFICATION = 3;/, 'at most 3 times the bytes'],
	['probes remembered', /Probes remembered.*\nconst ENTRIES = 64;/, 'within 64 probes'],
] as const) {
	test(`the text and the code agree on ${name}`, (t) => {
		t.is(core.filter((source) => pattern.test(source)).length, 1);
		t.true(text.replaceAll(/\s+/g, ' ').includes(claim), claim);
	});
}
