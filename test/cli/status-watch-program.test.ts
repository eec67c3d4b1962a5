import {join} from 'node:path';
import test from 'ava';
import {Program} from '../support/e2e/program.ts';
import {temporaryFolder} from '../support/machine/options.ts';
import {waitFor} from '../support/machine/wait-for.ts';
import {UdpPeer} from '../support/sockets/udp-peer.ts';

test.serial(
	'a watch of a server shows tables until the server ends, or the user ends it',
	async (t) => {
		const folder = temporaryFolder(t);
		const state = join(folder, 'state');
		const peer = await UdpPeer.open();
		const {port} = peer;
		await peer.close();
		const programs: Program[] = [];
		t.teardown(() => {
			for (const program of programs) program.kill('SIGKILL');
		});
		const start = (...words: ConstructorParameters<typeof Program>) => {
			const program = new Program(...words);
			programs.push(program);
			return program;
		};
		const env = {XDG_STATE_HOME: folder, FORCE_COLOR: '1'};
		const words = [`${port}`, '127.0.0.1', '9', '--bind', '127.0.0.1', '--state', state];
		const server = start('mpserver', words, env);
		await server.says('mpserver runs');
		const argv = ['status', '--watch', '--interval', '100ms', '--state', state];
		const [watch, other] = [start('mptunnel', argv, env), start('mptunnel', argv, env)];
		const tables = (program: Program) =>
			program.stdout.split(/^mpserver .*, clients 0\n\n/m).length - 1;
		await waitFor(() => tables(watch) > 1 && tables(other) > 1, 'two tables of each');
		other.kill('SIGINT');
		t.is(await other.end(), 0);
		t.false(other.stdout.includes('\u001b'));
		server.kill('SIGTERM');
		t.is(await watch.end(), 0);
		t.true(watch.stdout.endsWith(`mpserver (pid ${server.pid}) has ended\n`), watch.stdout);
		t.is(watch.stderr + other.stderr, '');
		const late = start('mptunnel', argv, env);
		t.is(await late.end(), 1);
		t.regex(late.stderr, /^mptunnel: nothing is running with the state folder ".*"\n$/);
		const wrong = start('mptunnel', ['status', '--watch', '--interval', '1'], env);
		t.is(await wrong.end(), 2);
		t.regex(wrong.stderr, /^mptunnel: .*Expected a duration of 100ms to 24h such as 10s\.\n$/);
		const both = start('mptunnel', ['status', '--watch', '--json'], env);
		t.is(await both.end(), 2);
		t.is(both.stderr, 'mptunnel: --watch and --json exclude each other\n');
	},
);
