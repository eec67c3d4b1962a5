import {mkdtempSync, rmSync, statSync, writeFileSync} from 'node:fs';
import {connect, createServer} from 'node:net';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import process from 'node:process';
import test, {type ExecutionContext} from 'ava';
import type {StatusSnapshot} from '../../../src/app/observe/status.ts';
import {readStatus, StatusServer} from '../../../src/app/observe/status-server.ts';
import {attempt} from '../../support/machine/commands.ts';
import {waitFor} from '../../support/machine/wait-for.ts';

const snapshot = {program: 'mpclient', version: '1.2.3'} as StatusSnapshot;

function socketPath(t: ExecutionContext): string {
	const folder = mkdtempSync(join(tmpdir(), 'mptunnel-'));
	t.teardown(() => rmSync(folder, {recursive: true, force: true}));
	return join(folder, 'status.sock');
}

test.serial('answers with a fresh snapshot, for this user alone', async (t) => {
	const path = socketPath(t);
	let count = 0;
	const server = await StatusServer.open(path, () => ({...snapshot, waiting: ++count}));
	t.is(statSync(path).mode & 0o777, 0o600);
	t.like(await readStatus(path), {program: 'mpclient', waiting: 1});
	t.like(await readStatus(path), {waiting: 2});
	await server.close();
	await t.throwsAsync(readStatus(path), {code: 'ENOENT'});
});

test.serial('takes over the socket that a dead process left', async (t) => {
	const path = socketPath(t);
	const script = `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`;
	attempt(process.execPath, ['-e', script]);
	t.true(statSync(path).isSocket());
	const server = await StatusServer.open(path, () => snapshot);
	t.like(await readStatus(path), {program: 'mpclient'});
	await server.close();
});

test.serial('leaves the socket of a live process alone', async (t) => {
	const path = socketPath(t);
	const first = await StatusServer.open(path, () => snapshot);
	await t.throwsAsync(
		StatusServer.open(path, () => snapshot),
		{message: /another process/},
	);
	t.like(await readStatus(path), {program: 'mpclient'});
	await first.close();
});

test.serial('cuts off whoever is connected when it closes', async (t) => {
	const path = socketPath(t);
	const server = await StatusServer.open(path, () => snapshot);
	const sockets = Array.from({length: 30}, () =>
		connect(path)
			.on('error', () => {})
			.pause(),
	);
	await waitFor(() => sockets.some((socket) => socket.readyState !== 'opening'));
	await server.close();
	for (const socket of sockets) socket.destroy();
	t.pass();
});

test.serial('rejects an answer that is no JSON, and a file that is no socket', async (t) => {
	const path = socketPath(t);
	const server = createServer((socket) => socket.end('garbage')).listen(path);
	await t.throwsAsync(readStatus(path), {message: 'the answer cannot be read'});
	server.close();
	writeFileSync(`${path}2`, '');
	await t.throwsAsync(readStatus(`${path}2`));
});
