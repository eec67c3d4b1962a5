import test from 'ava';
import fc from 'fast-check';
import {ClientHandshake} from '../../../src/core/client/client-handshake.ts';
import {ServerHandshake} from '../../../src/core/server/server-handshake.ts';
import type {AeadFactory} from '../../../src/crypto/aead.ts';
import {keyHint} from '../../../src/crypto/keys.ts';
import {Prng} from '../../../src/sim/prng.ts';
import {VERSION} from '../../../src/wire/constants.ts';
import {
	encodeInitHeader,
	INIT_COOKIE_MAC,
	INIT_LENGTH,
	INIT_MAC,
} from '../../../src/wire/handshake.ts';
import {environmentOf, REAL_AEAD, remoteOf} from '../session/core-fixtures.ts';
import {answer, CLIENT_ID, HERE, PSK, serverOf, verified} from './exchange.ts';

function initOf(seed: string, psk = PSK): Uint8Array {
	const client = new ClientHandshake(environmentOf(seed), psk, CLIENT_ID, true);
	client.begin(undefined, 0);
	return client.poll(0)!.bytes;
}

function outcome(server: ServerHandshake, bytes: Uint8Array, now = 0) {
	return server.receive(bytes.slice(), 0, bytes.length, HERE, now);
}

test('knows the user of an INIT by its key', (t) => {
	const keys = [1, 2, 3].map((byte) => new Uint8Array(32).fill(byte));
	const users = keys.map((psk, index) => ({name: `user ${index}`, psk}));
	const server = new ServerHandshake(environmentOf('server'), users);
	for (const {name, psk} of users) t.is(verified(server, initOf('a', psk)).user.name, name);
});

test('tries every key with the same hint', (t) => {
	// Two keys whose hints are equal, found by search over keys that count upwards.
	const hints = new Map<number, Uint8Array>();
	let pair: Uint8Array[] = [];
	for (let i = 1; pair.length === 0; i++) {
		const psk = new Uint8Array(32);
		new DataView(psk.buffer).setUint32(0, i);
		const other = hints.get(keyHint(psk));
		if (other !== undefined) pair = [other, psk];
		hints.set(keyHint(psk), psk);
	}
	const users = pair.map((psk, index) => ({name: `${index}`, psk}));
	const server = new ServerHandshake(environmentOf('server'), users);
	for (const {name, psk} of users) t.is(verified(server, initOf('a', psk)).user.name, name);
});

test('says of an unknown key whether it is none at all', (t) => {
	const server = serverOf('server');
	const stranger = outcome(server, initOf('a', new Uint8Array(32).fill(5)));
	t.deepEqual(stranger, {type: 'unknown-key', keyless: false});
	const keyless = outcome(server, initOf('a', new Uint8Array(32)));
	t.deepEqual(keyless, {type: 'unknown-key', keyless: true});
});

test('an INIT with any bit changed is not answered', (t) => {
	const server = serverOf('server');
	const init = initOf('a');
	answer(server, init);
	for (let bit = 0; bit < 8 * INIT_LENGTH; bit++) {
		const forged = init.slice();
		forged[bit >> 3]! ^= 1 << (bit & 7);
		const {type} = outcome(server, forged);
		// Who changes the mac of a cookie gets what the INIT itself gets.
		if (bit >= 8 * INIT_COOKIE_MAC) t.is(type, 'repeat');
		else t.true(['rejected', 'unknown-key', 'flood'].includes(type), `bit ${bit}: ${type}`);
	}
});

test('an INIT of any other length is rejected', (t) => {
	const server = serverOf('server');
	const init = Uint8Array.of(...initOf('a'), 0);
	for (let length = 1; length < INIT_LENGTH; length++) {
		t.is(server.receive(init.slice(), 0, length, HERE, 0).type, 'rejected');
	}
	t.is(outcome(server, init).type, 'rejected');
});

test('arbitrary bytes never throw and are never accepted', (t) => {
	const server = serverOf('server');
	const header = encodeInitHeader(VERSION, 1, keyHint(PSK));
	const body = fc.uint8Array({minLength: INIT_LENGTH - 10, maxLength: INIT_LENGTH - 10});
	fc.assert(
		fc.property(body, (bytes) => {
			t.is(outcome(server, Uint8Array.of(...header, ...bytes)).type, 'rejected');
		}),
		{seed: 40},
	);
});

test('an INIT is read where it lies in a larger buffer', (t) => {
	const init = initOf('a');
	const bytes = Uint8Array.of(...new Uint8Array(30).fill(0xff), ...init, 0xff, 0xff);
	t.is(serverOf('server').receive(bytes, 30, 30 + init.length, HERE, 0).type, 'verified');
});

test('copies of an INIT get the same RESP, byte for byte', (t) => {
	const server = serverOf('server');
	const init = initOf('a');
	const resp = answer(server, init);
	t.deepEqual(outcome(server, init), {type: 'repeat', answer: resp});
	server.expire(9999);
	t.deepEqual(outcome(server, init), {type: 'repeat', answer: resp});
});

