import {once} from 'node:events';
import {get, type IncomingMessage, request} from 'node:http';
import {connect} from 'node:net';
import test, {type ExecutionContext} from 'ava';
import {readAssets} from '../../../src/app/page/assets.ts';
import {PageServer, type PageServerInit} from '../../../src/app/page/page-server.ts';
import {within} from '../../support/machine/wait-for.ts';

const TOKEN = 'A'.repeat(32);

async function served(t: ExecutionContext, init: Partial<PageServerInit> = {}) {
	const orders: string[] = [];
	const server = new PageServer({
		token: TOKEN,
		names: new Set(['tunnel.example.net']),
		assets: readAssets(),
		join: () => true,
		leave: () => {},
		order: async (text) => {
			orders.push(text);
			if (text === 'bad') throw new Error('no request');
			return text === '"no"' ? 'not now' : undefined;
		},
		...init,
	});
	const port = await server.listen({host: '127.0.0.1', port: 0});
	t.teardown(() => server.close());
	return {server, port, orders};
}

interface Answer {
	readonly status: number | undefined;
	readonly headers: IncomingMessage['headers'];
	readonly body: string;
}

interface Asked {
	readonly method?: string;
	readonly headers?: Readonly<Record<string, string>>;
	readonly body?: string;
}

async function ask(port: number, path: string, asked: Asked = {}): Promise<Answer> {
	const {method = 'GET', headers = {}, body} = asked;
	const sent = request({host: '127.0.0.1', port, path, method, headers, agent: false});
	sent.end(body);
	const [response] = (await within(once(sent, 'response'), path)) as [IncomingMessage];
	const parts: Buffer[] = [];
	for await (const part of response) parts.push(part as Buffer);
	const {statusCode: status, headers: given} = response;
	return {status, headers: given, body: Buffer.concat(parts).toString()};
}

test('everything is served behind the token, with safe headers, and nothing beside it', async (t) => {
	const {port} = await served(t);
	for (const [path, asset] of readAssets()) {
		const {status, headers, body} = await ask(port, `/${TOKEN}/${path}`);
		t.is(status, 200, path);
		t.is(body, asset.body.toString());
		t.is(headers['content-type'], asset.type);
		t.regex(String(headers['content-security-policy']), /^default-src 'none'; script-src 'self';/);
		t.is(headers['x-content-type-options'], 'nosniff');
		t.is(headers['referrer-policy'], 'no-referrer');
		t.is(headers['cache-control'], 'no-store');
		t.is(headers['access-control-allow-origin'], undefined);
		t.is(headers['server'], undefined);
	}
	for (const path of [
		...['/', '/events', `/${'B'.repeat(32)}/`, `/${TOKEN.slice(1)}/`, `/${TOKEN}`, `/${TOKEN}x/`],
		...[`/${TOKEN}/../../../package.json`, `/${TOKEN}/%2e%2e/x`, `/${TOKEN}/main.js`],
		...[`//${TOKEN}/`, `/${TOKEN}/?x`, `/${'C'.repeat(32)}/events`, `/${TOKEN}/constructor`],
		...[`/${'C'.repeat(32)}/order`],
	]) {
		const {status, body, headers} = await ask(port, path);
		t.is(status, 404, path);
		t.is(body, '');
		t.is(headers['content-type'], undefined);
	}
});

test('another host name, origin or method sees nothing', async (t) => {
	const {port} = await served(t);
	const page = `/${TOKEN}/`;
	const own = `127.0.0.1:${port}`;
	for (const headers of [
		{host: 'evil.example'},
		{host: `evil.example:${port}`},
		{origin: 'http://evil.example'},
		{origin: 'null'},
		{'sec-fetch-site': 'cross-site'},
	] as readonly Record<string, string>[]) {
		const {status, body} = await ask(port, page, {headers});
		t.is(status, 403, JSON.stringify(headers));
		t.is(body, '');
	}
	for (const host of ['tunnel.example.net', 'localhost', own, `[::1]:${port}`])
		t.is((await ask(port, page, {headers: {host}})).status, 200, host);
	for (const method of ['POST', 'PUT', 'OPTIONS', 'DELETE'])
		t.is((await ask(port, page, {method})).status, 405, method);
});

test('an order needs the token twice, its own origin and JSON', async (t) => {
	const {port, orders} = await served(t);
	const path = `/${TOKEN}/order`;
	const headers = {
		origin: `http://127.0.0.1:${port}`,
		'content-type': 'application/json',
		'x-mptunnel-token': TOKEN,
	};
	const ordered = (changed: Record<string, string>, body = '"yes"') =>
		ask(port, path, {method: 'POST', headers: {...headers, ...changed}, body});
	t.is((await ordered({'x-mptunnel-token': 'B'.repeat(32)})).status, 403);
	t.is((await ordered({'x-mptunnel-token': ''})).status, 403);
	t.is((await ordered({origin: 'http://evil.example'})).status, 403);
	t.is((await ordered({'content-type': 'text/plain'})).status, 403);
	const {origin: _, ...without} = headers;
	t.is((await ask(port, path, {method: 'POST', headers: without, body: '"yes"'})).status, 403);
	t.is((await ask(port, path, {headers})).status, 405);
	t.deepEqual(orders, []);
	t.deepEqual(JSON.parse((await ordered({})).body), {ok: true});
	t.deepEqual(JSON.parse((await ordered({}, '"no"')).body), {ok: false, reason: 'not now'});
	t.is((await ordered({}, 'bad')).status, 400);
	await t.throwsAsync(ordered({}, 'x'.repeat(5000)));
	t.deepEqual(orders, ['"yes"', '"no"', 'bad']);
});

test('a viewer gets a stream that ends with the server; one too many gets none', async (t) => {
	const left: string[] = [];
	let room = 1;
	const {server, port} = await served(t, {
		join: (sink) => {
			if (room-- <= 0) return false;
			sink.write('event: past\ndata: {}\n\n');
			return true;
		},
		leave: () => left.push('one'),
	});
	const stream = get({host: '127.0.0.1', port, path: `/${TOKEN}/events`, agent: false});
	stream.on('error', () => {});
	const [response] = (await within(once(stream, 'response'), 'the stream')) as [IncomingMessage];
	response.on('error', () => {});
	t.is(response.headers['content-type'], 'text/event-stream; charset=utf-8');
	const [first] = (await within(once(response, 'data'), 'the past')) as [Buffer];
	t.is(first.toString(), 'event: past\ndata: {}\n\n');
	const {status, body} = await ask(port, `/${TOKEN}/events`);
	t.is(status, 503);
	t.is(body, '');
	const ended = new Promise((resolve) => response.on('close', resolve));
	await server.close();
	await within(ended, 'the end of the stream');
	t.true(left.length >= 1);
});

test('headers without end are refused, and the next viewer is served', async (t) => {
	const {port} = await served(t);
	const socket = connect(port, '127.0.0.1');
	socket.on('error', () => {});
	const ended = once(socket, 'close');
	socket.write(`GET / HTTP/1.1\r\nhost: x\r\nx: ${'y'.repeat(20_000)}`);
	socket.resume();
	await within(ended, 'the end of the connection');
	t.is((await ask(port, `/${TOKEN}/`)).status, 200);
});
