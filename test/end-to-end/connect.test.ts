import {createHash} from 'node:crypto';
import {once} from 'node:events';
import {mkdirSync, readFileSync, writeFileSync} from 'node:fs';
import {connect, createServer, type Socket} from 'node:net';
import {userInfo} from 'node:os';
import process from 'node:process';
import test, {type ExecutionContext} from 'ava';
import {example} from '../support/documents/document.ts';
import {needing} from '../support/e2e/needs.ts';
import {freePort} from '../support/e2e/ports.ts';
import {type SocksFront, socksOverLinks} from '../support/e2e/socks-front.ts';
import {Stage} from '../support/e2e/stage.ts';
import {waitFor, within} from '../support/machine/wait-for.ts';
import {TcpProgram} from '../support/sockets/tcp-pair.ts';
import {WebTarget} from './web.ts';

const MIB = 2 ** 20;

/** What each of three links does to what goes through it. */
const LOSSY = ['--loss', '10%', '--delay', '20ms', '--rate', '100mbit'];

/** What a program may take before it counts as stuck; all of them take seconds. */
const BUDGET = 100_000;

function lossy(
	t: ExecutionContext,
	stage: Stage,
	clientWords: readonly string[] = [],
): Promise<SocksFront> {
	return socksOverLinks(t, stage, {links: [LOSSY, LOSSY, LOSSY], clientWords});
}

async function run(
	stage: Stage,
	command: string,
	...argv: readonly string[]
): Promise<{readonly code: number | null; readonly output: string}> {
	const child = stage.child(command, argv);
	const code = await child.end(BUDGET);
	return {code, output: child.output};
}

function curl(stage: Stage, front: SocksFront, ...argv: readonly string[]) {
	return run(stage, 'curl', '-sS', '--socks5-hostname', `127.0.0.1:${front.port}`, ...argv);
}

/** Cuts a path after a third of what the target moves, and restores it after another. */
function cutAndRestore(front: SocksFront): readonly (() => Promise<void>)[] {
	const [first] = front.links;
	return [
		async () => {
			first?.kill('SIGSTOP');
			await front.client.says(/a path is down/);
		},
		async () => {
			first?.kill('SIGCONT');
			await front.client.says(/a path is up.*from=down/);
		},
	];
}

needing({programs: ['curl']}).serial(
	'curl: 100 MiB down over three lossy links, one cut and restored',
	async (t) => {
		const stage = new Stage(t);
		const front = await lossy(t, stage);
		const web = await WebTarget.open(t, 100 * MIB);
		web.between = cutAndRestore(front);
		const url = `http://127.0.0.1:${web.port}/big`;
		const {code, output} = await curl(stage, front, '--fail', '-o', stage.path('out'), url);
		t.is(code, 0, output);
		t.true(readFileSync(stage.path('out')).equals(web.big));
	},
);

needing({programs: ['curl']}).serial(
	'curl: 100 MiB up over three lossy links, one cut and restored',
	async (t) => {
		const stage = new Stage(t);
		const front = await lossy(t, stage);
		const web = await WebTarget.open(t, 100 * MIB);
		web.between = cutAndRestore(front);
		const file = stage.path('big');
		writeFileSync(file, web.big);
		const sent = ['--data-binary', `@${file}`, '-H', 'content-type: application/octet-stream'];
		const {code, output} = await curl(stage, front, ...sent, `http://127.0.0.1:${web.port}/`);
		t.is(code, 0, output);
		t.is(output, createHash('sha256').update(web.big).digest('hex'));
	},
);

needing({programs: ['curl']}).serial(
	'curl: 50 small transfers at once all come whole',
	async (t) => {
		const stage = new Stage(t);
		const front = await lossy(t, stage);
		const web = await WebTarget.open(t, 1);
		const many = ['--fail', '-Z', '--parallel-immediate', '--parallel-max', '50'];
		const out = ['-o', stage.path('small_#1')];
		const url = `http://127.0.0.1:${web.port}/small/[1-50]`;
		const {code, output} = await curl(stage, front, ...many, ...out, url);
		t.is(code, 0, output);
		for (let i = 1; i <= 50; i++) t.is(readFileSync(stage.path(`small_${i}`), 'utf8'), `${i}`);
	},
);

