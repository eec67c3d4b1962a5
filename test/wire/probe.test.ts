import test from 'ava';
import fc from 'fast-check';
import {MAX_PATHS} from '../../src/wire/constants.ts';
import {encodeFrame} from '../../src/wire/frames/codec.ts';
import {FrameType} from '../../src/wire/frames/frame-type.ts';
import {Probe, pongFrame, probeFrame} from '../../src/wire/frames/probe.ts';
import {fromHex, readVectors, toHex} from '../crypto/fixtures.ts';
import {decodeSurrounded} from '../support/reference/surrounded.ts';

interface Content {
	readonly type: number;
	readonly pathId: number;
	readonly sentTime: number;
	readonly sentPackets: number;
	readonly sentDatagrams: number;
	readonly echo?: {readonly time: number; readonly arrival: number; readonly packets: number};
	/** Hex. */
	readonly challenge?: string;
	readonly response?: string;
	readonly counts: readonly (readonly [number, number, number])[];
}

const vectors = readVectors<{
	valid: (Content & {name: string; hex: string})[];
	malformed: {name: string; hex: string}[];
}>('wire-probe');

function probeOf(content: Content): Probe {
	const probe = new Probe();
	probe.isAnswer = content.type === FrameType.PONG;
	probe.pathId = content.pathId;
	probe.sentTime = content.sentTime;
	probe.sentPackets = content.sentPackets;
	probe.sentDatagrams = content.sentDatagrams;
	probe.hasEcho = content.echo !== undefined;
	probe.echoTime = content.echo?.time ?? 0;
	probe.echoArrival = content.echo?.arrival ?? 0;
	probe.echoPackets = content.echo?.packets ?? 0;
	if (content.challenge !== undefined) probe.challenge = fromHex(content.challenge);
	if (content.response !== undefined) probe.response = fromHex(content.response);
	probe.count = content.counts.length;
	for (const [index, [id, packets, probes]] of content.counts.entries()) {
		probe.pathIds[index] = id;
		probe.packets[index] = packets;
		probe.probes[index] = probes;
	}
	return probe;
}

function contentOf(probe: Probe): Content {
	const counts = Array.from({length: probe.count}, (_, i) => [
		probe.pathIds[i]!,
		probe.packets[i]!,
		probe.probes[i]!,
	]) as unknown as Content['counts'];
	const {isAnswer, pathId, sentTime, sentPackets, sentDatagrams} = probe;
	const type = isAnswer ? FrameType.PONG : FrameType.PROBE;
	const challenge = toHex(probe.challenge);
	const response = toHex(probe.response);
	const echo = {time: probe.echoTime, arrival: probe.echoArrival, packets: probe.echoPackets};
	return {
		...{type, pathId, sentTime, sentPackets, sentDatagrams, counts},
		...(probe.hasEcho ? {echo} : {}),
		...(challenge === undefined ? {} : {challenge}),
		...(response === undefined ? {} : {response}),
	};
}

function codecOf(type: number) {
	return type === FrameType.PONG ? pongFrame : probeFrame;
}

function encode(content: Content): Uint8Array {
	return encodeFrame(codecOf(content.type), probeOf(content));
}

function decode(bytes: Uint8Array) {
	return decodeSurrounded(bytes, (cursor) => {
		const probe = new Probe();
		return codecOf(cursor.uint8()).decode(cursor, probe) ? contentOf(probe) : undefined;
	});
}

for (const {name, hex, ...content} of vectors.valid) {
	test(`vector: ${name}`, (t) => {
		t.is(toHex(encode(content)), hex);
		const {result, same} = decode(fromHex(hex));
		t.deepEqual(result, content);
		t.true(same);
	});
}

for (const {name, hex} of vectors.malformed) {
	test(`refuses: ${name}`, (t) => {
		const {result, contained} = decode(fromHex(hex));
		t.is(result, undefined);
		t.true(contained);
	});
}

const word = fc.nat(0xffff_ffff);
const token = fc.uint8Array({minLength: 8, maxLength: 8}).map((bytes) => toHex(bytes)!);
const content = fc.record(
	{
		type: fc.constantFrom(0x20, 0x21),
		pathId: fc.nat(MAX_PATHS - 1),
		sentTime: word,
		sentPackets: word,
		sentDatagrams: word,
		echo: fc.record({time: word, arrival: word, packets: word}),
		challenge: token,
		response: token,
		counts: fc.array(fc.tuple(fc.nat(255), word, fc.nat(0xffff)), {maxLength: MAX_PATHS}),
	},
	{requiredKeys: ['type', 'pathId', 'sentTime', 'sentPackets', 'sentDatagrams', 'counts']},
);

/** See the limits in the document of the wire format. */
const LONGEST = 156;

test('every probe is read again and no longer than announced', (t) => {
	fc.assert(
		fc.property(content, (sent) => {
			const bytes = encode(sent);
			t.true(bytes.length <= LONGEST);
			const {result, same} = decode(bytes);
			t.deepEqual(result, {...sent});
			t.true(same);
		}),
		{seed: 12},
	);
});

test('a reused object keeps nothing of the probe before', (t) => {
	const probe = probeOf(vectors.valid.at(-1)!);
	const next = vectors.valid[0]!;
	const {result} = decodeSurrounded(fromHex(next.hex), (cursor) => {
		codecOf(cursor.uint8()).decode(cursor, probe);
		return contentOf(probe);
	});
	const {name, hex, ...expected} = next;
	t.deepEqual(result, expected, `${name} ${hex}`);
});

test('a probe cut anywhere is malformed', (t) => {
	fc.assert(
		fc.property(content, fc.nat(), (sent, cut) => {
			const bytes = encode(sent);
			t.is(decode(bytes.subarray(0, cut % bytes.length)).result, undefined);
		}),
		{seed: 13},
	);
});

test('arbitrary bytes never throw and are never read past their end', (t) => {
	const start = fc.tuple(fc.nat(16), fc.nat(8));
	fc.assert(
		fc.property(start, fc.uint8Array({maxLength: 170, max: 40}), ([id, flags], rest) => {
			const {same, contained} = decode(Uint8Array.of(0x20, id, flags, ...rest));
			t.true(same && contained);
		}),
		{seed: 14, numRuns: 1000},
	);
});
