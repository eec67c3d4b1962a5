import {once} from 'node:events';
import {connect, createServer, type Socket} from 'node:net';
import process from 'node:process';
import test, {type ExecutionContext} from 'ava';
import type {StatusSnapshot} from '../../src/app/observe/status.ts';
import {readStatus} from '../../src/app/observe/status-server.ts';
import {freePort} from '../support/e2e/ports.ts';
import {Stage, type Tunnel} from '../support/e2e/stage.ts';
import {waitFor} from '../support/machine/wait-for.ts';

/** Reloads under traffic; more of them take longer. */
const RELOADS = Number(process.env['MPTUNNEL_TEST_RELOADS'] ?? 50);
const MIB = 2 ** 20;

interface Outcome {
	readonly code: number | null;
	readonly out: string;
	readonly error: string;
}

async function tool(stage: Stage, ...words: readonly string[]): Promise<Outcome> {
	const program = stage.program('mptunnel', words);
	const code = await program.end();
	return {code, out: program.stdout, error: program.stderr};
}

function statusOf(tunnel: Tunnel, end: 'client' | 'server'): Promise<StatusSnapshot> {
	return readStatus(`${tunnel.stateOf(end)}/status.sock`);
}

/** Byte at an offset of a download. */
function byteAt(offset: number): number {
	return (offset ^ (offset >>> 8) ^ (offset >>> 16)) & 0xff;
}

/** A target that sends bytes without end, as fast as they are taken. */
async function endless(t: ExecutionContext): Promise<number> {
	const part = Buffer.from(Uint8Array.from({length: 65_536}, (_, index) => byteAt(index)));
	const server = createServer((socket) => {
		let offset = 0;
		const more = () => {
			for (let going = true; going; offset += part.length) {
				const bytes =
					offset >>> 16 === 0 ? part : part.map((byte) => byte ^ ((offset >>> 16) & 0xff));
				going = socket.write(bytes);
			}
		};
		socket.on('drain', more);
		socket.on('error', () => {});
		more();
	});
	server.listen(0, '127.0.0.1');
	await once(server, 'listening');
	t.teardown(() => server.close());
	const address = server.address();
	return typeof address === 'object' ? (address?.port ?? 0) : 0;
}

interface Download {
	readonly socket: Socket;
	received: number;
	wrong: number;
	closed: boolean;
}

/** Reads at most so many bytes a second, so that it lasts. */
async function download(t: ExecutionContext, port: number): Promise<Download> {
	const socket = connect(port, '127.0.0.1');
	const state: Download = {socket, received: 0, wrong: 0, closed: false};
	socket.on('data', (bytes) => {
		for (let i = 0; i < bytes.length; i++) {
			if (bytes[i] !== byteAt(state.received + i)) state.wrong++;
		}
		state.received += bytes.length;
		socket.pause();
		setTimeout(() => socket.resume(), 10);
	});
	socket.on('error', () => {});
	socket.on('close', () => {
		state.closed = true;
	});
	t.teardown(() => socket.destroy());
	await waitFor(() => state.received > 0, 'the download');
	return state;
}

test.serial('reloads under traffic lose nothing, and a download goes on', async (t) => {
	const stage = new Stage(t);
	const [web, local] = [await endless(t), await freePort()];
	const names = ['one', 'two', 'three', 'four'];
	let server = 0;
	const conf = (...chosen: readonly string[]) =>
		chosen.map((name) => `127.0.0.1 ${server} name=${name}\n`).join('');
	const tunnel = await stage.tunnel({
		lines: (port) => {
			server = port;
			return names.map((name) => `127.0.0.1 ${port} name=${name}`);
		},
		serverWords: ['--exit', '--allow', '127.0.0.1'],
		clientWords: ['--no-socks', '--forward', `tcp:${local}=127.0.0.1:${web}`],
	});
	await tunnel.start(4);
	const got = await download(t, local);
	tunnel.application.start(2000);
	await tunnel.application.hears(100);
	for (let round = 1; round <= RELOADS; round++) {
		const chosen = names.filter((_, index) => (index + round) % 4 < 2 + (round % 2));
		stage.write('mpclient.conf', conf(...chosen));
		tunnel.client.kill('SIGHUP');
		const done = () => tunnel.client.stderr.split('configuration read again').length > round;
		await waitFor(done, `reload ${round}`);
		await tunnel.application.hears(100);
	}
	const before = got.received;
	await waitFor(() => got.received > before + MIB, 'more of the download');
	t.deepEqual(await tunnel.application.settle(), []);
	t.is(tunnel.application.repeated, 0);
	t.deepEqual(tunnel.target.repeated, []);
	t.false(got.closed);
	t.is(got.wrong, 0);
	t.is(tunnel.client.stderr.split('a session is up').length, 2);
	t.notRegex(tunnel.client.stderr, /error|a session is down/);
	const {places} = await statusOf(tunnel, 'client');
	const last = names.filter((_, index) => (index + RELOADS) % 4 < 2 + (RELOADS % 2));
	t.deepEqual(places.map(({name}) => name).sort(), [...last].sort());
});

