import test from 'ava';
import fc from 'fast-check';
import {ClientHandshake} from '../../../src/core/handshake/client-handshake.ts';
import {ServerHandshake} from '../../../src/core/handshake/server-handshake.ts';
import {keyHint} from '../../../src/crypto/keys.ts';
import {encodeInitHeader, INIT_LENGTH} from '../../../src/wire/handshake.ts';
import {environmentOf} from '../core-fixtures.ts';
import {answer, CLIENT_ID, PSK, serverOf, verified} from './exchange.ts';

function initOf(seed: string, psk = PSK): Uint8Array {
	const client = new ClientHandshake(environmentOf(seed), psk, CLIENT_ID, true);
	client.begin(undefined, 0);
	return client.poll(0)!.bytes;
}

function outcome(server: ServerHandshake, bytes: Uint8Array) {
	return server.receive(bytes.slice(), 0, bytes.length);
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
		t.true(['rejected', 'unknown-key'].includes(outcome(server, forged).type), `bit ${bit}`);
	}
});

test('an INIT of any other length is rejected', (t) => {
	const server = serverOf('server');
	const init = Uint8Array.of(...initOf('a'), 0);
	for (let length = 1; length < INIT_LENGTH; length++) {
		t.is(server.receive(init.slice(), 0, length).type, 'rejected');
	}
	t.is(outcome(server, init).type, 'rejected');
});

test('arbitrary bytes never throw and are never accepted', (t) => {
	const server = serverOf('server');
	const header = encodeInitHeader(1, 1, keyHint(PSK));
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
	t.is(serverOf('server').receive(bytes, 30, 30 + init.length).type, 'verified');
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
	t.is(outcome(server, init).type, 'verified');
});

test('remembers the 512 newest RESPs', (t) => {
	const server = serverOf('server');
	const inits = Array.from({length: 513}, (_, index) => initOf(`${index}`));
	for (const init of inits) answer(server, init);
	t.is(outcome(server, inits[0]!).type, 'verified');
	for (const init of inits.slice(1)) t.is(outcome(server, init).type, 'repeat');
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
