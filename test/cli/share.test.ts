import {readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import process from 'node:process';
import {fileURLToPath} from 'node:url';
import test, {type ExecutionContext} from 'ava';
import {parseClientArguments} from '../../src/cli/options.ts';
import type {ScreenStream} from '../../src/cli/screen.ts';
import {shareCommand} from '../../src/cli/share-command.ts';
import {ConfigError} from '../../src/config/errors.ts';
import {Program} from '../support/e2e/program.ts';
import {attempt} from '../support/machine/commands.ts';
import {temporaryFolder} from '../support/machine/options.ts';

const ALICE = 'J8lxw9epJDJpQT72hUeEjw/hDcb1cAfzZdy42OGqNmU=';
const BOB = 'whXvOaDu7ofzfpuzbXxLH4L4goi/khZqvQndvh8wn/s=';
const SECRETS: Readonly<Record<string, string>> = {
	alice: 'J8lxw9epJDJpQT72hUeEjw_hDcb1cAfzZdy42OGqNmU',
	bob: 'whXvOaDu7ofzfpuzbXxLH4L4goi_khZqvQndvh8wn_s',
};

/** A folder with keys, in which links are made. */
function setUp(t: ExecutionContext, stream: ScreenStream = {}, env: Record<string, string> = {}) {
	const cwd = temporaryFolder(t);
	writeFileSync(join(cwd, 'a.key'), `${ALICE}\n`, {mode: 0o600});
	writeFileSync(join(cwd, 'ab.keys'), `alice ${ALICE}\nbob ${BOB}\n`, {mode: 0o600});
	const users = `- {name: alice, key: ${ALICE}}\n- {name: bob, key: ${BOB}, target: 127.0.0.1 1, exit: false}\n`;
	writeFileSync(join(cwd, 'users.yaml'), users, {mode: 0o600});
	const share = async (...argv: readonly string[]) => {
		let [out, error] = ['', ''];
		const command = shareCommand({
			...{env, cwd, stream},
			writeOut: (text) => {
				out += text;
			},
			writeError: (text) => {
				error += text;
			},
		});
		command.exitOverride().configureOutput({writeErr: () => {}});
		await command.parseAsync([...argv], {from: 'user'});
		return {out, error};
	};
	const problems = async (...argv: readonly string[]) => {
		const error = await t.throwsAsync(share(...argv), {instanceOf: ConfigError});
		return error?.message.split('\n');
	};
	return {cwd, share, problems};
}

const one = ['2000', '127.0.0.1', '1194', '--key-file', 'a.key'];

test('a link is one line, and the warning goes elsewhere', async (t) => {
	const {share} = setUp(t);
	const {out, error} = await share(...one, '--at', 'vpn.example.net', '--at', '192.0.2.1:4000');
	t.is(out, `mptunnel://${SECRETS['alice']}@vpn.example.net:2000,192.0.2.1:4000?socks=off\n`);
	t.is(error, 'mptunnel: the link holds the key of "a": it opens the server to its holder\n');
});

test('addresses have many forms, and words of a path line', async (t) => {
	const {share, problems} = setUp(t);
	for (const [at, path] of [
		['2001:db8::1', '[2001:db8::1]:2000'],
		['[2001:db8::1]', '[2001:db8::1]:2000'],
		['[2001:db8::1]:1', '[2001:db8::1]:1'],
		['a  name=lte rate=1mbit/2mbit metered', 'a:2000;name=lte;rate=1mbit%2F2mbit;metered'],
	] as const) {
		const {out} = await share(...one, '--at', at);
		t.true(out.includes(`@${path}?`), out);
	}
	t.deepEqual(await problems(...one, '--at', 'a bind=eth0', '--at', 'b:0', '--at', ''), [
		'--at: the word "bind" goes into no link',
		'--at: not 1 to 65535: "0"',
		'--at: not a host name or IP address: ""',
	]);
	t.deepEqual(await problems(...one, '--at', 'a rate=1', '--at', 'a name=x', '--at', 'b name=x'), [
		'--at (1): rate "1" is not a rate such as 20mbit, or UP/DOWN such as 5mbit/20mbit',
	]);
	t.deepEqual(await problems(...one, '--at', 'a name=x', '--at', 'b name=x'), [
		'--at (2): name "x" is taken by link: path 1',
	]);
});

test('without an address the public ones of --bind are taken, and there must be one', async (t) => {
	const {share, problems} = setUp(t);
	const binds = ['0.0.0.0', '127.0.0.1', '10.0.0.1', '9.9.9.9', 'fe80::1', '2620:fe::9'];
	const {out} = await share(...one, ...binds.flatMap((address) => ['--bind', address]));
	t.true(out.includes('@9.9.9.9:2000,[2620:fe::9]:2000?'), out);
	const reason = '--at: is needed: the server does not know the address that clients reach it at';
	t.deepEqual(await problems(...one), [reason]);
	t.deepEqual(await problems(...one, '--bind', '10.0.0.1'), [reason]);
});

test('the options of a link follow from the server, and from flags', async (t) => {
	const {share, problems} = setUp(t);
	const options = async (...argv: readonly string[]) =>
		(await share(...argv, '--at', 'a')).out.trim().split('?')[1];
	t.is(await options(...one), 'socks=off');
	t.is(await options(...one, '--exit'), undefined);
	t.is(await options('2000', '--key-file', 'a.key'), 'listen=off');
	const chosen = ['--policy', 'fec cheap', '--copies', '2', '--hold', '1s'];
	t.is(await options(...one, ...chosen), 'socks=off&policy=fec%20cheap&copies=2&hold=1s');
	t.deepEqual(await problems(...one, '--at', 'a', '--copies', '0', '--hold', '1'), [
		'--copies: not 1 to 16: "0"',
		'--hold: not a duration of 10ms to 10s such as 500ms: "1"',
	]);
	const plain = setUp(t, {}, {MPTUNNEL_ENCRYPT: '0', MPTUNNEL_KEY: BOB});
	const {out} = await plain.share('2000', '127.0.0.1', '1', '--at', 'a');
	t.is(out, `mptunnel://${SECRETS['bob']}@a:2000?encrypt=off&socks=off\n`);
});

test('each user has a link of its own', async (t) => {
	const {share, problems} = setUp(t);
	const some = ['2000', '--key-file', 'ab.keys', '--at', 'a'];
	for (const name of ['alice', 'bob']) {
		const {out, error} = await share(...some, '--user', name);
		t.true(out.startsWith(`mptunnel://${SECRETS[name]}@`));
		t.true(error.includes(`key of "${name}"`));
	}
	t.deepEqual(await problems(...some), ['--user: is needed: "alice", "bob"']);
	t.deepEqual(await problems(...some, '--user', 'alcie'), [
		'--user: no user is called "alcie" (did you mean "alice"?)',
	]);
	const own = ['2000', '--users', 'users.yaml', '--exit', '--at', 'a', '--user'];
	t.true((await share(...own, 'alice')).out.endsWith('?listen=off\n'));
	t.true((await share(...own, 'bob')).out.endsWith('?socks=off\n'));
	t.deepEqual(await problems('2000', '127.0.0.1', '1', '--at', 'a'), [
		'there is no key to share: see mptunnel keygen',
	]);
});

test('a QR code is printed on a terminal that has room, or when asked for', async (t) => {
	const lines = async (stream: ScreenStream, ...argv: readonly string[]) => {
		const {out, error} = await setUp(t, stream).share(...one, '--at', 'a', ...argv);
		return {code: out.split('\n').slice(2, -1), error};
	};
	const {code} = await lines({isTTY: true, columns: 80});
	t.true(code.length > 15);
	t.true(code.every((line) => /^[ █▀▄]+$/.test(line) && line.length === code[0]?.length));
	t.deepEqual((await lines({})).code, []);
	t.deepEqual((await lines({}, '--qr')).code, code);
	t.deepEqual((await lines({isTTY: true, columns: 80}, '--no-qr')).code, []);
	const narrow = await lines({isTTY: true, columns: 20});
	t.deepEqual(narrow.code, []);
	t.regex(narrow.error, /needs a window of \d+ columns/);
});

test('a link can stand for the file of a client, and is shown in no message', (t) => {
	const parse = (...argv: readonly string[]) =>
		parseClientArguments(argv, {}, {write: () => {}, cwd: '/'});
	const link = `mptunnel://${SECRETS['alice']}@a:1`;
	const {options, warnings} = parse(link);
	t.is(options.paths[0]?.host, 'a');
	t.is(warnings.length, 1);
	t.regex(warnings[0]!, /list of processes: see --link-file$/);
	for (const argv of [
		[link, '--config', 'c.conf'],
		[link, '--link-file', 'x'],
		['--link-file', link],
		['--config', link],
		[`--${link}`],
		[link, link],
		['c.conf', '--policy', link],
	]) {
		const error = t.throws(() => parse(...argv), {instanceOf: ConfigError});
		t.false(error?.message.includes(SECRETS['alice']!), error?.message);
	}
});

test.serial('a link comes from a file or from standard input', async (t) => {
	const {cwd, share} = setUp(t);
	const {out} = await share(...one, '--at', '127.0.0.1:9');
	const script = fileURLToPath(new URL('../../src/cli/mpclient.js', import.meta.url));
	const check = (words: readonly string[], input: string) =>
		attempt(process.execPath, [script, '--check', ...words], {input, cwd, env: {}});
	const piped = check(['--link-file', '-'], `\n# mine\n ${out}`);
	t.is(piped.status, 0, piped.stderr);
	t.regex(piped.stdout, /^configFile: link [0-9a-f]{16}$/m);
	for (const [input, reason] of [
		['', 'standard input holds no link'],
		[`${out}${out}`, 'standard input holds 2 lines, a link is one'],
	] as const) {
		const refused = check(['--link-file', '-'], input);
		t.is(refused.status, 2);
		t.is(refused.stderr, `mpclient: --link-file: ${reason}\n`);
	}
	writeFileSync(join(cwd, 'open'), out, {mode: 0o644});
	t.regex(check(['--link-file', 'open'], '').stderr, /link file "open" can be read by other users/);
	const none = check(['--link-file', 'none'], '');
	t.is(
		none.stderr,
		'mpclient: --link-file: link file "none" cannot be read: no such file or folder\n',
	);
});

test.serial('a running client hides the link of its arguments', async (t) => {
	const {cwd, share} = setUp(t);
	const {out} = await share(...one, '--at', '127.0.0.1:9');
	const argv = [out.trim(), '--no-socks', '--no-listen', '--state', join(cwd, 'state')];
	const client = new Program('mpclient', argv);
	t.teardown(() => client.kill('SIGKILL'));
	await client.says('list of processes');
	if (process.platform === 'linux') {
		t.false(readFileSync(`/proc/${client.pid}/cmdline`, 'utf8').includes(SECRETS['alice']!));
	}
	await client.says('mpclient runs');
	client.kill('SIGTERM');
	t.is(await client.end(), 0);
	t.false(client.stderr.includes(SECRETS['alice']!), client.stderr);
});