needing({programs: ['curl']}).serial(
	'curl hears why it cannot connect, and so do the logs of both ends',
	async (t) => {
		const stage = new Stage(t);
		const front = await lossy(t, stage);
		for (const [url, reply, line] of [
			[`http://127.0.0.1:${await freePort()}/`, 5, 'reason=connection-refused'],
			['http://10.0.0.1/', 2, 'reason=denied target=10.0.0.1:80'],
			['http://nothing.invalid/', 4, 'reason=unresolvable target=nothing.invalid:80'],
		] as const) {
			const {code, output} = await curl(stage, front, url);
			t.is(code, 97, output);
			t.regex(output, new RegExp(`\\(${reply}\\)`));
			await front.client.says(line);
		}
	},
);

needing({programs: ['curl']}).serial(
	'curl hears of a tunnel that is down after 5 seconds',
	async (t) => {
		const stage = new Stage(t);
		const [key, socks, nobody] = [await stage.key(), await freePort(), await freePort()];
		const conf = stage.write('mpclient.conf', `127.0.0.1 ${nobody}\n`);
		const words = ['--no-listen', '--socks', `127.0.0.1:${socks}`, '--key-file', key];
		const client = stage.program('mpclient', [conf, ...words]);
		await client.says('mpclient runs');
		const proxy = ['-sS', '--socks5-hostname', `127.0.0.1:${socks}`];
		const {code, output} = await run(stage, 'curl', ...proxy, 'http://127.0.0.1:1/');
		t.is(code, 97, output);
		t.regex(output, /\(1\)/);
		await client.says('nothing comes from the server reason=tunnel-down target=127.0.0.1:1');
	},
);

/** A repository with some history, and what its newest commit is called. */
async function repository(t: ExecutionContext, stage: Stage): Promise<string> {
	const script = [
		`git init -q ${stage.path('work')}`,
		`cd ${stage.path('work')}`,
		'head -c 1000000 /dev/urandom > random',
		'git add random',
		'git -c user.name=n -c user.email=e commit -qm first',
		`git clone -q --bare . ${stage.path('project.git')}`,
		'git rev-parse HEAD',
	].join(' && ');
	const {code, output} = await run(stage, 'sh', '-c', script);
	t.is(code, 0, output);
	return output.trim().split('\n').at(-1) ?? '';
}

needing({programs: ['git', 'python3']}).serial(
	'git clones through SOCKS5 and through a TCP forward',
	async (t) => {
		const stage = new Stage(t);
		const head = await repository(t, stage);
		const [daemon, forward, web] = [await freePort(), await freePort(), await freePort()];
		const served = `--base-path=${stage.folder}`;
		const place = ['--listen=127.0.0.1', `--port=${daemon}`];
		stage.child('git', ['daemon', '--reuseaddr', '--export-all', served, ...place]);
		const words = ['--directory', stage.folder, '--bind', '127.0.0.1', `${web}`];
		stage.child('python3', ['-m', 'http.server', ...words]);
		t.is((await run(stage, 'git', '-C', stage.path('project.git'), 'update-server-info')).code, 0);
		for (const port of [daemon, web]) await untilListening(port);
		const front = await lossy(t, stage, ['--forward', `tcp:${forward}=127.0.0.1:${daemon}`]);
		const socks = ['-c', `http.proxy=socks5h://127.0.0.1:${front.port}`];
		for (const [name, ...argv] of [
			['http', ...socks, 'clone', '-q', `http://127.0.0.1:${web}/project.git`],
			['git', 'clone', '-q', `git://127.0.0.1:${forward}/project.git`],
		] as const) {
			const cloned = await run(stage, 'git', ...argv, stage.path(name));
			t.is(cloned.code, 0, cloned.output);
			const found = await run(stage, 'git', '-C', stage.path(name), 'rev-parse', 'HEAD');
			t.is(found.output.trim(), head);
		}
	},
);

