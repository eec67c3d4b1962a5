import {once} from 'node:events';
import {request} from 'node:http';
import {connect, type Socket} from 'node:net';
import test, {type ExecutionContext} from 'ava';
import {MetricsServer, type WriteMetrics} from '../../../src/app/metrics/metrics-server.ts';
import {waitFor} from '../../support/machine/wait-for.ts';

const PLACE = {host: '127.0.0.1', port: 0};

async function serve(t: ExecutionContext, write?: WriteMetrics): Promise<number> {
	const text = async (accept: string | undefined) => ({type: 'text/plain', text: `as ${accept}\n`});
	const server = new MetricsServer(write ?? text);
	t.teardown(() => server.close());
	return await server.listen(PLACE);
}

interface Answer {
	readonly status: number | undefined;
	readonly body: string;
	readonly length: string | undefined;
}

async function ask(port: number, method: string, path: string, headers = {}): Promise<Answer> {
	const asked = request({...PLACE, port, method, path, headers, agent: false});
	asked.end();
	const [answer] = (await once(asked, 'response')) as [import('node:http').IncomingMessage];
	let body = '';
	for await (const part of answer) body += String(part);
	return {status: answer.statusCode, body, length: answer.headers['content-length']};
}

async function open(t: ExecutionContext, port: number): Promise<Socket> {
	const socket = connect(port, PLACE.host);
	t.teardown(() => socket.destroy());
	socket.on('error', () => {});
	socket.resume();
	await once(socket, 'connect');
	return socket;
}

test('GET and HEAD of /metrics are answered, and nothing else', async (t) => {
	const port = await serve(t);
	t.like(await ask(port, 'GET', '/metrics', {accept: 'x'}), {status: 200, body: 'as x\n'});
	t.like(await ask(port, 'GET', '/metrics?a=b'), {status: 200});
	t.like(await ask(port, 'HEAD', '/metrics', {accept: 'x'}), {status: 200, body: '', length: '5'});
	t.like(await ask(port, 'POST', '/metrics'), {status: 405, body: ''});
	for (const path of ['/', '/metrics/', '/metricsx', '//metrics', '/../metrics'])
		t.like(await ask(port, 'GET', path), {status: 404, body: ''});
});

test('a fault while the metrics are written is an answer, too', async (t) => {
	const port = await serve(t, () => Promise.reject(new Error('no')));
	t.like(await ask(port, 'GET', '/metrics'), {status: 500, body: ''});
});

test('long headers and what is no request end the connection', async (t) => {
	const port = await serve(t);
	for (const text of [
		`GET /metrics HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(5000)}\r\n\r\n`,
		'no request\r\n\r\n',
	]) {
		const socket = await open(t, port);
		socket.write(text);
		await waitFor(() => socket.closed, 'the end');
	}
	t.like(await ask(port, 'GET', '/metrics'), {status: 200});
});

test('there are four connections at most', async (t) => {
	const port = await serve(t);
	const sockets = await Promise.all(Array.from({length: 4}, () => open(t, port)));
	const more = await open(t, port);
	await waitFor(() => more.closed, 'the end of one more');
	t.true(sockets.every(({closed}) => !closed));
});
