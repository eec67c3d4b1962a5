import {readdirSync} from 'node:fs';
import test from 'ava';
import fc from 'fast-check';
import type {Cursor} from '../../src/bytes/cursor.ts';
import {writeVarint} from '../../src/bytes/varint.ts';
import {FrameRecords} from '../../src/core/frame-records.ts';
import {encodeFrame, type FrameCodec} from '../../src/wire/frames/codec.ts';
import type {Feedback} from '../../src/wire/frames/feedback.ts';
import {FrameType} from '../../src/wire/frames/frame-type.ts';
import type {LaneReport, LanesFrame} from '../../src/wire/frames/lane.ts';
import type {Paths} from '../../src/wire/frames/paths.ts';
import type {Probe} from '../../src/wire/frames/probe.ts';
import {decodeSurrounded} from '../support/reference/surrounded.ts';
import {readByDocument, type Value} from './layout-reader.ts';
import {type Field, FRAMES, type Layout} from './layouts.ts';

type Codec = FrameCodec<object>;

/** Every codec, whichever file it is in. */
const CODECS: readonly Codec[] = (
	await Promise.all(
		readdirSync(new URL('../../src/wire/frames/', import.meta.url))
			.filter((name) => name.endsWith('.js'))
			.map(async (name): Promise<object> => import(`../../src/wire/frames/${name}`)),
	)
)
	.flatMap((module) => Object.values(module) as unknown[])
	.filter(
		(value): value is Codec =>
			typeof value === 'object' && value !== null && 'type' in value && 'decode' in value,
	);

const records = new FrameRecords();

/** The record that a session reads frames of a type into. */
function recordOf(type: number): object {
	switch (type) {
		case FrameType.PADDING:
			return records.padding;
		case FrameType.FRAGMENT:
			return records.fragment;
		case FrameType.DATAGRAM:
		case FrameType.DATAGRAM_TO:
		case FrameType.DATAGRAM_LEN:
			return records.datagram;
		case FrameType.PROBE:
		case FrameType.PONG:
			return records.probe;
		case FrameType.FEEDBACK:
			return records.feedback;
		case FrameType.PATHS:
		case FrameType.PATHS_KNOWN:
			return records.paths;
		case FrameType.CLIENT:
			return records.client;
		case FrameType.CLOSE:
			return records.close;
		case FrameType.LANE:
			return records.lane;
		case FrameType.REPAIR:
			return records.repair;
		case FrameType.LANE_REPORT:
			return records.laneReport;
		case FrameType.LANES:
		case FrameType.LANES_KNOWN:
			return records.lanes;
		case FrameType.FLOW_LANE:
			return records.flowLane;
		default:
			return type < FrameType.STREAM_OPEN ? records.flow : records.stream;
	}
}

/** Frames with flags of which the others are ignored. */
const IGNORES_FLAGS: readonly number[] = [FrameType.PATHS, FrameType.LANE_REPORT, FrameType.LANES];

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** `sent time` as the property of a record is named. */
function propertyOf(name: string): string {
	return name.replaceAll(/ (.)/g, (_, letter: string) => letter.toUpperCase());
}

/** The fields of a record, by the names and in the order of the document. */
function valuesOf(type: number, layout: Layout, record: object): Value[] {
	switch (type) {
		case FrameType.PROBE:
		case FrameType.PONG:
			return valuesOfProbe(layout, record as Probe);
		case FrameType.FEEDBACK:
			return valuesOfFeedback(record as Feedback);
		case FrameType.PATHS:
			return valuesOfPaths(record as Paths);
		case FrameType.LANE_REPORT:
			return valuesOfReport(layout, record as LaneReport);
		case FrameType.LANES:
			return valuesOfLanes(layout, record as LanesFrame);
		default:
			return layout.fields.map((field) => [field.name, plainValue(field, record)]);
	}
}

function plainValue({name}: Field, record: object): number | string {
	const {bytes, start, end} = record as {bytes: Uint8Array; start: number; end: number};
	if (name === 'length') return end - start;
	if (['payload', 'piece', 'bytes', 'symbol'].includes(name)) {
		return hex(bytes.subarray(start, end));
	}
	const value: unknown = Reflect.get(
		record,
		propertyOf(name === 'target' ? targetOf(record) : name),
	);
	return value instanceof Uint8Array ? hex(value) : (value as number);
}

/** STREAM_OPEN and STREAM_ACCEPT share a record, so the target is called an address there. */
function targetOf(record: object): string {
	return record === records.stream ? 'address' : 'target';
}