test('the RESP is forgotten after 10 s', (t) => {
	const server = serverOf('server');
	const init = initOf('a');
	answer(server, init);
	server.expire(10_000);
	t.is(outcome(server, init, 9999).type, 'verified');
});

test('remembers the 512 newest RESPs', (t) => {
	const server = serverOf('server');
	const inits = Array.from({length: 513}, (_, index) => initOf(`${index}`));
	for (const [index, init] of inits.entries()) {
		const now = 1000 * Math.floor(index / 100);
		answer(server, init, {}, () => {}, now);
	}
	t.is(outcome(server, inits[0]!, 6000).type, 'verified');
	for (const init of inits.slice(1)) t.is(outcome(server, init, 6000).type, 'repeat');
});

test('no RESP is longer than the INIT', (t) => {
	t.true(answer(serverOf('server'), initOf('a')).length <= INIT_LENGTH);
});

test('a low-order ephemeral key gets no RESP', (t) => {
	const dh = {...environmentOf('x').dh, shared: () => undefined};
	const users = [{name: 'user', psk: PSK}];
	const server = new ServerHandshake(environmentOf('server', {dh}), users);
	const init = verified(server, initOf('a'));
	const parameters = {encrypt: true, frames: []};
	t.is(server.respond(init, {status: 0, sessionId: 1, epoch: 0, parameters}, 0), undefined);
	t.is(outcome(server, init.bytes).type, 'verified');
});

/** A server that counts what it opens. */
function counting(users = [{name: 'user', psk: PSK}]) {
	let opened = 0;
	const aead: AeadFactory = (key) => {
		const real = REAL_AEAD(key);
		return {
			seal: real.seal.bind(real),
			open: (...args) => {
				opened++;
				return real.open(...args);
			},
		};
	};
	const server = new ServerHandshake(environmentOf('server', {aead}), users);
	return {server, opened: () => opened};
}

test('what was made without the key is not opened, however much there is', (t) => {
	const {server, opened} = counting();
	const init = initOf('a');
	const random = new Prng('forger');
	for (let i = 0; i < 5000; i++) {
		const forged = init.slice();
		random.fill(forged.subarray(10));
		if (i % 2 === 0) forged.set(init.subarray(10, INIT_MAC), 10);
		t.is(server.receive(forged, 0, INIT_LENGTH, remoteOf(i), i / 30).type, 'rejected');
	}
	t.is(opened(), 0);
	t.is(outcome(server, init, 200).type, 'verified');
});

test('INITs of other versions are opened 20 times a second, whatever they are', (t) => {
	const {server, opened} = counting();
	const forged = initOf('a');
	forged[1] = 2;
	for (let i = 0; i < 1000; i++) outcome(server, forged, i % 1000);
	t.is(opened(), 20);
});

test('a recording is known again and not opened, for as long as 8,192 others were not seen', (t) => {
	const {server, opened} = counting();
	const init = initOf('a');
	t.is(outcome(server, init).type, 'verified');
	for (let i = 0; i < 1000; i++) t.is(outcome(server, init, 10_000 + i).type, 'replayed');
	t.is(opened(), 1);
});

test('beyond 100 in a second those of one key are asked for a cookie, which lets them in; others are not', (t) => {
	const other = new Uint8Array(32).fill(0x78);
	const users = [
		{name: 'user', psk: PSK},
		{name: 'other', psk: other},
	];
	const {server, opened} = counting(users);
	for (let i = 0; i < 100; i++) t.is(outcome(server, initOf(`${i}`)).type, 'verified');
	const client = new ClientHandshake(environmentOf('late'), PSK, CLIENT_ID, true);
	client.begin(undefined, 0);
	const busy = outcome(server, client.poll(0)!.bytes);
	if (busy.type !== 'busy') return t.fail(busy.type);
	t.is(opened(), 100);
	const retry = server.retry(busy.init, HERE, 0);
	const again = client.receiveRetry(0, retry, 0, retry.length, 0)!;
	t.is(server.receive(again, 0, INIT_LENGTH, remoteOf(4001), 0).type, 'busy', 'from elsewhere');
	t.is(outcome(server, again).type, 'verified');
	t.is(outcome(server, initOf('b', other)).type, 'verified');
	t.is(outcome(server, initOf('c'), 1000).type, 'verified', 'in the next second');
});

test('an answer is repeated 5,000 times a second at most', (t) => {
	const server = serverOf('server');
	const init = initOf('a');
	answer(server, init);
	const types = Array.from({length: 6000}, () => outcome(server, init, 1).type);
	t.is(types.filter((type) => type === 'repeat').length, 5000);
	t.is(types.at(-1), 'flood');
	t.is(outcome(server, init, 1001).type, 'repeat');
});