test.serial(
	'a wrong file changes nothing and says why; other words name what takes a restart',
	async (t) => {
		const stage = new Stage(t);
		const tunnel = await stage.tunnel({
			lines: (port) => [
				'paths:',
				`  - 127.0.0.1 ${port} name=one`,
				`  - 127.0.0.1 ${port} name=two`,
			],
			file: 'client.yaml',
			clientWords: ['--no-socks'],
		});
		await tunnel.start(2);
		const state = ['--state', tunnel.stateOf('client')];
		t.deepEqual(await tool(stage, 'reload', ...state), {
			code: 0,
			out: 'nothing differs\n',
			error: '',
		});
		const paths = (...lines: readonly string[]) =>
			`paths:\n${lines.map((line) => `  - ${line}\n`).join('')}`;
		const [one, two] = ['one', 'two'].map((name) => `127.0.0.1 ${tunnel.port} name=${name}`);
		stage.write('client.yaml', paths(one!, `${two} metred`));
		const wrong = await tool(stage, 'reload', ...state);
		t.is(wrong.code, 2);
		t.is(wrong.out, '');
		t.regex(wrong.error, /^mptunnel: .*client\.yaml:3: .*metred/);
		await tunnel.client.says(/error .*nothing has changed.*client\.yaml:3/);
		t.is((await statusOf(tunnel, 'client')).places.length, 2);
		stage.write('client.yaml', `${paths(one!)}hold: 1s\nlogLevel: debug\n`);
		const partly = await tool(stage, 'reload', ...state);
		t.is(partly.code, 3);
		t.deepEqual(partly.out.split('\n').sort(), [
			'',
			'hold changed: takes a restart',
			'log level changed',
			'path "two" removed',
		]);
		await tunnel.client.says('a part of the configuration takes a restart options=hold');
		t.is((await statusOf(tunnel, 'client')).places.length, 1);
		t.is((await tool(stage, 'reload', '--state', stage.path('nowhere'))).code, 1);
	},
);

test.serial(
	'a path is held and used again from the command line, until the next reload',
	async (t) => {
		const stage = new Stage(t);
		const tunnel = await stage.tunnel({
			lines: (port) => [`127.0.0.1 ${port} name=one`, `127.0.0.1 ${port} name=two`],
			clientWords: ['--no-socks'],
		});
		await tunnel.start(2);
		const state = ['--state', tunnel.stateOf('client')];
		const marks = async () => {
			const [session] = (await statusOf(tunnel, 'client')).sessions;
			return session!.paths.map(({held, backup}) => (held ? 'held' : backup ? 'backup' : '-'));
		};
		t.deepEqual(await tool(stage, 'path', 'hold', 'two', ...state), {
			code: 0,
			out: 'path "two": hold, until the next reload or restart\n',
			error: '',
		});
		t.deepEqual(await marks(), ['-', 'held']);
		const other = await tool(stage, 'path', 'hold', 'one', ...state);
		t.deepEqual(
			[other.code, other.error],
			[1, 'mptunnel: "one" is the only path that is not held\n'],
		);
		t.is((await tool(stage, 'path', 'backup', 'two', ...state)).code, 0);
		t.deepEqual(await marks(), ['-', 'backup']);
		t.is((await tool(stage, 'path', 'hold', 'six', ...state)).code, 1);
		t.is((await tool(stage, 'path', 'rest', 'two', ...state)).code, 2);
		t.is((await tool(stage, 'reload', ...state)).code, 0);
		t.deepEqual(await marks(), ['-', '-']);
		t.is((await tool(stage, 'path', 'hold', 'two', '--state', tunnel.stateOf('server'))).code, 1);
	},
);

test.serial('a user who is removed from the file is cut off, the others go on', async (t) => {
	const stage = new Stage(t);
	const [port, target] = [await freePort(), await stage.echo()];
	await stage.key('ann.key');
	await stage.key('bob.key');
	const users = (...names: readonly string[]) =>
		stage.write(
			'users.yaml',
			names.map((name) => `- {name: ${name}, keyFile: ${name}.key}\n`).join(''),
		);
	const words = [
		'127.0.0.1',
		`${target.port}`,
		'--bind',
		'127.0.0.1',
		'--users',
		users('ann', 'bob'),
	];
	const server = stage.program('mpserver', [`${port}`, ...words, '--state', stage.path('server')]);
	await server.says('mpserver runs');
	const conf = stage.write('mpclient.conf', `127.0.0.1 ${port}\n`);
	const client = async (name: string) => {
		const listen = await freePort();
		const own = [
			'--key-file',
			stage.path(`${name}.key`),
			'--state',
			stage.path(name),
			'--no-socks',
		];
		const program = stage.program('mpclient', [conf, ...own, '--listen', `127.0.0.1:${listen}`]);
		await program.says('a session is up');
		const application = await stage.application(listen);
		application.start(50);
		await application.hears(20);
		return {program, application};
	};
	const [ann, bob] = [await client('ann'), await client('bob')];
	users('bob');
	const {code, out} = await tool(stage, 'reload', '--state', stage.path('server'));
	t.deepEqual([code, out], [0, 'user "ann" removed\n']);
	await ann.program.says('the server has removed this key');
	await bob.application.hears(20);
	t.deepEqual(await bob.application.settle(), []);
	const status = await readStatus(`${stage.path('server')}/status.sock`);
	t.deepEqual(
		status.users?.map(({name, sessions}) => `${name} ${sessions}`),
		['bob 1'],
	);
	users('ann', 'bob');
	server.kill('SIGHUP');
	await ann.application.hears(20);
});
