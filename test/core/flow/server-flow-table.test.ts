import test from 'ava';
import {ServerFlowTable} from '../../../src/core/flow/server-flow-table.ts';
import {userWith} from '../session/core-fixtures.ts';

test('handles are never used again and found while the flow lives', (t) => {
	const table = new ServerFlowTable(300);
	const owner = {user: userWith(), flows: new Map()};
	const first = table.open(owner, 'a', {}, 0);
	t.is(table.get(first.handle), first);
	table.remove(first);
	t.is(table.get(first.handle), undefined);
	t.is(table.size, 0);
	t.is(owner.flows.size, 0);
	t.is(owner.user.flows, 0);
	table.remove(first);
	t.is(owner.user.flows, 0, 'removed twice counts once');
	t.not(table.open(owner, 'a', {}, 0).handle, first.handle);
});

test('the owner finds the flow by its key', (t) => {
	const table = new ServerFlowTable(300);
	const owner = {user: userWith(), flows: new Map()};
	const flow = table.open(owner, 'classic|app', {}, 0);
	t.is(owner.flows.get('classic|app'), flow);
});

test('flows are idle when nothing passed for longer than the time', (t) => {
	const table = new ServerFlowTable(300);
	const owner = {user: userWith(), flows: new Map()};
	const old = table.open(owner, 'a', {}, 0);
	table.open(owner, 'b', {}, 100);
	t.deepEqual(table.expired(300), []);
	t.deepEqual(table.expired(301), [old]);
});
