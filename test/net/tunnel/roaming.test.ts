import {type ChildProcess, spawn} from 'node:child_process';
import {writeFileSync} from 'node:fs';
import {join} from 'node:path';
import process from 'node:process';
import type {ExecutionContext} from 'ava';
import {needing} from '../../support/e2e/needs.ts';
import {Program} from '../../support/e2e/program.ts';
import {attempt, ip} from '../../support/machine/commands.ts';
import {temporaryFolder} from '../../support/machine/options.ts';
import {waitFor} from '../../support/machine/wait-for.ts';

const CLIENT = `mpt-${process.pid}-a`;
const SERVER = `mpt-${process.pid}-b`;

/** Two hosts with a cable between them. */
function layCable(): void {
	ip('netns', 'add', CLIENT);
	ip('netns', 'add', SERVER);
	ip('link', 'add', 'va', 'netns', CLIENT, 'type', 'veth', 'peer', 'vb', 'netns', SERVER);
	ip('-n', CLIENT, 'addr', 'add', '10.9.1.1/16', 'dev', 'va');
	ip('-n', SERVER, 'addr', 'add', '10.9.0.2/16', 'dev', 'vb');
	for (const [name, device] of [
		[CLIENT, 'va'],
		[SERVER, 'vb'],
	] as const) {
		ip('-n', name, 'link', 'set', device, 'up');
		ip('-n', name, 'link', 'set', 'lo', 'up');
	}
}

function removeCable(): void {
	for (const name of [CLIENT, SERVER]) attempt('ip', ['netns', 'del', name]);
}

/** Runs JavaScript in one of the hosts. */
function script(t: ExecutionContext, host: string, code: string): ChildProcess & {output: string} {
	const child = spawn('ip', ['netns', 'exec', host, process.execPath, '-e', code], {
		stdio: ['ignore', 'pipe', 'inherit'],
	});
	const result = Object.assign(child, {output: ''});
	child.stdout.on('data', (text: Buffer) => {
		result.output += text.toString();
	});
	t.teardown(() => child.kill('SIGKILL'));
	return result;
}

const ECHO = `
const socket = require('dgram').createSocket('udp4').bind(1194, '127.0.0.1');
socket.on('message', (bytes, from) => socket.send(bytes, from.port, from.address));
`;

// Sends 50 datagrams a second and prints every answer.
const APPLICATION = `
const socket = require('dgram').createSocket('udp4');
let sent = 0;
socket.on('message', (bytes) => console.log(bytes.toString()));
setInterval(() => socket.send(String(sent++), 3000, '127.0.0.1'), 20);
`;

needing({namespaces: true}).serial(
	'follows its machine to another address without losing its port',
	async (t) => {
		t.teardown(removeCable);
		layCable();
		const env = {XDG_STATE_HOME: temporaryFolder(t)};
		const inServer = ['ip', 'netns', 'exec', SERVER];
		const inClient = ['ip', 'netns', 'exec', CLIENT];
		const file = join(env.XDG_STATE_HOME, 'c.yaml');
		const bind = ['--bind', '10.9.0.2'];
		const server = new Program('mpserver', ['2000', '127.0.0.1', '1194', ...bind], env, inServer);
		t.teardown(() => server.kill('SIGKILL'));
		await server.says('mpserver runs');
		writeFileSync(file, 'paths: [{host: 10.9.0.2, port: 2000, name: only}]\n');
		const client = new Program('mpclient', [file], env, inClient);
		t.teardown(() => client.kill('SIGKILL'));
		await client.says('a path is up');
		script(t, SERVER, ECHO);
		const application = script(t, CLIENT, APPLICATION);
		const answers = () => application.output.split('\n').length - 1;
		await waitFor(() => answers() > 50, 'answers');
		ip('-n', SERVER, 'addr', 'add', '10.10.0.2/16', 'dev', 'vb');
		ip('-n', CLIENT, 'addr', 'add', '10.10.0.1/16', 'dev', 'va');
		ip('-n', CLIENT, 'addr', 'del', '10.9.1.1/16', 'dev', 'va');
		ip('-n', CLIENT, 'route', 'add', '10.9.0.0/16', 'dev', 'va', 'src', '10.10.0.1');
		await server.says('a path has another address');
		const port = /from (\d+)/.exec(client.stderr)?.[1];
		t.regex(server.stderr, new RegExp(`10\\.10\\.0\\.1 port ${port}`));
		const before = answers();
		await waitFor(() => answers() > before + 50, 'answers at the new address');
		const numbers = application.output.trim().split('\n').map(Number);
		const lost = Math.max(...numbers) - Math.min(...numbers) + 1 - numbers.length;
		t.true(lost <= 60, `${lost} lost`);
	},
);
