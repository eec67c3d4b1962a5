import test from 'ava';
import fc from 'fast-check';
import {
	decodeInitPayload,
	decodeRespPayload,
	encodeInitHeader,
	encodeInitPayload,
	encodeReplyHeader,
	encodeReset,
	encodeRespPayload,
	INIT_HEADER_LENGTH,
	INIT_LENGTH,
	INIT_MAC,
	InitKind,
	RESET_LENGTH,
	RESP_HEADER_LENGTH,
	RETRY_LENGTH,
} from '../../src/wire/handshake.ts';
import {fromHex, readVectors, toHex} from '../crypto/fixtures.ts';

interface Malformed {
	readonly name: string;
	readonly hex: string;
}

interface InitVector extends Malformed {
	readonly kind: number;
	readonly resumeId: number;
	readonly proof: string;
	readonly encrypt: boolean;
	readonly frames: number[];
}

interface RespVector extends Malformed {
	readonly status: number;
	readonly sessionId: number;
	readonly epoch: number;
	readonly encrypt: boolean;
	readonly frames: number[];
}

const vectors = readVectors<{
	clientId: string;
	time: number;
	clientSession: number;
	keyHint: number;
	init: string;
	resp: string;
	retry: string;
	version: string;
	reset: {sessionId: number; packetNumber: number; hex: string};
	payloads: {
		init: InitVector[];
		initDecodedOnly: Pick<InitVector, 'name' | 'hex' | 'kind' | 'encrypt' | 'frames'>[];
		initMalformed: Malformed[];
		resp: RespVector[];
		respMalformed: Malformed[];
	};
}>('wire-handshake');
const {payloads} = vectors;

for (const {name, hex, ...fields} of payloads.init) {
	test(`INIT plaintext, vector: ${name}`, (t) => {
		const payload = {
			kind: fields.kind,
			clientId: fromHex(vectors.clientId),
			time: vectors.time,
			resumeId: fields.resumeId,
			proof: fromHex(fields.proof),
			parameters: {encrypt: fields.encrypt, frames: fields.frames},
		};
		t.is(toHex(encodeInitPayload(payload)), hex);
		t.deepEqual(decodeInitPayload(fromHex(hex)), payload);
	});
}

for (const {name, hex, kind, encrypt, frames} of payloads.initDecodedOnly) {
	test(`INIT plaintext, vector: ${name}`, (t) => {
		const payload = decodeInitPayload(fromHex(hex));
		t.is(payload?.kind, kind);
		t.deepEqual(payload?.parameters, {encrypt, frames});
	});
}

for (const {name, hex} of payloads.initMalformed) {
	test(`INIT plaintext is malformed: ${name}`, (t) => {
		t.is(decodeInitPayload(fromHex(hex)), undefined);
	});
}

for (const {name, hex, status, sessionId, epoch, encrypt, frames} of payloads.resp) {
	test(`RESP plaintext, vector: ${name}`, (t) => {
		const payload = {status, sessionId, epoch, parameters: {encrypt, frames}};
		t.is(toHex(encodeRespPayload(payload)), hex);
		t.deepEqual(decodeRespPayload(fromHex(hex)), payload);
	});
}

for (const {name, hex} of payloads.respMalformed) {
	test(`RESP plaintext is malformed: ${name}`, (t) => {
		t.is(decodeRespPayload(fromHex(hex)), undefined);
	});
}

test('clear headers, vectors', (t) => {
	const {clientSession, keyHint} = vectors;
	t.true(vectors.init.startsWith(toHex(encodeInitHeader(3, clientSession, keyHint))!));
	t.true(vectors.resp.startsWith(toHex(encodeReplyHeader(2, clientSession))!));
	t.true(vectors.retry.startsWith(toHex(encodeReplyHeader(3, clientSession))!));
	t.true(vectors.version.startsWith(toHex(encodeReplyHeader(6, clientSession))!));
	t.is(encodeInitHeader(1, 0, 0).length, INIT_HEADER_LENGTH);
	t.is(encodeReplyHeader(2, 0).length, RESP_HEADER_LENGTH);
});

test('RESET, vector', (t) => {
	const {sessionId, packetNumber, hex} = vectors.reset;
	t.is(toHex(encodeReset(sessionId, packetNumber)), hex);
	t.is(hex.length / 2, RESET_LENGTH);
});

test('no answer is longer than an INIT', (t) => {
	const frames = Array.from({length: 16}, (_, index) => 0x30 + index);
	const longest = encodeRespPayload({
		status: 0,
		sessionId: 0xffff_ffff,
		epoch: 15,
		parameters: {encrypt: true, frames},
	});
	t.true(RESP_HEADER_LENGTH + 48 + longest.length <= INIT_LENGTH);
	t.true(RETRY_LENGTH <= INIT_LENGTH);
});

const bytesOf = (length: number) => fc.uint8Array({minLength: length, maxLength: length});
const parameters = fc.record({
	encrypt: fc.boolean(),
	frames: fc.array(fc.integer({min: 0x30, max: 0xff}), {maxLength: 48}),
});

test('every INIT plaintext is read again and has the same length', (t) => {
	const payload = fc.record({
		kind: fc.constantFrom(InitKind.FRESH, InitKind.RESUME),
		clientId: bytesOf(16),
		time: fc.nat(2 ** 48 - 1),
		resumeId: fc.nat(0xffff_ffff),
		proof: bytesOf(32),
		parameters,
	});
	fc.assert(
		fc.property(payload, (sent) => {
			const bytes = encodeInitPayload(sent);
			t.is(bytes.length, INIT_MAC - INIT_HEADER_LENGTH - 48);
			t.deepEqual(decodeInitPayload(bytes), {...sent, parameters: {...sent.parameters}});
		}),
		{seed: 15},
	);
});

test('every RESP plaintext is read again', (t) => {
	const payload = fc.record({
		status: fc.nat(5),
		sessionId: fc.nat(0xffff_ffff),
		epoch: fc.nat(15),
		parameters,
	});
	fc.assert(
		fc.property(payload, (sent) => {
			const read = decodeRespPayload(encodeRespPayload(sent));
			t.deepEqual(read, {...sent, parameters: {...sent.parameters}});
		}),
		{seed: 16},
	);
});

/** Decodes the bytes as a view into a larger buffer under two fillings. */
function inside<T>(bytes: Uint8Array, decode: (bytes: Uint8Array) => T): [T, T] {
	const at = (poison: number) => {
		const larger = new Uint8Array(bytes.length + 64).fill(poison);
		larger.set(bytes, 32);
		return decode(larger.subarray(32, 32 + bytes.length));
	};
	return [at(0x00), at(0xff)];
}

for (const [name, decode, fixed] of [
	['INIT', decodeInitPayload, 59],
	['RESP', decodeRespPayload, 6],
] as const) {
	test(`arbitrary ${name} plaintexts never throw and are never read past their end`, (t) => {
		const parts = fc.tuple(bytesOf(fixed), fc.uint8Array({maxLength: 30, max: 9}));
		const built = parts.map(([head, tail]) => {
			const bytes = Uint8Array.of(...head, ...tail);
			bytes[0] = bytes[0]! % 5;
			return bytes;
		});
		fc.assert(
			fc.property(fc.oneof(built, fc.uint8Array({maxLength: 120})), (bytes) => {
				const [a, b] = inside<unknown>(bytes, decode);
				t.deepEqual(a, b);
			}),
			{seed: 17, numRuns: 1000},
		);
	});
}
