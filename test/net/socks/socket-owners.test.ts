import {once} from 'node:events';
import {mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {connect, createServer, type Socket} from 'node:net';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import process from 'node:process';
import test from 'ava';
import {ProcSocketOwners} from '../../../src/net/socks/socket-owners.ts';
import {needing} from '../../support/e2e/needs.ts';
import {within} from '../../support/machine/wait-for.ts';
import {UdpPeer} from '../../support/sockets/udp-peer.ts';

const REST = '00:00000000 00000000';

test('users are those of the very socket, of a wildcard, and of none that is one of several', (t) => {
	const folder = mkdtempSync(join(tmpdir(), 'mptunnel-'));
	t.teardown(() => rmSync(folder, {recursive: true}));
	const write = (name: string, lines: readonly string[]) =>
		writeFileSync(join(folder, name), `  sl  local_address\n${lines.join('\n')}\n`);
	const mapped = '0000000000000000FFFF0000';
	write('udp', [
		`  10: 0100007F:1000 00000000:0000 07 00000000:00000000 ${REST}  1000        0 1 2 0 0`,
		`  11: 00000000:1001 00000000:0000 07 00000000:00000000 ${REST}  1001        0 1 2 0 0`,
		`  12: 0200007F:1002 00000000:0000 07 00000000:00000000 ${REST}  1002        0 1 2 0 0`,
		`  13: 0100007F:1003 00000000:0000 07 00000000:00000000 ${REST}  1000        0 1 2 0 0`,
	]);
	write('udp6', [
		`   1: ${'0'.repeat(32)}:1003 ${'0'.repeat(32)}:0000 07 00000000:00000000 ${REST}  1009        0 1 2 0 0`,
		`   2: ${mapped}0100007F:1004 ${'0'.repeat(32)}:0000 07 00000000:00000000 ${REST}  1004        0 1 2 0 0`,
		`   3: ${'0'.repeat(32)}:1005 ${'0'.repeat(32)}:0000 07 00000000:00000000 ${REST}  1005        0 1 2 0 0`,
	]);
	write('tcp', [
		`   0: 0100007F:1000 0100007F:0438 01 00000000:00000000 ${REST}  1000        0 1 2 0 0`,
		`   1: 0100007F:1000 0100007F:0439 01 00000000:00000000 ${REST}  1001        0 1 2 0 0`,
	]);
	let now = 0;
	const owners = new ProcSocketOwners(folder, () => now);
	const udp = (port: number, address = '127.0.0.1') => owners.ofUdp({address, port});
	t.deepEqual(
		[0x1000, 0x1001, 0x1002, 0x1003, 0x1004, 0x1005, 0x1006].map((port) => udp(port)),
		[1000, 1001, undefined, undefined, 1004, 1005, undefined],
	);
	t.is(udp(0x1002, '127.0.0.2'), 1002);
	t.is(udp(0x1005, '::1'), 1005);
	const near = {address: '127.0.0.1', port: 0x1000};
	t.is(owners.ofTcp(near, {address: '127.0.0.1', port: 0x0438}), 1000);
	t.is(owners.ofTcp(near, {address: '127.0.0.1', port: 0x0439}), 1001);
	t.is(owners.ofTcp(near, {address: '127.0.0.1', port: 0x0440}), undefined);
	write('udp', []);
	t.is(udp(0x1000), 1000, 'for a moment the table holds');
	now += 100;
	t.is(udp(0x1000), undefined);
	t.is(new ProcSocketOwners(join(folder, 'none')).ofUdp(near), undefined);
});

needing({procNet: true})('the sockets of this process are its own', async (t) => {
	const server = createServer().listen(0, '127.0.0.1');
	await once(server, 'listening');
	const {port} = server.address() as {port: number};
	const near = connect(port, '127.0.0.1');
	const [far] = (await within(once(server, 'connection'), 'a connection')) as [Socket];
	const peer = await UdpPeer.open();
	const owners = new ProcSocketOwners();
	const local = {address: near.localAddress ?? '', port: near.localPort ?? 0};
	const user = process.getuid?.();
	t.is(owners.ofTcp(local, {address: '127.0.0.1', port}), user);
	t.is(owners.ofUdp({address: '127.0.0.1', port: peer.port}), user);
	for (const socket of [near, far]) socket.destroy();
	server.close();
	await peer.close();
});
