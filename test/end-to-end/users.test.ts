import {cpSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import {readStatus} from '../../src/app/observe/status-server.ts';
import {freePort} from '../support/e2e/ports.ts';
import type {Program} from '../support/e2e/program.ts';
import {Stage} from '../support/e2e/stage.ts';
import {waitFor} from '../support/machine/wait-for.ts';
import {UdpPeer} from '../support/sockets/udp-peer.ts';

test.serial('users have their own targets, limits and rules, and are told apart', async (t) => {
	const stage = new Stage(t);
	const [port, alicePort, bobPort, carolPort] = [
		await freePort(),
		await freePort(),
		await freePort(),
		await freePort(),
	];
	const common = await UdpPeer.open();
	const bobs = await UdpPeer.open();
	const applications = [await UdpPeer.open(), await UdpPeer.open(), await UdpPeer.open()];
	t.teardown(() => Promise.all([common, bobs, ...applications].map((one) => one.close())));
	common.answerWith('from the common target');
	bobs.answerWith('from the target of bob');
	const keys = {
		alice: await stage.key('alice.key'),
		bob: await stage.key('bob.key'),
		carol: await stage.key('carol.key'),
	};
	const users = stage.write(
		'users.yaml',
		[
			'- { name: alice, keyFile: alice.key, exit: false }',
			`- { name: bob, keyFile: bob.key, target: 127.0.0.1 ${bobs.port}, limits: { flows: 1 } }`,
			`- { name: carol, keyFile: carol.key, deny: "127.0.0.1:${bobs.port}" }`,
		].join('\n'),
	);
	const words = ['--bind', '127.0.0.1', '--users', users, '--exit', '--allow', '127.0.0.1'];
	const state = stage.path('server');
	const target = ['127.0.0.1', `${common.port}`];
	const server = stage.program('mpserver', [`${port}`, ...target, ...words, '--state', state]);
	await server.says('mpserver runs');

	const conf = stage.write('mpclient.conf', `127.0.0.1 ${port}\n`);
	const client = async (name: keyof typeof keys, listen: number, ...more: readonly string[]) => {
		const own = ['--key-file', keys[name], '--state', stage.path(name), '--no-socks'];
		const place = ['--listen', `127.0.0.1:${listen}`];
		const program: Program = stage.program('mpclient', [conf, ...own, ...place, ...more]);
		await program.says('a session is up');
		return program;
	};
	const [toBob, toCommon] = [await freePort(), await freePort()];
	const alice = await client('alice', alicePort, '--forward', `udp:${toCommon}=127.0.0.1:9`);
	const bob = await client('bob', bobPort);
	const carol = await client(
		'carol',
		carolPort,
		'--forward',
		`udp:${toBob}=127.0.0.1:${bobs.port}`,
	);

	const [first, second, third] = applications as [UdpPeer, UdpPeer, UdpPeer];
	first.send('hello', alicePort);
	second.send('hello', bobPort);
	third.send('hello', carolPort);
	await waitFor(() => applications.every(({received}) => received.length === 1));
	t.deepEqual(
		applications.map(({received}) => received[0]?.text),
		['from the common target', 'from the target of bob', 'from the common target'],
	);

	first.send('more', toCommon);
	await alice.says(/the server refuses a flow reason=no-exit/);
	third.send('one flow too many', bobPort);
	await bob.says(/the server refuses a flow reason=limit-of-flows/);
	third.send('denied', toBob);
	await carol.says(/the server refuses a target reason=denied/);
	await server.says(/a target is denied user=carol .*reason="the user's deny /);
	await server.says(/flows or targets of a user are refused user=bob reason=limit-of-flows/);

	const snapshot = await readStatus(join(state, 'status.sock'));
	const lines = snapshot.users?.map(({name, sessions, flows, exit, refused}) => {
		return {name, sessions, flows, exit, refused: Object.keys(refused)};
	});
	t.deepEqual(lines, [
		{name: 'alice', sessions: 1, flows: 1, exit: false, refused: ['no-exit']},
		{name: 'bob', sessions: 1, flows: 1, exit: true, refused: ['limit-of-flows']},
		{name: 'carol', sessions: 1, flows: 2, exit: true, refused: ['denied']},
	]);
	t.is(snapshot.users?.[1]?.target, `127.0.0.1:${bobs.port}`);
});

test.serial('another user with the client id of the first takes nothing over', async (t) => {
	const stage = new Stage(t);
	const [port, listen] = [await freePort(), await freePort()];
	const target = await UdpPeer.open();
	const application = await UdpPeer.open();
	t.teardown(() => Promise.all([target, application].map((one) => one.close())));
	const keys = [await stage.key('alice.key'), await stage.key('bob.key')];
	const place = ['127.0.0.1', `${target.port}`, '--bind', '127.0.0.1'];
	const words = [...place, ...keys.flatMap((key) => ['--key-file', key])];
	const state = ['--state', stage.path('server')];
	await stage.program('mpserver', [`${port}`, ...words, ...state]).says('mpserver runs');
	const conf = stage.write('mpclient.conf', `127.0.0.1 ${port}\n`);
	/** Which port the target sees, with the key and the state of that user. */
	const seen = async (user: 0 | 1, folder: string) => {
		const own = ['--key-file', keys[user]!, '--state', stage.path(folder), '--no-socks'];
		const argv = [conf, ...own, '--listen', `127.0.0.1:${listen}`];
		const client = stage.program('mpclient', argv);
		await client.says('a session is up');
		const before = target.received.length;
		application.send('hello', listen);
		await waitFor(() => target.received.length > before);
		client.kill('SIGKILL');
		await client.end();
		return target.received.at(-1)!.from.port;
	};
	const alices = await seen(0, 'alice');
	cpSync(stage.path('alice'), stage.path('bob'), {
		recursive: true,
		filter: (path) => !path.endsWith('.sock'),
	});
	t.not(await seen(1, 'bob'), alices);
	t.is(await seen(0, 'alice'), alices, 'her flow is still hers');
});
