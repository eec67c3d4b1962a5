import {once} from 'node:events';
import {connect, createServer, type Socket} from 'node:net';
import test, {type ExecutionContext} from 'ava';
import {parseTable, TcpTable} from '../../../src/net/tcp/tcp-table.ts';
import {needing} from '../../support/e2e/needs.ts';
import {waitFor, within} from '../../support/machine/wait-for.ts';

const HEAD =
	'  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n';

test('only connections that wait for an answer are taken from the table, and how long they do', (t) => {
	const text = [
		// Listening; idle; with keep-alive; retransmitting; probing a closed window; closing.
		'   0: 00000000:07E8 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 50 1 00000000 100 0 0 10 0',
		'   1: 0100007F:0051 0100007F:B001 01 00000000:00000000 00:00000000 00000000     0        0 51 1 00000000 20 4 30 10 -1',
		'   2: 0100007F:0052 0100007F:B002 01 00000000:00000000 02:00000558 00000000     0        0 52 1 00000000 20 4 30 10 -1',
		'   3: 0100007F:0053 0100007F:B003 01 00000006:00000000 01:00000A58 0000000B     0        0 53 1 00000000 20 4 30 10 -1',
		'   4: 0100007F:0054 0100007F:B004 01 00000006:00000000 04:00000A58 00000000  1000       12 54 1 00000000 20 4 30 10 -1',
		'   5: 0100007F:0055 0100007F:B005 06 00000000:00000000 03:00000558 00000005     0        0 0 3 00000000',
	];
	t.deepEqual(parseTable(HEAD + text.join('\n')), [
		['0100007F:0053 0100007F:B003', 11],
		['0100007F:0054 0100007F:B004', 12],
	]);
	t.deepEqual(parseTable(''), []);
});

/** Both ends of a connection; the far one reads nothing. */
async function unread(t: ExecutionContext, listenOn: string, host: string): Promise<Socket[]> {
	const server = createServer({pauseOnConnect: true});
	server.listen(0, listenOn);
	await once(server, 'listening');
	const place = server.address();
	const port = place !== null && typeof place === 'object' ? place.port : 0;
	const accepted = once(server, 'connection') as Promise<[Socket]>;
	const near = connect({port, host});
	const [far] = await accepted;
	if (near.connecting) await once(near, 'connect');
	server.close();
	for (const socket of [near, far]) t.teardown(() => socket.destroy());
	return [near, far];
}

for (const [title, listenOn, host] of [
	['IPv4', '127.0.0.1', '127.0.0.1'],
	['IPv6', '::1', '::1'],
	['IPv4 on an IPv6 socket', '::', '127.0.0.1'],
] as const) {
	const needs = {procNet: true, ipv6: listenOn !== host || host === '::1'};
	needing(needs)(`a connection is found in the system's table: ${title}`, async (t) => {
		const [near, far] = await unread(t, listenOn, host);
		const table = new TcpTable();
		let now = 0;
		t.is(table.of(near!, now), undefined, 'nothing is known yet');
		await waitFor(() => table.of(near!, now) !== undefined);
		t.is(table.of(near!, now), -1, 'nothing is under way');
		t.is(table.of(far!, now), -1);
		// The far end writes much, so that both directions of the key are seen.
		for (const socket of [near!, far!]) {
			const other = socket === near ? far! : near!;
			other.pause();
			socket.write(new Uint8Array(32 * 2 ** 20));
			await waitFor(() => {
				now += 1000;
				return table.of(socket, now) === 0;
			}, 'bytes under way');
		}
	});
}

test('of a socket that is closed nothing is known', async (t) => {
	const [near] = await unread(t, '127.0.0.1', '127.0.0.1');
	const table = new TcpTable();
	near!.destroy();
	await within(once(near!, 'close'), 'the end of a connection');
	t.is(table.of(near!, 0), undefined);
});
