import test from 'ava';
import fc from 'fast-check';
import {type AeadFactory, TAG_LENGTH} from '../../src/crypto/aead.ts';
import {X25519} from '../../src/crypto/diffie-hellman.ts';
import {
	type DiffieHellman,
	NOISE_OVERHEAD,
	type NoiseInit,
	NoiseInitiator,
	NoiseResponder,
} from '../../src/crypto/noise.ts';
import {SystemRandom} from '../../src/crypto/system-random.ts';
import {CHEAP_DH} from '../support/world/cheap-dh.ts';
import {fromHex, loadBackEnds, readVectors, seededBytes, toHex} from './fixtures.ts';

interface PublishedVector {
	prologue: string;
	psk: string;
	init_ephemeral: string;
	resp_ephemeral: string;
	hash_after_a: string;
	handshake_hash: string;
	messages: {payload: string; ciphertext: string}[];
}

type HeaderVector = Record<
	| 'prologue'
	| 'psk'
	| 'init_ephemeral'
	| 'resp_ephemeral'
	| 'header_a'
	| 'payload_a'
	| 'message_a'
	| 'hash_a'
	| 'header_b'
	| 'payload_b'
	| 'message_b'
	| 'handshake_hash'
	| 'initiator_key'
	| 'responder_key'
	| 'exporter',
	string
>;

const EMPTY = new Uint8Array(0);
const HEADER_A = seededBytes('header A', 10);
const HEADER_B = seededBytes('header B', 6);
const PAYLOAD_A = seededBytes('payload A', 80);
const PAYLOAD_B = seededBytes('payload B', 60);

const {available} = await loadBackEnds();
const {factory} = available[0]!;

const INIT: NoiseInit = {
	psk: seededBytes('psk', 32),
	prologue: Buffer.from('mptunnel/1'),
	random: new SystemRandom(),
	aead: factory,
};

function writeMessageA(initiator: NoiseInitiator, header = HEADER_A, payload = PAYLOAD_A) {
	return Buffer.concat([initiator.beginMessageA(header), initiator.finishMessageA(payload)]);
}

/** Both ends of a handshake up to message B, which the initiator has not read yet. */
function handshake(init: NoiseInit = INIT) {
	const initiator = new NoiseInitiator(init);
	const responder = new NoiseResponder(init);
	const messageA = writeMessageA(initiator);
	const payloadA = responder.readMessageA(HEADER_A, messageA);
	const messageB = responder.writeMessageB(HEADER_B, PAYLOAD_B)!;
	return {initiator, responder, messageA, payloadA, messageB};
}

function flipped(bytes: Uint8Array, bit: number): Uint8Array {
	const copy = Uint8Array.from(bytes);
	copy[bit >> 3] = copy[bit >> 3]! ^ (1 << (bit & 7));
	return copy;
}

function sealTransport(aead: AeadFactory, key: Uint8Array, n: number, payload: Uint8Array) {
	const bytes = new Uint8Array(payload.length + TAG_LENGTH);
	bytes.set(payload);
	aead(key).seal(n, new Uint8Array(0), bytes, 0, payload.length);
	return bytes;
}

for (const {name, factory: aead} of available) {
	test(`[${name}] meets the published vector, handshake and transport messages`, (t) => {
		const vector = readVectors<PublishedVector>('noise-nnpsk0');
		const [a, b, ...transport] = vector.messages;
		const init = {...INIT, aead, psk: fromHex(vector.psk), prologue: fromHex(vector.prologue)};
		const initiator = new NoiseInitiator({...init, ephemeral: fromHex(vector.init_ephemeral)});
		const responder = new NoiseResponder({...init, ephemeral: fromHex(vector.resp_ephemeral)});

		const messageA = writeMessageA(initiator, EMPTY, fromHex(a!.payload));
		t.is(toHex(messageA), a!.ciphertext);
		t.is(toHex(initiator.handshakeHash), vector.hash_after_a);
		t.is(toHex(responder.readMessageA(EMPTY, messageA)), a!.payload);
		t.is(toHex(responder.handshakeHash), vector.hash_after_a);

		const messageB = responder.writeMessageB(EMPTY, fromHex(b!.payload))!;
		t.is(toHex(messageB), b!.ciphertext);
		t.is(toHex(initiator.readMessageB(EMPTY, messageB)), b!.payload);
		t.is(toHex(initiator.handshakeHash), vector.handshake_hash);
		t.is(toHex(responder.handshakeHash), vector.handshake_hash);

		t.is(transport.length, 4);
		const {initiatorKey, responderKey} = initiator.split();
		t.deepEqual(responder.split(), initiator.split());
		for (const [index, {payload, ciphertext}] of transport.entries()) {
			const key = index % 2 === 0 ? initiatorKey : responderKey;
			t.is(toHex(sealTransport(aead, key, index >> 1, fromHex(payload))), ciphertext);
		}
	});
}

