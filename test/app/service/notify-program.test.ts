import {join} from 'node:path';
import process from 'node:process';
import test from 'ava';
import {needing} from '../../support/e2e/needs.ts';
import {Child} from '../../support/e2e/process.ts';
import {Program} from '../../support/e2e/program.ts';
import {temporaryFolder} from '../../support/machine/options.ts';
import {waitFor} from '../../support/machine/wait-for.ts';
import {UdpPeer} from '../../support/sockets/udp-peer.ts';

/** Prints each datagram that a socket of UNIX receives, on one line. */
const RECEIVER = `
import socket, sys
place = sys.argv[1]
receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
receiver.bind('\\0' + place[1:] if place[0] == '@' else place)
print('bound', flush=True)
while True:
    print('<' + receiver.recv(4096).decode().replace('\\n', '|') + '>', flush=True)
`;

for (const kind of ['of the file system', 'with an abstract name']) {
	needing({programs: ['python3']}).serial(
		`a manager at a socket ${kind} learns how it is`,
		async (t) => {
			const folder = temporaryFolder(t);
			const isFile = kind === 'of the file system';
			const place = isFile ? join(folder, 'notify') : `@mptunnel-test-${process.pid}`;
			const receiver = new Child('python3', ['-c', RECEIVER, place]);
			t.teardown(() => receiver.kill());
			await receiver.says('bound');
			const peer = await UdpPeer.open();
			const {port} = peer;
			await peer.close();
			const words = [`${port}`, '127.0.0.1', '9', '--bind', '127.0.0.1', '--state', folder];
			const server = new Program('mpserver', words, {
				NOTIFY_SOCKET: place,
				WATCHDOG_USEC: '200000',
			});
			t.teardown(() => server.kill('SIGKILL'));
			// systemd-notify names the process, too.
			await receiver.says(/<(MAINPID=\d+\|)?READY=1\|STATUS=0 clients>/);
			const beats = () => receiver.output.split('WATCHDOG=1>').length - 1;
			await waitFor(() => beats() > 1, 'two signs of life');
			t.false(receiver.output.includes('STOPPING'));
			server.kill('SIGTERM');
			t.is(await server.end(), 0);
			await receiver.says('STOPPING=1>');
		},
	);
}

test.serial('a manager that is not there stops nothing', async (t) => {
	const folder = temporaryFolder(t);
	const peer = await UdpPeer.open();
	const {port} = peer;
	await peer.close();
	const words = [`${port}`, '127.0.0.1', '9', '--bind', '127.0.0.1', '--state', folder];
	const server = new Program('mpserver', words, {NOTIFY_SOCKET: join(folder, 'none')});
	t.teardown(() => server.kill('SIGKILL'));
	await server.says('mpserver runs');
	server.kill('SIGTERM');
	t.is(await server.end(), 0);
});
