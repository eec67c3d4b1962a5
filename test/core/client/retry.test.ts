import test from 'ava';
import {ClientHandshake} from '../../../src/core/client/client-handshake.ts';
import {cookieMac, UserKeys} from '../../../src/core/user-keys.ts';
import {INIT_LENGTH, RETRY_LENGTH} from '../../../src/wire/handshake.ts';
import {answer, CLIENT_ID, HERE, PSK, serverOf, verified} from '../server/exchange.ts';
import {environmentOf, REAL_AEAD, remoteOf} from '../session/core-fixtures.ts';

/** A client that has sent an INIT, a server, and the RETRY to that INIT. */
function asked() {
	const client = new ClientHandshake(environmentOf('client'), PSK, CLIENT_ID, true);
	client.begin(undefined, 0);
	const init = client.poll(0)!.bytes;
	const server = serverOf('server');
	const retry = server.retry(verified(server, init), HERE, 0);
	return {client, init, server, retry};
}

function take(client: ClientHandshake, retry: Uint8Array, now: number, path = 2) {
	return client.receiveRetry(path, retry, 0, retry.length, now);
}

test('a RETRY has 38 bytes, fewer than what it answers', (t) => {
	t.is(asked().retry.length, RETRY_LENGTH);
	t.true(RETRY_LENGTH < INIT_LENGTH);
});

test('the INIT that answers a RETRY brings a cookie that is valid where it was given', (t) => {
	const {client, server, retry} = asked();
	const init = verified(server, take(client, retry, 10)!);
	t.true(server.cookieValid(init, HERE, 10));
	t.is(init.bytes.length, INIT_LENGTH);
});

test('a cookie is bound to the address', (t) => {
	const {client, server, retry} = asked();
	const init = verified(server, take(client, retry, 10)!);
	t.false(server.cookieValid(init, remoteOf(4001), 10));
	t.false(server.cookieValid(init, remoteOf(4000, 0, '192.0.2.2'), 10));
	t.true(server.cookieValid(init, remoteOf(4000, 9), 10));
});

test('a cookie is bound to the session id and to the INIT that shows it', (t) => {
	const {client, server, retry} = asked();
	const own = take(client, retry, 10)!;
	const other = new ClientHandshake(environmentOf('other'), PSK, CLIENT_ID, true);
	other.begin(undefined, 0);
	const foreign = verified(server, other.poll(0)!.bytes);
	// The same cookie, as it would be shown by the other INIT; and its mac behind the other INIT.
	const shown = foreign.bytes.slice();
	const hashed = cookieMac(retry.slice(6, 22), shown, 0);
	for (let i = 0; i < 8; i++) shown[248 + i] = hashed.charCodeAt(i);
	const moved = foreign.bytes.slice();
	moved.set(own.subarray(248), 248);
	for (const bytes of [shown, moved]) t.false(server.cookieValid({...foreign, bytes}, HERE, 10));
});

test('no cookie is none that is valid', (t) => {
	const {init, server} = asked();
	t.false(server.cookieValid(verified(server, init), HERE, 0));
});

test('a cookie of one server is worth nothing at another', (t) => {
	const {client, retry} = asked();
	const bytes = take(client, retry, 10)!;
	const other = serverOf('another server');
	t.false(other.cookieValid(verified(other, bytes), HERE, 10));
});

test('a cookie is valid for two to four minutes', (t) => {
	const {client, server, retry} = asked();
	const init = verified(server, take(client, retry, 10)!);
	t.true(server.cookieValid(init, HERE, 119_999));
	t.true(server.cookieValid(init, HERE, 120_000));
	t.true(server.cookieValid(init, HERE, 239_999));
	t.false(server.cookieValid(init, HERE, 240_000));
});

test('a cookie from before a long pause is valid no more', (t) => {
	const {client, server, retry} = asked();
	const init = verified(server, take(client, retry, 10)!);
	t.false(server.cookieValid(init, HERE, 10_000_000));
});

test('a path keeps its cookie over all attempts, and the others go on without one', (t) => {
	const {client, server, retry} = asked();
	const shared = client.current(0)!;
	const init = take(client, retry, 1000)!;
	t.deepEqual(client.current(2), init);
	t.deepEqual(client.current(0), shared);
	const seen = [init];
	while (client.nextTimeout() < 30_000) {
		client.poll(client.nextTimeout());
		const [own, other] = [client.current(2)!, client.current(0)!];
		t.true(server.cookieValid(verified(server, own, 1000), HERE, 1000));
		t.false(server.cookieValid(verified(server, other, 1000), HERE, 1000));
		if (!seen.includes(own)) seen.push(own);
	}
	t.true(seen.length >= 5);
	t.is(new Set(seen.map((bytes) => `${bytes.subarray(10, 42)}`)).size, seen.length);
});

test('answers one RETRY a second on each path, whatever comes over the others', (t) => {
	const {client, server, retry} = asked();
	const first = take(client, retry, 1000)!;
	const second = server.retry(verified(server, first), HERE, 1000);
	t.is(take(client, second, 1999), undefined);
	t.not(take(client, retry, 1001, 1), undefined);
	t.deepEqual(client.current(2), first);
	t.not(take(client, second, 2000), undefined);
});

test('the answer to any copy ends the handshake, with and without a cookie', (t) => {
	for (const path of [0, 2]) {
		const {client, server, retry} = asked();
		take(client, retry, 1000);
		const resp = answer(server, client.current(path)!);
		t.not(client.receiveResp(resp, 0, resp.length), undefined);
	}
});

test('copies with a cookie and without one are one INIT to the server', (t) => {
	const {client, server, retry} = asked();
	const resp = answer(server, take(client, retry, 1000)!);
	const other = client.current(0)!;
	t.deepEqual(server.receive(other, 0, other.length, HERE, 0), {type: 'repeat', answer: resp});
});

test('a RETRY to an INIT that was replaced is ignored', (t) => {
	const {client, retry} = asked();
	client.poll(4500);
	t.is(take(client, retry, 5000), undefined);
});

test('a RETRY is ignored while no handshake is under way', (t) => {
	const {client, retry} = asked();
	client.stop();
	t.is(take(client, retry, 5000), undefined);
});

test('a RETRY with any bit changed or cut is ignored, and the genuine one still taken', (t) => {
	const {client, retry} = asked();
	for (let bit = 0; bit < 8 * retry.length; bit++) {
		const forged = retry.slice();
		forged[bit >> 3]! ^= 1 << (bit & 7);
		t.is(take(client, forged, 0), undefined, `bit ${bit}`);
	}
	for (let length = 0; length < retry.length; length++) {
		t.is(client.receiveRetry(0, retry, 0, length, 0), undefined);
	}
	t.not(take(client, retry, 0), undefined);
});

test('a RETRY of somebody without the key is ignored', (t) => {
	const {client, init} = asked();
	const {retry} = asked();
	const keys = new UserKeys(new Uint8Array(32).fill(1), {aead: REAL_AEAD});
	const genuine = verified(serverOf('server'), init);
	const forged = serverOf('thief').retry({...genuine, keys}, HERE, 0);
	t.is(take(client, forged, 0), undefined);
	t.not(take(client, retry, 0), undefined);
});

test('the RESP to the INIT with the cookie ends the handshake', (t) => {
	const {client, server, retry} = asked();
	const resp = answer(server, take(client, retry, 10)!);
	t.not(client.receiveResp(resp, 0, resp.length), undefined);
});
