import test from 'ava';
import {Cursor} from '../../../src/bytes/cursor.ts';
import {ClientHandshake} from '../../../src/core/client/client-handshake.ts';
import {ServerHandshake} from '../../../src/core/server/server-handshake.ts';
import {UserKeys} from '../../../src/core/user-keys.ts';
import {X25519} from '../../../src/crypto/diffie-hellman.ts';
import {keyHint} from '../../../src/crypto/keys.ts';
import {decodeTarget} from '../../../src/wire/address.ts';
import {associatedData, encodeHeader} from '../../../src/wire/header.ts';
import {fromHex, readVectors, toHex} from '../../crypto/fixtures.ts';
import {environmentOf, REAL_AEAD, remoteOf} from '../session/core-fixtures.ts';

interface DataVector {
	readonly name: string;
	readonly epoch: number;
	readonly sessionId: number;
	readonly packetNumber: number;
	readonly key: string;
	readonly frames: string;
	readonly hex: string;
}

const vectors = readVectors<{
	psk: string;
	keyHint: number;
	clientId: string;
	time: number;
	clientSession: number;
	serverSession: number;
	initEphemeral: string;
	respEphemeral: string;
	init: string;
	initWithCookie: string;
	resp: string;
	initiatorKey: string;
	responderKey: string;
	exporter: string;
	resume: {initEphemeral: string; respEphemeral: string; init: string; resp: string};
	otherVersion: string;
	cookie: string;
	retry: string;
	version: string;
	data: DataVector[];
	plain: DataVector[];
}>('wire-handshake');
const psk = fromHex(vectors.psk);
const HERE = remoteOf(4000);

/** X25519 with the ephemeral keys of the vectors, and a random that gives the vectors' session id. */
function scripted(ephemerals: string[], clock: number) {
	const keys = [...ephemerals];
	const {random} = environmentOf('vectors');
	return environmentOf('vectors', {
		wallTime: () => clock,
		random: {fill: (bytes) => random.fill(bytes), uint32: () => vectors.clientSession},
		dh: {
			generate: () =>
				X25519.generate({fill: (bytes) => bytes.set(fromHex(keys.shift()!)), uint32: () => 0}),
			shared: X25519.shared,
		},
	});
}

function clientOf(ephemeral: string, clock: number): ClientHandshake {
	return new ClientHandshake(scripted([ephemeral], clock), psk, fromHex(vectors.clientId), true);
}

function respond(hex: string, ephemeral: string, status: number, epoch: number) {
	const server = new ServerHandshake(scripted([ephemeral], 0), [{name: 'user', psk}]);
	const outcome = server.receive(fromHex(hex), 0, 256, HERE, 0);
	if (outcome.type !== 'verified') throw new Error(outcome.type);
	const parameters = {encrypt: true, frames: []};
	const resp = {status, sessionId: vectors.serverSession, epoch, parameters};
	return {answer: server.respond(outcome.init, resp, 0), noise: outcome.init.noise};
}

test('the key hint', (t) => {
	t.is(keyHint(psk), vectors.keyHint);
});

test('a fresh INIT, byte for byte', (t) => {
	const client = clientOf(vectors.initEphemeral, vectors.time);
	client.begin(undefined, 0);
	t.is(toHex(client.poll(0)?.bytes), vectors.init);
});

test('its RESP, byte for byte, and the keys of both ends', (t) => {
	const {answer, noise} = respond(vectors.init, vectors.respEphemeral, 0, 0);
	t.is(toHex(answer), vectors.resp);
	const client = clientOf(vectors.initEphemeral, vectors.time);
	client.begin(undefined, 0);
	client.poll(0);
	const resp = fromHex(vectors.resp);
	const keys = client.receiveResp(resp, 0, resp.length)?.keys;
	t.deepEqual(keys, noise.split());
	t.is(toHex(keys?.initiatorKey), vectors.initiatorKey);
	t.is(toHex(keys?.responderKey), vectors.responderKey);
	t.is(toHex(keys?.exporter), vectors.exporter);
});