function valuesOfProbe({fields}: Layout, probe: Probe): Value[] {
	const {hasEcho, challenge, response} = probe;
	const flags = (hasEcho ? 1 : 0) | (challenge ? 2 : 0) | (response ? 4 : 0);
	const present = fields.filter(({flag}) => flag === undefined || (flags & flag) !== 0);
	const values = present.map(
		(field): Value => [field.name, field.name === 'flags' ? flags : plainValue(field, probe)],
	);
	for (let i = 0; i < probe.count; i++) {
		values.push(['path id', probe.pathIds[i]!], ['packets', probe.packets[i]!]);
		values.push(['probes', probe.probes[i]!]);
	}
	return values;
}

function valuesOfFeedback({count, reports}: Feedback): Value[] {
	const values: Value[] = [['paths', count]];
	for (const {pathId, largest, arrival, packets, length, bitmap} of reports.slice(0, count)) {
		values.push(['path id', pathId], ['largest', largest], ['arrival', arrival]);
		values.push(['packets', packets], ['length', length]);
		values.push(['bitmap', hex(bitmap.subarray(0, length))]);
	}
	return values;
}

function valuesOfPaths({sequence, copies, paths}: Paths): Value[] {
	const values: Value[] = [
		['sequence', sequence],
		['copies', copies],
		['count', paths.length],
	];
	for (const {id, metered, backup, held, rateUp, rateDown, name} of paths) {
		const flags = (metered ? 1 : 0) | (backup ? 2 : 0) | (held === true ? 4 : 0);
		values.push(['path id', id], ['flags', flags]);
		values.push(['rate up', rateUp], ['rate down', rateDown], ['name length', name.length]);
		values.push(['name', hex(Buffer.from(name, 'latin1'))]);
	}
	return values;
}

function valuesOfReport({fields}: Layout, report: LaneReport): Value[] {
	const flags = report.noDecoder ? 1 : 0;
	const values = fields.map(
		(field): Value => [field.name, field.name === 'flags' ? flags : plainValue(field, report)],
	);
	for (let i = 0; i < report.count; i++) {
		values.push(['path id', report.pathIds[i]!], ['packets', report.packets[i]!]);
		values.push(['path newest', report.pathNewest[i]!]);
	}
	return values;
}

function valuesOfLanes({entry = []}: Layout, {sequence, lanes}: LanesFrame): Value[] {
	const values: Value[] = [
		['sequence', sequence],
		['count', lanes.length],
	];
	for (const {cheap, name, ...terms} of lanes) {
		const written = {
			...terms,
			flags: cheap ? 1 : 0,
			nameLength: name.length,
			name: Buffer.from(name, 'latin1'),
		};
		values.push(...entry.map((field): Value => [field.name, plainValue(field, written)]));
	}
	return values;
}

/** Reads bytes behind the type byte with a codec; `undefined`: malformed. */
function readByCodec(codec: Codec, layout: Layout, bytes: Uint8Array) {
	const decode = (cursor: Cursor) => {
		const start = cursor.position;
		const record = recordOf(codec.type);
		if (!codec.decode(cursor, record)) {
			cursor.failed = true;
			return undefined;
		}
		const values = valuesOf(codec.type, layout, record);
		return {values, length: cursor.position - start, frame: hex(encodeFrame(codec, record))};
	};
	return decodeSurrounded(bytes, decode);
}

// --- frames made by the document ---

const byte = fc.nat(255);
/** Lists of bytes about fields of a frame: small numbers, targets and text are likely among them. */
const TARGETS = [
	[0, 1, 0x61, 1, 0x62],
	[1, 198, 18, 0, 1, 0, 53],
	[2, 1, 0x61, 0, 3, 1, 0x63, 0, 80],
	[3, 3, 0x61, 0x2e, 0x62, 0, 80],
	[4, ...new Array<number>(15).fill(0), 1, 0, 80],
];

function varintOf(value: number): number[] {
	const bytes = new Uint8Array(4);
	return [...bytes.subarray(0, writeVarint(bytes, 0, value))];
}

const varint = fc.oneof(fc.nat(63), fc.nat(16_383), fc.nat(0x3fff_ffff)).map(varintOf);

function fixed(length: number): fc.Arbitrary<number[]> {
	return fc.array(byte, {minLength: length, maxLength: length});
}

