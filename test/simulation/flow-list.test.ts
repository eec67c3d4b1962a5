/*
 * The list of the flows and streams that carried most.
 */
import test from 'ava';
import {targetText} from '../../src/app/observe/target-text.ts';
import type {FlowStatus} from '../../src/core/events.ts';
import {parseBuiltIn} from '../../src/policy/built-in.ts';
import {links} from '../support/lanes/lane-world.ts';
import {always} from '../support/world/always.ts';
import {StreamWorld, serve} from '../support/world/stream-world.ts';

function world(): StreamWorld {
	const client = {policies: always(parseBuiltIn('best')!)};
	const options = {seed: 1, lanes: true, echo: true, links: links(2, {delay: 10}), client};
	const made = new StreamWorld(
		options,
		serve(() => 5000),
	);
	made.start();
	made.run(1000);
	return made;
}

function shown({target, ...flow}: FlowStatus) {
	return {...flow, target: target && targetText(target)};
}

test('both ends list flows and streams with their bytes, the heaviest first', (t) => {
	const made = world();
	made.open(443, 20_000, false);
	for (let count = 0; count < 10; count++) made.send(1, 100);
	for (let count = 0; count < 4; count++) made.sendTo(count % 2, 2, 500);
	made.run(made.now + 3000);
	const client = made.client!.flowList(50, made.now).map(shown);
	t.like(client, [
		{kind: 'stream', targets: 1, policy: undefined, sent: 20_000, received: 5000},
		{kind: 'datagrams', targets: 2, policy: 'best', sent: 2000, received: 2000},
		{kind: 'datagrams', targets: 1, policy: 'best', sent: 1000, received: 1000},
	]);
	t.is(client[0]?.target, '198.18.0.1:443');
	t.is(client[2]?.target, 'the fixed target');
	for (const {age} of client) t.is(age, 3000);
	const server = made.server!.flowList(50, made.now).map(shown);
	t.like(server, [
		{kind: 'stream', user: 'user', sent: 5000, received: 20_000},
		{kind: 'datagrams', user: 'user', targets: 2, policy: 'best', sent: 2000, received: 2000},
		{kind: 'datagrams', user: 'user', targets: 1, policy: 'best', sent: 1000, received: 1000},
	]);
	t.is(server[1]?.target, client[1]?.target);
	t.is(server[2]?.target, undefined);
});

test('the list is as long as it may be', (t) => {
	const made = world();
	for (let application = 0; application < 60; application++)
		made.send(application, 50 + application);
	made.run(made.now + 1000);
	for (const end of [made.client!, made.server!]) {
		const list = end.flowList(50, made.now);
		t.is(list.length, 50);
		t.is(list[0]?.sent, 109);
		t.is(list[49]?.sent, 60);
		t.deepEqual(end.flowList(0, made.now), []);
	}
});