test('meets our vector with clear headers, and its exporter key', (t) => {
	const vector = readVectors<HeaderVector>('noise-headers');
	const init = {...INIT, psk: fromHex(vector.psk), prologue: fromHex(vector.prologue)};
	const initiator = new NoiseInitiator({...init, ephemeral: fromHex(vector.init_ephemeral)});
	const responder = new NoiseResponder({...init, ephemeral: fromHex(vector.resp_ephemeral)});
	const [headerA, headerB] = [fromHex(vector.header_a), fromHex(vector.header_b)];

	const e = initiator.beginMessageA(headerA);
	t.is(toHex(initiator.handshakeHash), vector.hash_a);
	const messageA = Buffer.concat([e, initiator.finishMessageA(fromHex(vector.payload_a))]);
	t.is(toHex(messageA), vector.message_a);
	t.is(toHex(responder.readMessageA(headerA, messageA)), vector.payload_a);
	t.is(toHex(responder.handshakeHashA), vector.hash_a);

	const messageB = responder.writeMessageB(headerB, fromHex(vector.payload_b))!;
	t.is(toHex(messageB), vector.message_b);
	t.is(toHex(initiator.readMessageB(headerB, messageB)), vector.payload_b);
	t.is(toHex(initiator.handshakeHash), vector.handshake_hash);
	for (const keys of [initiator.split(), responder.split()]) {
		t.is(toHex(keys.initiatorKey), vector.initiator_key);
		t.is(toHex(keys.responderKey), vector.responder_key);
		t.is(toHex(keys.exporter), vector.exporter);
	}
});

for (const [name, dh] of Object.entries({X25519, 'the cheap stand-in': CHEAP_DH})) {
	test(`both ends agree on everything, whatever they say, over ${name}`, (t) => {
		const bytes = fc.uint8Array({maxLength: 300});
		const psk = fc.uint8Array({minLength: 32, maxLength: 32});
		const all = fc.tuple(psk, bytes, bytes, bytes, bytes, bytes);
		fc.assert(
			fc.property(all, ([key, prologue, headerA, payloadA, headerB, payloadB]) => {
				const init = {...INIT, psk: key, prologue, dh};
				const initiator = new NoiseInitiator(init);
				const responder = new NoiseResponder(init);
				const e = initiator.beginMessageA(headerA);
				const hashA = initiator.handshakeHash;
				const messageA = Buffer.concat([e, initiator.finishMessageA(payloadA)]);
				t.is(messageA.length, NOISE_OVERHEAD + payloadA.length);
				t.deepEqual(responder.readMessageA(headerA, messageA), payloadA);
				t.deepEqual(responder.handshakeHashA, hashA);
				const messageB = responder.writeMessageB(headerB, payloadB)!;
				t.deepEqual(initiator.readMessageB(headerB, messageB), payloadB);
				t.deepEqual(initiator.handshakeHash, responder.handshakeHash);
				t.deepEqual(initiator.split(), responder.split());
			}),
			{numRuns: 30},
		);
	});
}

test('the three keys of a session differ from one another and from those of the next session', (t) => {
	const keys = [handshake(), handshake()].flatMap(({responder}) =>
		Object.values(responder.split()),
	);
	t.is(new Set(keys.map(toHex)).size, 6);
});

const strangers: Record<string, Partial<NoiseInit>> = {
	psk: {psk: seededBytes('another psk', 32)},
	prologue: {prologue: Buffer.from('mptunnel/2')},
};

for (const [name, change] of Object.entries(strangers)) {
	test(`neither end accepts a message under another ${name}`, (t) => {
		const {initiator, messageA} = handshake();
		t.is(new NoiseResponder({...INIT, ...change}).readMessageA(HEADER_A, messageA), undefined);
		const stranger = handshake({...INIT, ...change});
		t.is(initiator.readMessageB(HEADER_B, stranger.messageB), undefined);
	});
}

