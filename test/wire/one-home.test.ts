import {readdirSync, readFileSync} from 'node:fs';
import test from 'ava';

/** Where no layout of the wire may be known. */
const ROOMS = ['core', 'net/tunnel', 'net/exit', 'app'] as const;

/** What gives a layout away, and why. */
const SIGNS: readonly (readonly [pattern: RegExp, why: string])[] = [
	[/\bFrameType\b/, 'a type number: register or encode by a codec of wire/frames'],
	[/from '[^']*bytes\/varint\.ts'/, 'a varint: a codec of wire/frames writes and reads it'],
	[/\b(?:write|read)Uint(?:16|32|48)\b/, 'an integer: wire/ writes and reads it'],
	[/\bcursor\.(?:uint\d+|varint|copy)\(/, 'a field: wire/ reads it'],
	[
		/\.(?:subarray\((?:\w+ \+ )?[1-9]\d*[,)]|slice\([1-9]\d*, \d)/,
		'an offset: wire/ has a function for the part',
	],
	[
		/\b(?:bytes|packet|frame|init)\[(?:\w+ \+ )?\d+\]/,
		'an offset: wire/ has a function for the field',
	],
	[/\bHEAD_ROOM \+ \d/, 'an offset in a frame'],
];

/**
 * Lines that are something else: the largest numbers of ids, the type bytes by which a codec is found,
 * and messages of the kernel.
 */
const ALLOWED: readonly RegExp[] = [
	/^core\/.*: import \{VARINT_MAX\} from/,
	/^core\/session\/packet-receiver\.ts: const type = cursor\.uint8\(\);/,
	/^core\/lane\/datagram-reader\.ts: switch \(cursor\.uint8\(\)\)/,
	/^net\/exit\/route/,
];

function linesOf(room: string): readonly string[] {
	return readdirSync(`src/${room}`, {recursive: true, encoding: 'utf8'})
		.filter((name) => name.endsWith('.ts'))
		.flatMap((name) =>
			readFileSync(`src/${room}/${name}`, 'utf8')
				.split('\n')
				.map((line) => `${room}/${name}: ${line.trim()}`),
		)
		.filter((line) => !/: (?:\*|\/\/|\/\*)/.test(line));
}

function violations(lines: readonly string[]): readonly string[] {
	return lines
		.filter((line) => !ALLOWED.some((allowed) => allowed.test(line)))
		.flatMap((line) => {
			const why = SIGNS.find(([pattern]) => pattern.test(line))?.[1];
			return why === undefined ? [] : [`${line}  <- ${why}`];
		});
}

test('no layout of the wire is known outside wire/', (t) => {
	t.deepEqual(
		ROOMS.flatMap((room) => violations(linesOf(room))),
		[],
	);
});

test('a layout that is typed by hand is found', (t) => {
	const lines = [
		"core/a.ts: import {FrameType} from '../wire/frames/frame-type.ts';",
		"core/a.ts: import {writeVarint} from '../bytes/varint.ts';",
		'core/a.ts: const key = packet.subarray(10, 42);',
		'core/a.ts: slot.bytes[HEAD_ROOM + 1] = count;',
		'core/a.ts: if (packet[1] !== VERSION) return;',
		'core/a.ts: const id = cursor.copy(16);',
	];
	t.is(violations(lines).length, lines.length);
});
