import test from 'ava';
import {ClientHandshake} from '../../../src/core/handshake/client-handshake.ts';
import {INIT_LENGTH, RETRY_LENGTH} from '../../../src/wire/handshake.ts';
import {environmentOf, remoteOf} from '../core-fixtures.ts';
import {answer, CLIENT_ID, PSK, serverOf, verified} from './exchange.ts';

const HERE = remoteOf(4000);

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

test('a cookie is bound to the session id', (t) => {
	const {client, server, retry} = asked();
	const cookie = retry.slice(6, 22);
	const init = verified(server, take(client, retry, 10)!);
	const other = new ClientHandshake(environmentOf('other'), PSK, CLIENT_ID, true);
	other.begin(undefined, 0);
	const foreign = verified(server, other.poll(0)!.bytes);
	t.deepEqual(init.payload.cookie, cookie);
	const payload = {...foreign.payload, cookie};
	t.false(server.cookieValid({...foreign, payload}, HERE, 10));
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
		t.true(server.cookieValid(verified(server, own), HERE, 1000));
		t.false(server.cookieValid(verified(server, other), HERE, 1000));
		if (!seen.includes(own)) seen.push(own);
	}
	t.true(seen.length >= 5, 'and takes a new key for each of them');
	t.is(new Set(seen.map((bytes) => `${bytes.subarray(10, 42)}`)).size, seen.length);
});

test('the INITs of one moment have one time, so that the server resumes for one of them only', (t) => {
	const {client, server, retry} = asked();
	const own = verified(server, take(client, retry, 1000)!);
	const shared = verified(server, client.current(0)!);
	t.is(own.payload.time, shared.payload.time);
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

test('a RETRY is for the INIT of its path', (t) => {
	const {client, server, retry} = asked();
	const own = take(client, retry, 1000)!;
	const foreign = server.retry(verified(server, own), HERE, 1000);
	t.is(take(client, foreign, 1000, 1), undefined);
});

test('the first answer on any path ends the handshake, with and without a cookie', (t) => {
	for (const path of [0, 2]) {
		const {client, server, retry} = asked();
		take(client, retry, 1000);
		const resp = answer(server, client.current(path)!);
		if (path === 2) t.is(client.receiveResp(0, resp, 0, resp.length), undefined);
		t.not(client.receiveResp(path, resp, 0, resp.length), undefined);
	}
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
	const server = serverOf('thief', new Uint8Array(32).fill(1));
	const {retry} = asked();
	const stolen = {user: {name: '', psk: new Uint8Array(32).fill(1)}, bytes: init};
	const genuine = verified(serverOf('server'), init);
	const forged = server.retry({...genuine, ...stolen}, HERE, 0);
	t.is(take(client, forged, 0), undefined);
	t.not(take(client, retry, 0), undefined);
});

test('the RESP to the INIT with the cookie ends the handshake', (t) => {
	const {client, server, retry} = asked();
	const resp = answer(server, take(client, retry, 10)!);
	t.not(client.receiveResp(2, resp, 0, resp.length), undefined);
});