test('a responder refuses message A under another header, cut or with any bit flipped, then takes the genuine one', (t) => {
	const initiator = new NoiseInitiator(INIT);
	const responder = new NoiseResponder(INIT);
	const messageA = writeMessageA(initiator);
	for (let bit = 0; bit < messageA.length * 8; bit++) {
		t.is(responder.readMessageA(HEADER_A, flipped(messageA, bit)), undefined, `bit ${bit}`);
	}
	for (let length = 0; length < messageA.length; length++) {
		t.is(responder.readMessageA(HEADER_A, messageA.subarray(0, length)), undefined);
	}
	t.is(responder.readMessageA(EMPTY, messageA), undefined);
	t.is(responder.readMessageA(flipped(HEADER_A, 3), messageA), undefined);
	t.is(responder.handshakeHashA.length, 0);
	t.deepEqual(responder.readMessageA(HEADER_A, messageA), PAYLOAD_A);
});

test('an initiator refuses message B under another header, cut or with a bit flipped, then takes the genuine one', (t) => {
	const {initiator, responder, messageB} = handshake();
	const hash = initiator.handshakeHash;
	for (let bit = 0; bit < messageB.length * 8; bit += 5) {
		t.is(initiator.readMessageB(HEADER_B, flipped(messageB, bit)), undefined, `bit ${bit}`);
	}
	// X25519 ignores the topmost bit of a public key; the hash does not.
	t.is(initiator.readMessageB(HEADER_B, flipped(messageB, 255)), undefined);
	for (let length = 0; length < messageB.length; length++) {
		t.is(initiator.readMessageB(HEADER_B, messageB.subarray(0, length)), undefined);
	}
	t.is(initiator.readMessageB(EMPTY, messageB), undefined);
	t.is(initiator.readMessageB(flipped(HEADER_B, 3), messageB), undefined);
	t.deepEqual(initiator.handshakeHash, hash);
	t.throws(() => initiator.split(), {instanceOf: TypeError});
	t.deepEqual(initiator.readMessageB(HEADER_B, messageB), PAYLOAD_B);
	t.deepEqual(initiator.split(), responder.split());
});

test('a replayed message A is of no use: the same responder refuses it, a new one takes other keys', (t) => {
	const {initiator, responder, messageA, messageB} = handshake();
	t.is(responder.readMessageA(HEADER_A, messageA), undefined);
	const second = new NoiseResponder(INIT);
	t.deepEqual(second.readMessageA(HEADER_A, messageA), PAYLOAD_A);
	t.notDeepEqual(second.writeMessageB(HEADER_B, PAYLOAD_B), messageB);
	t.notDeepEqual(second.split(), responder.split());
	initiator.readMessageB(HEADER_B, messageB);
	t.deepEqual(initiator.split(), responder.split());
});

test('a message B is refused when it is replayed and when it answers another message A', (t) => {
	const {initiator, messageB} = handshake();
	const other = handshake();
	t.is(initiator.readMessageB(HEADER_B, other.messageB), undefined);
	t.deepEqual(initiator.readMessageB(HEADER_B, messageB), PAYLOAD_B);
	const keys = initiator.split();
	t.is(initiator.readMessageB(HEADER_B, messageB), undefined);
	t.is(initiator.readMessageB(HEADER_B, other.messageB), undefined);
	t.deepEqual(initiator.split(), keys);
});

test('a message is never taken for the other one', (t) => {
	const {initiator, messageA, messageB} = handshake();
	t.is(initiator.readMessageB(HEADER_A, messageA), undefined);
	t.is(new NoiseResponder(INIT).readMessageA(HEADER_B, messageB), undefined);
});

test('reading message A takes no Diffie-Hellman and no key generation', (t) => {
	const refuse = (): never => t.fail() as never;
	const dh: DiffieHellman = {generate: refuse, shared: refuse};
	const messageA = writeMessageA(new NoiseInitiator(INIT));
	const responder = new NoiseResponder({...INIT, dh});
	t.is(responder.readMessageA(HEADER_A, flipped(messageA, 400)), undefined);
	t.deepEqual(responder.readMessageA(HEADER_A, messageA), PAYLOAD_A);
});

