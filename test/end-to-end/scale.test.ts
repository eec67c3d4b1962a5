import {execFile} from 'node:child_process';
import process from 'node:process';
import {fileURLToPath} from 'node:url';
import {promisify} from 'node:util';
import test from 'ava';
import {needing} from '../support/e2e/needs.ts';
import {freePort} from '../support/e2e/ports.ts';
import {Stage} from '../support/e2e/stage.ts';
import type {FlowsReport} from '../support/flows/main.ts';
import {temporaryFolder} from '../support/machine/options.ts';
import {waitFor} from '../support/machine/wait-for.ts';
import {UdpPeer} from '../support/sockets/udp-peer.ts';

const PROGRAM = fileURLToPath(new URL('../support/flows/main.js', import.meta.url));

/** `npm run bench -- --only flows` does it with 10,000 flows and 2,000 associations. */
const [FLOWS, ASSOCIATIONS, NEW_FLOWS] = [1000, 100, 500];

test.serial('a thousand flows and a hundred associations at once, each answered', async (t) => {
	const {PATH = ''} = process.env;
	const numbers = [FLOWS, ASSOCIATIONS, NEW_FLOWS].map(String);
	const argv = ['--expose-gc', PROGRAM, temporaryFolder(t), ...numbers];
	const options = {env: {PATH}, timeout: 100_000};
	const {stdout} = await promisify(execFile)(process.execPath, argv, options);
	const report: FlowsReport = JSON.parse(stdout);
	t.log(stdout.trim());
	t.is(report.answered, FLOWS);
	t.is(report.associations, ASSOCIATIONS);
	t.true(report.flows >= FLOWS + ASSOCIATIONS);
	t.true(report.heapPerFlow <= 8192, `${report.heapPerFlow} bytes of heap a flow`);
	t.is(report.during.lost, 0);
});

needing({programs: ['prlimit']}).serial(
	'flows are refused before the descriptors run out',
	async (t) => {
		const stage = new Stage(t);
		const [port, listen, key] = [await freePort(), await freePort(), await stage.key()];
		const echo = await stage.echo();
		const limit = 612;
		const target = ['127.0.0.1', `${echo.port}`, '--bind', '127.0.0.1', '--key-file', key];
		const words = [`${port}`, ...target, '--state', stage.path('server')];
		const wrapper = ['prlimit', `--nofile=${limit}:${limit}`];
		const server = stage.program('mpserver', words, {}, wrapper);
		await server.says('mpserver runs');
		const conf = stage.write('mpclient.conf', `127.0.0.1 ${port}\n`);
		const place = [
			'--listen',
			`127.0.0.1:${listen}`,
			'--no-socks',
			'--state',
			stage.path('client'),
		];
		const client = stage.program('mpclient', [conf, '--key-file', key, ...place]);
		await client.says('a session is up');
		const peers = await Promise.all(Array.from({length: 150}, () => UdpPeer.open()));
		t.teardown(() => Promise.all(peers.map((peer) => peer.close())));
		for (const peer of peers) peer.send('hello', listen);
		const answered = () => peers.filter(({received}) => received.length > 0).length;
		await waitFor(() => answered() >= limit - 512, 'the flows that there is room for');
		await client.says(/the server refuses a flow reason=limit-of-descriptors/);
		await server.says(/too many flows for the open files allowed user=tunnel used=100 limit=100/);
		t.is(answered(), limit - 512);
		t.notRegex(server.stderr, /EMFILE|ENFILE/);
	},
);