/** Bytes of fields, each within its range, in the document's order. */
function fieldBytes(fields: readonly Field[]): fc.Arbitrary<number[]> {
	const flags = fields.some(({name}) => name === 'flags') ? fc.nat(7) : fc.constant(0);
	return flags.chain((bits) => {
		const parts = fields.map((field, index): fc.Arbitrary<number[]> => {
			if (field.flag !== undefined && (bits & field.flag) === 0) return fc.constant([]);
			if (field.name === 'flags') return fc.constant([bits & (field.bits ?? 0)]);
			const behind = fields[index + 1];
			// A length and what it is the length of go together.
			if (typeof behind?.size === 'object') return sized(field, [0, 1, 7, 16, 30]);
			if (typeof field.size === 'object') return fc.constant([]);
			return one(field);
		});
		return fc.tuple(...parts).map((all) => all.flat());
	});
}

function sized({size, max}: Field, lengths: readonly number[]): fc.Arbitrary<number[]> {
	const text = (length: number) => fc.array(fc.integer({min: 0x20, max: 0x7e}), exactly(length));
	return fc
		.constantFrom(...lengths.filter((length) => length <= max))
		.chain((length) =>
			text(length).map((bytes) => [...(size === 'varint' ? varintOf(length) : [length]), ...bytes]),
		);
}

function exactly(length: number) {
	return {minLength: length, maxLength: length};
}

function one({size, min, max, kinds}: Field): fc.Arbitrary<number[]> {
	if (size === 'varint') {
		return Number.isFinite(max) ? fc.integer({min, max}).map(varintOf) : varint;
	}
	if (size === 'target')
		return fc.constantFrom(...TARGETS.filter(([kind]) => kinds?.includes(kind!)));
	if (size === 'rest') return fc.array(byte, {maxLength: 40});
	if (typeof size !== 'number') return fc.constant([]);
	return size === 1
		? fc.integer({min, max: Math.min(max, 255)}).map((value) => [value])
		: fixed(size);
}

/** Bytes of a whole frame behind its type byte. */
function frameBytes({fields, count, entry}: Layout): fc.Arbitrary<Uint8Array> {
	if (count === undefined || entry === undefined) {
		return fieldBytes(fields).map((bytes) => Uint8Array.from(bytes));
	}
	const head = fields.filter(({name}) => name !== count);
	const least = fields.find(({name}) => name === count)!.min;
	const entries = fc.array(fieldBytes(entry), {minLength: least, maxLength: 4});
	return fc
		.tuple(fieldBytes(head), entries)
		.map(([bytes, all]) => Uint8Array.from([...bytes, all.length, ...all.flat()]));
}

test('every frame of the document has one codec, and every codec is in the document', (t) => {
	t.deepEqual(
		CODECS.map(({type}) => type).toSorted((a, b) => a - b),
		FRAMES.map(({type}) => type),
	);
	t.deepEqual(
		FRAMES.map(({name, type}) => [name, type]),
		Object.entries(FrameType),
	);
});

for (const {type, name, layout, takesRest} of FRAMES) {
	const codec = CODECS.find((known) => known.type === type)!;

	test(`${name}: read and written as the document says, field by field`, (t) => {
		fc.assert(
			fc.property(frameBytes(layout), (bytes) => {
				const expected = readByDocument(type, bytes);
				t.not(expected, undefined, 'the document reads what it makes');
				const {result, same, contained} = readByCodec(codec, layout, bytes);
				t.true(same && contained);
				t.is(result?.length, bytes.length);
				if (type === FrameType.PADDING) return;
				t.deepEqual(result?.values, expected?.values);
				t.is(result?.frame, hex(Uint8Array.of(type, ...bytes)));
			}),
			{seed: type, numRuns: 100},
		);
	});

	test(`${name}: arbitrary bytes never throw, and both agree on them`, (t) => {
		const near = frameBytes(layout).chain((bytes) =>
			fc.tuple(fc.nat(bytes.length), byte, fc.boolean()).map(([at = 0, value, cut]) => {
				const changed = bytes.slice(0, cut ? at : bytes.length);
				if (at < changed.length) changed[at] = value ?? 0;
				return changed;
			}),
		);
		fc.assert(
			fc.property(fc.oneof(near, fc.uint8Array({maxLength: 80})), (bytes) => {
				const expected = readByDocument(type, bytes);
				const {result, same, contained} = readByCodec(codec, layout, bytes);
				t.true(same && contained);
				t.is(result === undefined, expected === undefined, hex(bytes));
				if (result === undefined || type === FrameType.PADDING) return;
				const free = (values: readonly Value[] | undefined) =>
					values?.filter((value) => !IGNORES_FLAGS.includes(type) || value[0] !== 'flags');
				t.deepEqual(free(result.values), free(expected?.values));
				t.is(expected?.length, result.length);
				if (takesRest) t.is(result.length, bytes.length);
			}),
			{seed: type, numRuns: 300},
		);
	});
}