async function untilListening(port: number): Promise<void> {
	let open = false;
	await waitFor(() => {
		const socket = connect(port, '127.0.0.1', () => {
			open = true;
			socket.destroy();
		});
		socket.on('error', () => {});
		return open;
	}, `somebody on port ${port}`);
}

needing({programs: ['openssl']}).serial(
	'openssl has a session line by line through a TCP forward',
	async (t) => {
		const stage = new Stage(t);
		const [port, forward] = [await freePort(), await freePort()];
		const [key, cert] = [stage.path('tls.key'), stage.path('tls.crt')];
		const kind = ['-x509', '-newkey', 'rsa:2048', '-nodes', '-subj', '/CN=target', '-days', '1'];
		t.is((await run(stage, 'openssl', 'req', ...kind, '-keyout', key, '-out', cert)).code, 0);
		// It sends each line back reversed.
		const served = ['-accept', `127.0.0.1:${port}`, '-key', key, '-cert', cert, '-rev'];
		stage.child('openssl', ['s_server', ...served]);
		await untilListening(port);
		await lossy(t, stage, ['--forward', `tcp:${forward}=127.0.0.1:${port}`]);
		const client = `openssl s_client -quiet -connect 127.0.0.1:${forward}`;
		const {output} = await run(stage, 'sh', '-c', `printf 'hello\\nworld\\nCLOSE\\n' | ${client}`);
		t.regex(output, /^olleh$/m);
		t.regex(output, /^dlrow$/m);
	},
);

/** An SSH server for this user alone; resolves with the words that get a client in. */
async function sshServer(t: ExecutionContext, stage: Stage): Promise<readonly string[]> {
	const port = await freePort();
	const [hostKey, userKey] = [stage.path('host'), stage.path('user')];
	for (const key of [hostKey, userKey]) {
		const made = await run(stage, 'ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', key);
		t.is(made.code, 0, made.output);
	}
	const config = stage.write(
		'sshd_config',
		[
			'ListenAddress 127.0.0.1',
			`Port ${port}`,
			`HostKey ${hostKey}`,
			`AuthorizedKeysFile ${userKey}.pub`,
			'PidFile none',
			'StrictModes no',
			'UsePAM no',
			'PermitRootLogin yes',
		].join('\n'),
	);
	// Started by root it wants a folder that the package's service makes.
	if (process.getuid?.() === 0) mkdirSync('/run/sshd', {recursive: true, mode: 0o755});
	stage.child('/usr/sbin/sshd', ['-D', '-e', '-f', config]);
	await untilListening(port);
	const options = ['StrictHostKeyChecking=no', 'UserKnownHostsFile=/dev/null', 'LogLevel=ERROR'];
	const words = ['-tt', '-F', 'none', '-i', userKey, '-p', `${port}`];
	return [...words, ...options.flatMap((option) => ['-o', option])];
}

needing({programs: ['ssh', 'ssh-keygen', '/usr/sbin/sshd', 'nc']}).serial(
	'ssh has a session line by line as the README says, while a path dies',
	async (t) => {
		const stage = new Stage(t);
		const words = await sshServer(t, stage);
		const front = await lossy(t, stage);
		const text = example('src/socks/README.md', 'ssh');
		const command = text
			.trim()
			.replace(/^ssh/, `exec ssh ${words.join(' ')}`)
			.replace('127.0.0.1:1080', `127.0.0.1:${front.port}`)
			.replace('user@host.example.net', `${userInfo().username}@127.0.0.1 sh`);
		const ssh = stage.child('sh', ['-c', command], true);
		ssh.type('echo $((6 * 7)) is the answer');
		await ssh.says('42 is the answer');
		front.links[0]?.kill('SIGSTOP');
		for (let i = 0; i < 20; i++) {
			ssh.type(`echo line $((${i} + 1000))`);
			await ssh.says(`line ${1000 + i}`);
		}
		ssh.type('exit 7');
		t.is(await ssh.end(BUDGET), 7);
	},
);

