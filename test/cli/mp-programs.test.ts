import {writeFileSync} from 'node:fs';
import {join} from 'node:path';
import process from 'node:process';
import {fileURLToPath} from 'node:url';
import test, {type ExecutionContext} from 'ava';
import {Program} from '../support/e2e/program.ts';
import {attempt} from '../support/machine/commands.ts';
import {temporaryFolder} from '../support/machine/options.ts';
import {waitFor} from '../support/machine/wait-for.ts';
import {UdpPeer} from '../support/sockets/udp-peer.ts';

function setUp(t: ExecutionContext): {
	folder: string;
	env: Record<string, string>;
	write: (name: string, text: string) => string;
} {
	const folder = temporaryFolder(t);
	const write = (name: string, text: string) => {
		const path = join(folder, name);
		writeFileSync(path, text, {mode: 0o600});
		return path;
	};
	return {folder, env: {XDG_STATE_HOME: folder}, write};
}

function start(t: ExecutionContext, ...args: ConstructorParameters<typeof Program>): Program {
	const program = new Program(...args);
	t.teardown(() => program.kill('SIGKILL'));
	return program;
}

async function freePort(): Promise<number> {
	const peer = await UdpPeer.open();
	const {port} = peer;
	await peer.close();
	return port;
}

const lines = (text: string) => text.split('\n').filter((line) => line !== '');

test.serial('--check validates and exits with 0', async (t) => {
	const {env, write} = setUp(t);
	const client = start(t, 'mpclient', [write('c.conf', '192.0.2.1 4000\n'), '--check'], env);
	t.is(await client.end(), 0);
	t.regex(client.stdout, /^ {4}port: 4000$/m);
	t.true(client.stdout.endsWith('\nconfiguration ok\n'));
	const server = start(t, 'mpserver', ['2000', '127.0.0.1', '1194', '--check'], env);
	t.is(await server.end(), 0);
	t.regex(server.stdout, /^bind: all$/m);
	t.true(server.stdout.endsWith('\nconfiguration ok\n'));
});

test.serial('mistakes of the user are one line each and exit code 2', async (t) => {
	const {env, write} = setUp(t);
	const file = write('c.conf', '192.0.2.1 4000\n192.0.2.1 99999\nnonsense\n');
	const conf = start(t, 'mpclient', [file], env);
	t.is(await conf.end(), 2);
	t.is(lines(conf.stderr).length, 2);
	t.true(lines(conf.stderr).every((line) => line.startsWith(`mpclient: ${file}:`)));
	for (const argv of [['--bogus'], ['notaport', '127.0.0.1', '1']]) {
		const server = start(t, 'mpserver', argv, env);
		t.is(await server.end(), 2);
		t.is(lines(server.stderr).length, 1, server.stderr);
	}
	const tool = start(t, 'mptunnel', ['nope'], env);
	t.is(await tool.end(), 2);
	t.is(tool.stderr, "mptunnel: unknown command 'nope'\n");
});

test.serial('without arguments each program names its help', async (t) => {
	const {env} = setUp(t);
	const calls = [
		[
			'mpclient',
			[],
			'mpclient: a configuration file is needed: mpclient FILE; see mpclient --help',
		],
		['mpserver', [], 'mpserver: a port to listen on is needed: .*; see mpserver --help'],
		['mptunnel', ['link'], "mptunnel: required option '--listen .*; see mptunnel link --help"],
		['mptunnel', [], 'Usage: mptunnel .*\n[^]*--help[^]*'],
	] as const;
	for (const [name, argv, says] of calls) {
		const program = start(t, name, argv, env);
		t.is(await program.end(), 2);
		t.regex(program.stderr, new RegExp(`^${says}\n$`));
	}
});

test.serial('a file that is no text is one line', async (t) => {
	const {env, write} = setUp(t);
	const key = write('binary.key', '\0\n\x01\n');
	const conf = write('binary.conf', '127.0.0.1 9\n\0\nx\n');
	for (const argv of [[conf], [write('c.conf', '127.0.0.1 9\n'), '--key-file', key]]) {
		const program = start(t, 'mpclient', [...argv, '--check'], env);
		t.is(await program.end(), 2);
		t.regex(program.stderr, /^mpclient: .* file "[^"]*" is not a text file\n$/);
	}
});

test.serial('a port in use is one line and exit code 1', async (t) => {
	const {env, write} = setUp(t);
	const squatter = await UdpPeer.open();
	const file = write('c.conf', '127.0.0.1 9\n');
	const client = start(
		t,
		'mpclient',
		[file, '--listen', `127.0.0.1:${squatter.port}`, '--log-level', 'error'],
		env,
	);
	t.is(await client.end(), 1);
	t.is(client.stderr, `mpclient: cannot open UDP 127.0.0.1:${squatter.port}: the port is in use\n`);
	const server = start(
		t,
		'mpserver',
		[`${squatter.port}`, '127.0.0.1', '9', '--bind', '127.0.0.1'],
		env,
	);
	t.is(await server.end(), 1);
	t.deepEqual(
		lines(server.stderr).filter((line) => line.includes('in use')),
		[`mpserver: cannot open UDP 127.0.0.1:${squatter.port}: the port is in use`],
	);
	await squatter.close();
});

