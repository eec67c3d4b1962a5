import test from 'ava';
import {PathSet} from '../../../src/core/path/path-set.ts';
import {readableContext, remoteOf, settingsOf} from '../session/core-fixtures.ts';

function emptySet() {
	const context = readableContext('path set');
	const paths = new PathSet(context, 7);
	const open: number[] = [];
	paths.observe(
		{
			pathsChanged(all) {
				open.length = 0;
				for (const path of all) if (path.open && path.state !== 'down') open.push(path.id);
			},
		},
		0,
	);
	return {context, paths, open};
}

/** A set of paths that have one proven address each and are up. */
function workingSet(count: number) {
	const {context, paths, open} = emptySet();
	for (let id = 0; id < count; id++) {
		const path = paths.configure(settingsOf(id), 0);
		paths.learn(path, remoteOf(id), 0)!.validated = true;
		path.judge.state = 'up';
	}
	paths.changed(0);
	while (context.pollEvent() !== undefined);
	return {context, paths, open};
}

test('makes a path once and changes its settings later', (t) => {
	const {paths} = emptySet();
	const path = paths.ensure(3, 0)!;
	t.is(path.settings.name, 'path 4');
	t.is(paths.configure(settingsOf(3, {name: 'lte', metered: true}), 0), path);
	t.is(path.settings.name, 'lte');
	t.is(paths.get(3), path);
	t.is(paths.all.length, 1);
});

test('learns an address and finds the path by it', (t) => {
	const {paths, open} = emptySet();
	const path = paths.ensure(0, 0)!;
	t.false(path.open);
	const address = paths.learn(path, remoteOf(1), 0)!;
	t.false(address.validated);
	t.is(paths.locate(remoteOf(1))?.address, address);
	t.is(paths.learn(path, remoteOf(1), 5), address);
	t.deepEqual(open, [path.id]);
});

test('every address has a challenge of its own', (t) => {
	const {paths} = emptySet();
	const a = paths.learn(paths.ensure(0, 0)!, remoteOf(1), 0)!;
	const b = paths.learn(paths.ensure(0, 0)!, remoteOf(2), 0)!;
	t.notDeepEqual(a.challenge, b.challenge);
});

test('a proven address of a path that is alive is not taken over', (t) => {
	const {paths} = workingSet(2);
	t.is(paths.learn(paths.get(0)!, remoteOf(1), 1999), undefined);
	t.is(paths.locate(remoteOf(1))?.path.id, 1);
});

test('a silent path loses its address to the one that speaks there now', (t) => {
	const {paths, open} = workingSet(2);
	t.not(paths.learn(paths.get(0)!, remoteOf(1), 2000), undefined);
	t.is(paths.locate(remoteOf(1))?.path.id, 0);
	t.false(paths.get(1)!.open);
	t.deepEqual(open, [0]);
});

test('an unproven address is taken over at once', (t) => {
	const {paths} = emptySet();
	paths.learn(paths.ensure(0, 0)!, remoteOf(1), 0);
	t.not(paths.learn(paths.ensure(1, 0)!, remoteOf(1), 1), undefined);
	t.is(paths.locate(remoteOf(1))?.path.id, 1);
});

test('tells of a second address of a path, not of the first', (t) => {
	const {context, paths} = emptySet();
	paths.learn(paths.ensure(0, 0)!, remoteOf(1), 0);
	t.is(context.pollEvent(), undefined);
	paths.learn(paths.ensure(0, 0)!, remoteOf(2), 0);
	const event = context.pollEvent();
	t.like(event, {type: 'path-address', session: 7, path: 0, address: '192.0.2.1 port 2'});
});

test('an address pushed out by a fifth is forgotten everywhere', (t) => {
	const {paths} = emptySet();
	for (let port = 1; port <= 5; port++) paths.learn(paths.ensure(0, 0)!, remoteOf(port), port);
	t.is(paths.locate(remoteOf(1)), undefined);
	t.is(paths.get(0)!.addresses.list.length, 4);
});

test('forgets all addresses on a socket that was closed', (t) => {
	const {paths} = emptySet();
	paths.learn(paths.ensure(0, 0)!, remoteOf(1, 4), 0);
	paths.learn(paths.ensure(0, 0)!, remoteOf(1, 5), 0);
	paths.learn(paths.ensure(1, 0)!, remoteOf(2, 4), 0);
	paths.socketClosed(4, 0);
	t.true(paths.get(0)!.open);
	t.false(paths.get(1)!.open);
	t.is(paths.locate(remoteOf(1, 4)), undefined);
	t.not(paths.locate(remoteOf(1, 5)), undefined);
});

test('forgets an old address everywhere when a newer one has replaced it', (t) => {
	const {paths} = workingSet(1);
	const fresh = paths.learn(paths.get(0)!, remoteOf(9), 100)!;
	fresh.validated = true;
	fresh.lastReceived = 2500;
	paths.expireAddresses(2500);
	t.is(paths.locate(remoteOf(0)), undefined);
	t.is(paths.locate(remoteOf(9))?.address, fresh);
});

test('tells of a change of state once, with its reason', (t) => {
	const {context, paths, open} = workingSet(1);
	const path = paths.get(0)!;
	t.false(paths.stateChanged(path, 'up', 5, 'nothing'));
	path.judge.state = 'down';
	t.true(paths.stateChanged(path, 'up', 5, 'silence'));
	t.is(path.downSince, 5);
	t.like(context.pollEvent(), {type: 'path-state', from: 'up', to: 'down', reason: 'silence'});
	t.is(context.pollEvent(), undefined);
	t.deepEqual(open, []);
});

test('what was located a moment ago is not remembered over a change of the addresses', (t) => {
	const {paths} = emptySet();
	const [first, second] = [paths.ensure(0, 0)!, paths.ensure(1, 0)!];
	const remote = remoteOf(1);
	t.is(paths.locate(remote), undefined);
	paths.learn(first, remote, 0);
	t.is(paths.locate(remote)?.path, first);
	paths.learn(second, remote, 2000);
	t.is(paths.locate(remote)?.path, second);
	paths.socketClosed(remote.socket, 2000);
	t.is(paths.locate(remote), undefined);
	paths.learn(first, remote, 3000);
	t.is(paths.locate(remote)?.path, first);
});
