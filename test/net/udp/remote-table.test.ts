import test from 'ava';
import {plainRemote, RemoteTable} from '../../../src/net/udp/remote-table.ts';

test('gives the same object for the same address on the same socket', (t) => {
	const table = new RemoteTable(plainRemote);
	const remote = table.intern(1, '192.0.2.1', 53);
	t.is(table.intern(1, '192.0.2.1', 53), remote);
	t.not(table.intern(2, '192.0.2.1', 53).key, remote.key);
	t.not(table.intern(1, '192.0.2.1', 54).key, remote.key);
	t.not(table.intern(1, '2001:db8::1', 53).key, remote.key);
});

test('forgets when it is full, and gives an equal key again', (t) => {
	const table = new RemoteTable(plainRemote, 4);
	const first = table.intern(0, '192.0.2.1', 1);
	for (let port = 2; port <= 10; port++) table.intern(0, '192.0.2.1', port);
	t.true(table.size <= 4);
	t.is(table.intern(0, '192.0.2.1', 1).key, first.key);
});