// The points of small order, RFC 7748 section 6.1 and its security considerations.
const SMALL_ORDER = [
	'00'.repeat(32),
	`01${'00'.repeat(31)}`,
	'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
	'5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
	`ec${'ff'.repeat(30)}7f`,
	`ed${'ff'.repeat(30)}7f`,
	`ee${'ff'.repeat(30)}7f`,
];

for (const point of SMALL_ORDER) {
	test(`an all-zero shared secret is refused by both ends: ${point.slice(0, 8)}`, (t) => {
		t.is(X25519.shared(seededBytes('private', 32), fromHex(point)), undefined);
		const evil: DiffieHellman = {
			generate: () => ({privateKey: new Uint8Array(32), publicKey: fromHex(point)}),
			shared: () => new Uint8Array(32),
		};
		const responder = new NoiseResponder(INIT);
		const messageA = writeMessageA(new NoiseInitiator({...INIT, dh: evil}));
		t.deepEqual(responder.readMessageA(HEADER_A, messageA), PAYLOAD_A);
		t.is(responder.writeMessageB(HEADER_B, PAYLOAD_B), undefined);
		t.throws(() => responder.split(), {instanceOf: TypeError});

		const initiator = new NoiseInitiator(INIT);
		const evilResponder = new NoiseResponder({...INIT, dh: evil});
		evilResponder.readMessageA(HEADER_A, writeMessageA(initiator));
		const messageB = evilResponder.writeMessageB(HEADER_B, PAYLOAD_B)!;
		t.is(initiator.readMessageB(HEADER_B, messageB), undefined);
	});
}

test('arbitrary bytes are refused and never throw', (t) => {
	const {initiator} = handshake();
	const responder = new NoiseResponder(INIT);
	fc.assert(
		fc.property(
			fc.uint8Array({maxLength: 20}),
			fc.uint8Array({maxLength: 200}),
			(header, bytes) => {
				t.is(responder.readMessageA(header, bytes), undefined);
				t.is(initiator.readMessageB(header, bytes), undefined);
			},
		),
	);
});

test('reading before it is time yields undefined', (t) => {
	const {messageB} = handshake();
	const initiator = new NoiseInitiator(INIT);
	t.is(initiator.readMessageB(HEADER_B, messageB), undefined);
	initiator.beginMessageA(HEADER_A);
	t.is(initiator.readMessageB(HEADER_B, messageB), undefined);
});

test('calls out of order are the caller’s fault', (t) => {
	const thrown = {instanceOf: TypeError, message: /^handshake calls out of order: /};
	const initiator = new NoiseInitiator(INIT);
	const responder = new NoiseResponder(INIT);
	t.throws(() => initiator.finishMessageA(PAYLOAD_A), thrown);
	t.throws(() => initiator.split(), thrown);
	t.throws(() => responder.writeMessageB(HEADER_B, PAYLOAD_B), thrown);
	t.throws(() => responder.split(), thrown);
	const messageA = writeMessageA(initiator);
	t.throws(() => initiator.beginMessageA(HEADER_A), thrown);
	t.throws(() => initiator.finishMessageA(PAYLOAD_A), thrown);
	responder.readMessageA(HEADER_A, messageA);
	responder.writeMessageB(HEADER_B, PAYLOAD_B);
	t.throws(() => responder.writeMessageB(HEADER_B, PAYLOAD_B), thrown);
});

test('hashes that were handed out are copies', (t) => {
	const {initiator, responder, messageB} = handshake();
	initiator.handshakeHash.fill(0);
	responder.handshakeHash.fill(0);
	responder.handshakeHashA.fill(0);
	t.deepEqual(initiator.readMessageB(HEADER_B, messageB), PAYLOAD_B);
	t.deepEqual(initiator.handshakeHash, responder.handshakeHash);
	t.notDeepEqual(responder.handshakeHashA, new Uint8Array(32));
});

test('takes a psk of 32 bytes only', (t) => {
	for (const length of [0, 31, 33]) {
		const init = {...INIT, psk: new Uint8Array(length)};
		const thrown = {instanceOf: RangeError, message: `psk is 32 bytes, this has ${length}`};
		t.throws(() => new NoiseInitiator(init), thrown);
		t.throws(() => new NoiseResponder(init), thrown);
	}
});
