import {connect} from 'node:net';
import {join} from 'node:path';
import test from 'ava';
import type {Reloaded} from '../../../src/app/page/steering.ts';
import {ControlServer, controlPathOf, giveOrder} from '../../../src/app/reload/control-server.ts';
import {temporaryFolder} from '../../support/machine/options.ts';
import {waitFor} from '../../support/machine/wait-for.ts';

const DONE: Reloaded = {outcome: 'partly', changes: ['hold changed'], problems: ['careful']};

test('orders are followed one by one, and what is none says so', async (t) => {
	const path = controlPathOf(join(temporaryFolder(t), 'status.sock'));
	const steered: string[] = [];
	const server = await ControlServer.open(path, {
		steer: (use, name) => {
			steered.push(`${use} ${name}`);
			return name === 'nope' ? 'no such path' : undefined;
		},
		reload: async () => DONE,
	});
	t.deepEqual(await giveOrder(path, {action: 'reload'}), DONE);
	t.is((await giveOrder(path, {action: 'hold', path: 'lte'})).outcome, 'applied');
	const refused = await giveOrder(path, {action: 'use', path: 'nope'});
	t.deepEqual(refused, {outcome: 'failed', changes: [], problems: ['no such path']});
	t.deepEqual(steered, ['hold lte', 'use nope']);
	const nonsense = connect(path);
	let answer = '';
	nonsense.on('data', (bytes) => {
		answer += bytes.toString();
	});
	nonsense.write('{"action": "drop"}\n');
	await waitFor(() => answer.includes('cannot be read'), 'an answer');
	// A line without end is cut off.
	const endless = connect(path);
	let closed = false;
	endless.on('error', () => {});
	endless.on('close', () => {
		closed = true;
	});
	endless.write('x'.repeat(10_000));
	await waitFor(() => closed, 'the end of the connection');
	await server.close();
	await t.throwsAsync(giveOrder(path, {action: 'reload'}));
});
