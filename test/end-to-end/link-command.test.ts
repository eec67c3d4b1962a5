import {writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import process from 'node:process';
import {fileURLToPath} from 'node:url';
import test, {type ExecutionContext} from 'ava';
import {needing} from '../support/e2e/needs.ts';
import {Child} from '../support/e2e/process.ts';
import {temporaryFolder} from '../support/machine/options.ts';
import {waitFor} from '../support/machine/wait-for.ts';
import {UdpPeer} from '../support/sockets/udp-peer.ts';
import {LinkSocket} from './link-sockets.ts';

const PROGRAM = fileURLToPath(new URL('./link-main.js', import.meta.url));

/** The subcommand alone, which ends with the test. */
function spawnLink(t: ExecutionContext, flags: readonly string[]): Child {
	const child = new Child(process.execPath, [PROGRAM, 'link', ...flags]);
	t.teardown(() => child.kill());
	return child;
}

/** Starts the subcommand and resolves with its port when it listens. */
async function start(t: ExecutionContext, flags: readonly string[]) {
	const child = spawnLink(t, flags);
	await child.says('\n');
	const port = Number(/listening on 127\.0\.0\.1:(\d+)/.exec(child.output)?.[1]);
	return {child, port};
}

async function stop(child: Child, signal: NodeJS.Signals): Promise<number | null> {
	process.kill(child.pid, signal);
	return await child.end();
}

async function runToEnd(t: ExecutionContext, flags: readonly string[]) {
	const child = spawnLink(t, flags);
	return {code: await child.end(), output: child.output};
}

test.serial('the command relays, says where, and sums up when it is stopped', async (t) => {
	const echo = await LinkSocket.open((bytes) => bytes);
	const client = await LinkSocket.open();
	t.teardown(() => Promise.all([echo.close(), client.close()]));
	const flags = ['--listen', '127.0.0.1:0', '--to', `127.0.0.1:${echo.port}`];
	const {child, port} = await start(t, [...flags, '--up-duplicate', '100%', '--seed', '7']);
	const says = () => child.output.replaceAll(/^\S+Z info /gm, '');
	const place = `listening on 127.0.0.1:${port}, relaying to 127.0.0.1:${echo.port}`;
	t.is(says(), `${place} seed=7\n`);
	client.send('x', port);
	await client.hear(2);
	t.is(await stop(child, 'SIGINT'), 0);
	const [, head = '', up = '', down = '', rest] = says().split('\n');
	const columns = ['received', 'delivered', 'lost', 'queue-dropped', 'duplicated', 'corrupted'];
	t.deepEqual(head.trim().split(/ +/), columns);
	t.is(up.replaceAll(/ +/g, ' '), 'up 1 2 0 0 1 0');
	t.is(down.replaceAll(/ +/g, ' '), 'down 2 2 0 0 0 0');
	t.is(rest, '');
});

test.serial('the command stops on SIGTERM with datagrams under way', async (t) => {
	const flags = ['--listen', '127.0.0.1:0', '--to', '9', '--delay', '1h', '--down', '10s..12s'];
	const {child, port} = await start(t, flags);
	const client = await LinkSocket.open();
	t.teardown(() => client.close());
	client.send('x', port);
	t.is(await stop(child, 'SIGTERM'), 0);
});

test.serial('the command takes a profile and lets flags win', async (t) => {
	const file = join(temporaryFolder(t), 'bad.json');
	await writeFile(file, JSON.stringify({both: {loss: '100%'}}));
	const echo = await LinkSocket.open((bytes) => bytes);
	const client = await LinkSocket.open();
	t.teardown(() => Promise.all([echo.close(), client.close()]));
	const flags = ['--listen', '0', '--to', `${echo.port}`, '--profile', file, '--up-loss', '0'];
	const {child, port} = await start(t, flags);
	// The last answers may come when the link has ended already.
	for (let i = 1; i <= 10; i++) {
		client.send('x', port);
		await echo.hear(i);
	}
	await stop(child, 'SIGINT');
	t.regex(child.output, /^up +10 +10 +0 /m);
	t.regex(child.output, /^down +(\d+) +0 +\1 /m);
	t.notRegex(child.output, /^down +0 /m);
});

const mistakes: [flags: readonly string[], expected: RegExp][] = [
	[['--listen', '0'], /--to/],
	[['--listen', '0', '--to', '9', '--lss', '3%'], /--lss/],
	[['--listen', '0', '--to', '9', '--loss', '10'], /--loss: expected a percentage .*"10"/],
	[['--listen', '0', '--to', '9', '--down-loss', 'x'], /--down-loss: /],
	[['--listen', '0', '--to', '9', '--down', '10s'], /--down: expected a window .*"10s"/],
	[['--listen', '0', '--to', '9', '--up-outage', '3'], /--up-outage: /],
	[['--listen', '0', '--to', '9', '--queue', '5ms'], /--queue: has no effect without --rate/],
	[['--listen', '0', '--to', '9', '--profile', 'lte', '--loss', '99%'], /up\.burst/],
	[['--listen', '0', '--to', '9', '--profile', 'foo'], /--profile: expected congested, dsl, /],
	[['--listen', '0', '--to', '9', '--profile', './none.json'], /none\.json/],
	[['--listen', '70000', '--to', '9'], /--listen: /],
	[['--listen', 'host:0', '--to', '9'], /--listen: expected an IP address/],
	[['--listen', '0', '--to', '0'], /--to: /],
	[['--listen', '0', '--to', '9', '--idle', '5'], /--idle: /],
	[['--listen', '0', '--to', '9', '--clients', '0'], /--clients: /],
	[['--listen', '0', '--to', '9', 'more'], /arguments/],
];

test.serial('the command answers each mistake with one line and exit code 2', async (t) => {
	const results = await Promise.all(mistakes.map(([flags]) => runToEnd(t, flags)));
	for (const [index, {code, output}] of results.entries()) {
		const [flags, expected] = mistakes[index] ?? [[], /^$/];
		t.is(code, 2, flags.join(' '));
		t.regex(output, expected);
		t.regex(output, /^error: [^\n]+\n$/);
	}
});

test.serial('the command ends with 1 when its port is in use', async (t) => {
	const taken = await LinkSocket.open();
	t.teardown(() => taken.close());
	const {code, output} = await runToEnd(t, ['--listen', `${taken.port}`, '--to', '9']);
	t.is(code, 1);
	t.regex(output, /^error: .*the port is in use\n$/);
});

test.serial('the command explains the two meanings of down', async (t) => {
	const {code, output} = await runToEnd(t, ['--help']);
	t.is(code, 0);
	t.regex(output, /--down-loss 2%/);
	t.notRegex(output, /--down <from\.\.until>/);
});

needing({ipv6: true}).serial(
	'a port alone is one of both loopback addresses, each with clients of its own',
	async (t) => {
		const echo = await LinkSocket.open((bytes) => bytes);
		const {child, port} = await start(t, ['--listen', '0', '--to', `${echo.port}`]);
		t.true(
			child.output.includes(`listening on 127.0.0.1:${port}, [::1]:${port}, relaying`),
			child.output,
		);
		const peers = await Promise.all([UdpPeer.open(0, '127.0.0.1'), UdpPeer.open(0, '::1')]);
		t.teardown(() => Promise.all([echo.close(), ...peers.map((peer) => peer.close())]));
		const [four, six] = peers;
		four!.send('four', port, '127.0.0.1');
		six!.send('six', port, '::1');
		await waitFor(() => peers.every(({received}) => received.length === 1), 'both answers');
		t.deepEqual(
			peers.map(({received}) => received[0]?.text),
			['four', 'six'],
		);
	},
);