needing({programs: ['chromium']}).serial(
	'chromium loads a page with 100 objects through SOCKS5',
	async (t) => {
		const stage = new Stage(t);
		const front = await lossy(t, stage);
		const web = await WebTarget.open(t, 1);
		const {code, output} = await run(
			stage,
			'chromium',
			...['--headless', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
			`--user-data-dir=${stage.path('profile')}`,
			`--proxy-server=socks5://127.0.0.1:${front.port}`,
			'--proxy-bypass-list=<-loopback>',
			...['--timeout=90000', '--dump-dom', `http://127.0.0.1:${web.port}/page`],
		);
		t.is(code, 0, output);
		t.regex(output, /<title>loaded 100<\/title>/);
		t.is(web.objects, 100);
	},
);

/** A program beside mpclient and a target beside mpserver, joined by a TCP forward. */
async function joined(t: ExecutionContext) {
	const stage = new Stage(t);
	const server = createServer({allowHalfOpen: true});
	server.listen(0, '127.0.0.1');
	await once(server, 'listening');
	t.teardown(() => server.close());
	const place = server.address();
	const target = place !== null && typeof place === 'object' ? place.port : 0;
	const forward = await freePort();
	const front = await lossy(t, stage, ['--forward', `tcp:${forward}=127.0.0.1:${target}`]);
	const socket = connect({port: forward, host: '127.0.0.1', allowHalfOpen: true});
	t.teardown(() => socket.destroy());
	const [accepted] = (await within(once(server, 'connection'), 'a connection')) as [Socket];
	t.teardown(() => accepted.destroy());
	return {near: new TcpProgram(socket), far: new TcpProgram(accepted), ...front.ends};
}

/**
 * The same with a byte already carried: the target's system has a connection before mpserver knows of
 * it, and one that nobody knows of yet is given up, not reset.
 */
async function established(t: ExecutionContext) {
	const ends = await joined(t);
	ends.near.socket.write('x');
	await waitFor(() => ends.far.length === 1);
	return ends;
}

test.serial('each direction of a connection ends apart', async (t) => {
	const {near, far} = await joined(t);
	near.socket.end('question');
	await waitFor(() => far.ended);
	t.is(far.received.toString(), 'question');
	far.socket.write('an');
	await waitFor(() => near.length === 2);
	t.false(near.ended);
	far.socket.end('swer');
	await waitFor(() => near.closed && far.closed);
	t.is(near.received.toString(), 'answer');
	t.is(near.code, undefined);
	t.is(far.code, undefined);
});

for (const first of ['near', 'far'] as const) {
	test.serial(`a reset by the ${first} end is a reset at the other`, async (t) => {
		const ends = await joined(t);
		const other = first === 'near' ? ends.far : ends.near;
		ends[first].socket.write('x');
		await waitFor(() => other.length === 1);
		ends[first].socket.resetAndDestroy();
		await waitFor(() => other.closed);
		t.is(other.code, 'ECONNRESET');
		t.false(other.ended);
	});
}

test.serial('a server that comes back after a crash resets what it knows no more', async (t) => {
	const {near, server} = await established(t);
	await server.crash();
	await server.start();
	near.socket.write('y');
	await waitFor(() => near.closed);
	t.is(near.code, 'ECONNRESET');
	t.false(near.ended);
});

test.serial(
	'a client that comes back after a crash frees the connections at the server',
	async (t) => {
		const {far, client} = await established(t);
		await client.crash();
		await client.start();
		await waitFor(() => far.closed);
		t.is(far.code, 'ECONNRESET');
	},
);

test.serial('programs that stop reset the connections, at both ends', async (t) => {
	for (const end of ['client', 'server'] as const) {
		const ends = await established(t);
		await ends[end].stop();
		const closed = () => ends.near.closed && ends.far.closed;
		await waitFor(closed, `both ends to close after the ${end}`, BUDGET);
		t.is(ends.near.code, 'ECONNRESET', end);
		t.is(ends.far.code, 'ECONNRESET', end);
	}
});