test('a resume of that session, byte for byte, and its RESP', (t) => {
	const client = clientOf(vectors.resume.initEphemeral, vectors.time + 120_000);
	const exporter = fromHex(vectors.exporter);
	client.begin({localId: vectors.clientSession, peerId: vectors.serverSession, exporter}, 0);
	t.is(toHex(client.poll(0)?.bytes), vectors.resume.init);
	const {answer} = respond(vectors.resume.init, vectors.resume.respEphemeral, 1, 1);
	t.is(toHex(answer), vectors.resume.resp);
});

test('RETRY and VERSION, byte for byte', (t) => {
	const e = fromHex(vectors.init).subarray(10, 42);
	const keys = new UserKeys(psk, {aead: REAL_AEAD});
	for (const [hex, macOf] of [
		[vectors.retry, keys.retryMac.bind(keys)],
		[vectors.version, keys.versionMac.bind(keys)],
	] as const) {
		const packet = fromHex(hex);
		t.is(toHex(macOf(packet.subarray(0, packet.length - 16), e)), hex.slice(-32));
	}
});

test('the client takes VERSION and RETRY of the vectors', (t) => {
	const client = clientOf(vectors.initEphemeral, vectors.time);
	client.begin(undefined, 0);
	client.poll(0);
	const version = fromHex(vectors.version);
	t.deepEqual(client.receiveVersion(version, 0, version.length), [3]);
	const retry = fromHex(vectors.retry);
	const init = client.receiveRetry(0, retry, 0, retry.length, 0);
	t.is(toHex(init), vectors.initWithCookie);
	for (let bit = 0; bit < 8 * version.length; bit++) {
		const forged = version.slice();
		forged[bit >> 3]! ^= 1 << (bit & 7);
		t.is(client.receiveVersion(forged, 0, forged.length), undefined, `bit ${bit}`);
	}
});

test('an INIT of another version is answered with VERSION, shorter than it', (t) => {
	const server = new ServerHandshake(scripted([], 0), [{name: 'user', psk}]);
	const outcome = server.receive(fromHex(vectors.otherVersion), 0, 256, HERE, 0);
	if (outcome.type !== 'other-version') return t.fail(outcome.type);
	t.is(outcome.version, 2);
	t.is(toHex(outcome.answer), vectors.version);
	t.true(outcome.answer.length < 256);
});

test('an INIT of another version whose tag is wrong is not answered', (t) => {
	const server = new ServerHandshake(scripted([], 0), [{name: 'user', psk}]);
	const forged = fromHex(vectors.otherVersion);
	forged[1] = 1;
	t.is(server.receive(forged, 0, 256, HERE, 0).type, 'rejected');
});

for (const [encrypt, list] of [
	[true, vectors.data],
	[false, vectors.plain],
] as const) {
	for (const vector of list) {
		test(`DATA, ${vector.name}, byte for byte`, (t) => {
			const frames = fromHex(vector.frames);
			const bytes = new Uint8Array(11 + frames.length + 16);
			encodeHeader(bytes, 0, vector.epoch, vector.sessionId, vector.packetNumber);
			bytes.set(frames, 11);
			const end = 11 + frames.length;
			const ad = associatedData(bytes, 0, end, encrypt);
			const aead = REAL_AEAD(fromHex(vector.key));
			aead.seal(vector.packetNumber, ad, bytes, encrypt ? 11 : end, end);
			t.is(toHex(bytes), vector.hex);
		});
	}
}

test('the frames of the first DATA vector name flow, reference, target and payload', (t) => {
	const frames = fromHex(vectors.data[0]!.frames);
	const cursor = new Cursor();
	cursor.reset(frames, 0, frames.length);
	t.deepEqual([cursor.uint8(), cursor.varint(), cursor.varint()], [0x11, 0, 0]);
	t.like(decodeTarget(cursor), {listener: 'classic', application: '127.0.0.1 50000'});
	t.is(Buffer.from(cursor.copy(cursor.remaining)).toString(), 'hello');
});