test.serial('both programs run, show themselves, and stop with 0 when told to', async (t) => {
	const {env, write, folder} = setUp(t);
	const port = await freePort();
	const listen = `127.0.0.1:${await freePort()}`;
	const target = await UdpPeer.open();
	target.answerWith('pong');
	const serverArgv = [`${port}`, '127.0.0.1', `${target.port}`, '--bind', '127.0.0.1'];
	const server = start(t, 'mpserver', serverArgv, env);
	const file = write('c.conf', `127.0.0.1 ${port}\n127.0.0.1 ${port} name=second\n`);
	const clientArgv = [file, '--listen', listen, '--stats', '1s', '--log-format', 'json'];
	const client = start(t, 'mpclient', clientArgv, env);
	await client.says('a session is up');
	await client.says('"message":"statistics"');
	for (const line of lines(client.stderr)) t.notThrows(() => JSON.parse(line), line);
	const application = await UdpPeer.open();
	application.send('ping', Number(listen.split(':')[1]));
	await client.says('a path is up');

	const table = start(t, 'mptunnel', ['status'], env);
	t.is(await table.end(), 0);
	t.regex(table.stdout, /^mpclient .*\nlistening on 127\.0\.0\.1:\d+\n/m);
	t.regex(table.stdout, /^mpserver .*\nlistening on 127\.0\.0\.1:\d+; target 127\.0\.0\.1:\d+\n/m);
	t.true(table.stdout.includes('second'));
	const json = start(t, 'mptunnel', ['status', '--json'], env);
	t.is(await json.end(), 0);
	t.deepEqual(
		lines(json.stdout)
			.map((line) => (JSON.parse(line) as {program: string}).program)
			.sort(),
		['mpclient', 'mpserver'],
	);
	const one = start(t, 'mptunnel', ['status', '--state', join(folder, 'nothing')], env);
	t.is(await one.end(), 1);

	server.kill('SIGUSR1');
	await server.says(/^mpserver .*, up \d+s/m);
	for (const program of [client, server]) {
		program.kill('SIGTERM');
		t.is(await program.end(), 0);
		t.is(program.stdout, '');
	}
	const none = start(t, 'mptunnel', ['status'], env);
	t.is(await none.end(), 1);
	t.is(lines(none.stderr).length, 1);
	await Promise.all([target.close(), application.close()]);
});

test.serial('a second signal ends the program at once', async (t) => {
	const {env, write} = setUp(t);
	const client = start(t, 'mpclient', [write('c.conf', '127.0.0.1 9\n'), '--no-listen'], env);
	await client.says('mpclient runs');
	client.kill('SIGINT');
	client.kill('SIGTERM');
	t.true([0, 1].includes((await client.end()) ?? -1));
});

test.serial('--test ends with 1 when no path works', async (t) => {
	const {env, write} = setUp(t);
	const file = write('c.conf', `127.0.0.1 ${await freePort()}\n`);
	const client = start(t, 'mpclient', [file, '--test', '--log-level', 'error'], env);
	t.is(await client.end(), 1);
	t.regex(client.stdout, /^1 \(127\.0\.0\.1:\d+\): refused: nothing listens there\n$/);
	t.is(client.stderr, '');
});

test('a reader that goes away does not break the programs', (t) => {
	const script = fileURLToPath(new URL('../../src/cli/mptunnel.js', import.meta.url));
	const {status, stderr} = attempt('sh', [
		'-c',
		`{ "${process.execPath}" "${script}" --help; echo "code $?" >&2; } | true`,
	]);
	t.is(status, 0);
	t.is(stderr, 'code 0\n');
});

test.serial(
	'SIGHUP ends neither program, and SIGUSR1 is one line of JSON where the log is',
	async (t) => {
		const {env, write, folder} = setUp(t);
		const json = ['--log-format', 'json', '--log-level', 'warn'];
		const file = write('c.conf', '127.0.0.1 9\n');
		const words = [file, '--no-listen', '--state', join(folder, 'client'), ...json];
		const place = ['--bind', '127.0.0.1', '--state', join(folder, 'server'), ...json];
		const programs = [
			start(t, 'mpclient', words, env),
			start(t, 'mpserver', [`${await freePort()}`, '127.0.0.1', '9', ...place], env),
		];
		for (const program of programs) {
			// The first warning, of the missing key, comes when the signals are looked after.
			await program.says('no key');
			program.kill('SIGHUP');
			const shown = () =>
				lines(program.stderr)
					.map((line) => JSON.parse(line) as Record<string, unknown>)
					.find(({message}) => message === 'status');
			// Before it runs there is no status.
			await waitFor(() => {
				program.kill('SIGUSR1');
				return shown() !== undefined;
			}, 'a status');
			t.true(Array.isArray(shown()?.['listening']) && typeof shown()?.['pid'] === 'number');
			t.is(program.code, undefined);
			program.kill('SIGTERM');
			t.is(await program.end(), 0);
		}
	},
);
