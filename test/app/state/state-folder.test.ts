import {
	chmodSync,
	chownSync,
	copyFileSync,
	existsSync,
	linkSync,
	mkdirSync,
	readdirSync,
	readFileSync,
	renameSync,
	rmSync,
	statSync,
	symlinkSync,
	writeFileSync,
} from 'node:fs';

import {join} from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import {
	clientIdentity,
	inspectStateFolder,
	listStateFolders,
	openStateFolder,
	serverIdentity,
} from '../../../src/app/state/state-folder.ts';

import {attempt} from '../../support/machine/commands.ts';

import {linux, open, temporary} from './opened-state.ts';

function modeOf(path: string): number {
	return statSync(path).mode & 0o777;
}

test('makes the folder for its owner alone, and keeps id and ports over a restart', (t) => {
	const folder = join(temporary(t), 'a', 'b');
	const first = open(t, {folder});
	t.deepEqual(first.warnings, []);
	t.is(first.folder, folder);
	t.is(first.clientId.length, 16);
	t.is(first.localPorts.get('lte'), undefined);
	first.localPorts.set('lte', 40_001);
	first.localPorts.set('__proto__', 40_002);
	t.is(first.localPorts.save(), undefined);
	t.is(modeOf(folder), 0o700);
	t.is(modeOf(join(folder, 'state.json')), 0o600);
	first.release();
	first.release();
	t.deepEqual(readdirSync(folder), ['state.json']);

	const second = open(t, {folder});
	t.deepEqual(second.clientId, first.clientId);
	t.is(second.localPorts.get('lte'), 40_001);
	t.is(second.localPorts.get('__proto__'), 40_002);
});

for (const [name, reason] of [
	['state.json', /state in .* is no regular file; this run's is kept in memory/],
	['lock', /cannot be used: its lock is no regular file/],
] as const) {
	linux(`a pipe in the place of ${name} is refused, and nobody waits for it`, (t) => {
		const folder = temporary(t);
		t.is(attempt('sh', ['-c', 'mkfifo "$1"', 'sh', join(folder, name)]).status, 0);
		const module = new URL('../../../src/app/state/state-folder.js', import.meta.url).href;
		const script = `import {openStateFolder} from ${JSON.stringify(module)};
			const init = {kind: 'client', folder: ${JSON.stringify(folder)}, identity: 'x', env: {}};
			console.log(openStateFolder(init).warnings.join());`;
		const {status, stdout} = attempt(process.execPath, ['--input-type=module', '-e', script]);
		t.is(status, 0);
		t.regex(stdout, reason);
		t.is(inspectStateFolder(folder).pid, undefined);
	});

	linux(`a link in the place of ${name} is not followed`, (t) => {
		const folder = temporary(t);
		const elsewhere = join(temporary(t), 'elsewhere');
		writeFileSync(elsewhere, 'of somebody else');
		symlinkSync(elsewhere, join(folder, name));
		const state = open(t, {folder});
		t.is(state.folder, undefined);
		t.regex(state.warnings.join(), /is a link/);
		t.is(readFileSync(elsewhere, 'utf8'), 'of somebody else');
	});
}

linux('a folder that others can write is not used, one like /tmp is', (t) => {
	for (const [mode, used] of [
		[0o777, false],
		[0o770, false],
		[0o702, false],
		[0o1777, true],
		[0o755, true],
	] as const) {
		const folder = temporary(t);
		chmodSync(folder, mode);
		const {warnings, folder: taken} = open(t, {folder});
		t.is(taken !== undefined, used, mode.toString(8));
		if (!used) t.regex(warnings.join(), /can be written by others \(chmod go-w mends that\)/);
	}
});

linux("another user's folder is not used, nor are its files", (t) => {
	if (process.getuid?.() !== 0) {
		t.pass('only root can give files away');
		return;
	}
	const folder = temporary(t);
	chownSync(folder, 65_534, 65_534);
	t.regex(open(t, {folder}).warnings.join(), /belongs to another user: it is not used/);
});

test('the id is there before anything else is saved, so that a kill -9 keeps it', (t) => {
	const folder = temporary(t);
	const {clientId} = open(t, {folder});
	const text = readFileSync(join(folder, 'state.json'), 'utf8');
	t.true(text.includes(Buffer.from(clientId).toString('hex')));
});

test('another id is kept at once, beside the ports; what a folder that is not kept loses is no fault', (t) => {
	const folder = temporary(t);
	const first = open(t, {folder});
	first.localPorts.set('1', 5);
	const id = new Uint8Array(16).fill(0xab);
	t.is(first.rename(id), undefined);
	const text = readFileSync(join(folder, 'state.json'), 'utf8');
	t.true(text.includes('ab'.repeat(16)));
	t.false(text.includes(Buffer.from(first.clientId).toString('hex')));
	// While the lock is held, another process has an id of its own, which is nobody's.
	const other = open(t, {folder});
	t.is(other.rename(new Uint8Array(16)), undefined);
	t.is(readFileSync(join(folder, 'state.json'), 'utf8'), text);
	first.release();
	const next = open(t, {folder});
	t.deepEqual(next.clientId, id);
	t.is(next.localPorts.get('1'), 5);
});

test('release saves what was set', (t) => {
	const folder = temporary(t);
	const first = open(t, {folder});
	first.localPorts.set('1', 5);
	first.release();
	t.is(open(t, {folder}).localPorts.get('1'), 5);
});

test('one folder per configuration, client and server apart', (t) => {
	const env = {XDG_STATE_HOME: temporary(t)};
	const names = new Set<string | undefined>();
	for (const init of [
		{identity: clientIdentity('/a/mpclient.conf')},
		{identity: clientIdentity('/b/mpclient.conf')},
		{kind: 'server', identity: clientIdentity('/a/mpclient.conf')},
		{kind: 'server', identity: serverIdentity(2000, [])},
		{kind: 'server', identity: serverIdentity(2001, [])},
		{kind: 'server', identity: serverIdentity(2000, ['127.0.0.2', '127.0.0.3'])},
	] as const) {
		const state = open(t, {env, ...init});
		t.deepEqual(state.warnings, []);
		t.regex(state.folder ?? '', /\/mptunnel\/(client|server)-[0-9a-f]{8}$/);
		names.add(state.folder);
	}
	t.is(names.size, 6);
	t.is(serverIdentity(1, ['b', 'a']), serverIdentity(1, ['a', 'b']));
});

test('a renamed configuration file keeps its client id and local ports', (t) => {
	const base = temporary(t);
	const env = {XDG_STATE_HOME: base};
	const [a, b, copy] = ['a.conf', 'b.conf', 'copy.conf'].map((name) => join(base, name));
	writeFileSync(a!, '127.0.0.1 9\n');
	const first = open(t, {env, identity: a!});
	first.localPorts.set('1', 40_001);
	first.release();
	copyFileSync(a!, copy!);
	const other = open(t, {env, identity: copy!});
	t.notDeepEqual(other.clientId, first.clientId, 'a copy is another client');
	other.release();
	linkSync(a!, b!);
	const beside = open(t, {env, identity: b!});
	t.notDeepEqual(beside.clientId, first.clientId, 'as long as the first name is there');
	beside.release();
	rmSync(b!);
	rmSync(beside.folder!, {recursive: true});
	renameSync(a!, b!);
	const renamed = open(t, {env, identity: b!});
	t.deepEqual(renamed.clientId, first.clientId);
	t.is(renamed.localPorts.get('1'), 40_001);
	t.is(renamed.warnings.length, 1);
	t.regex(renamed.warnings[0]!, /the configuration file was ".*a\.conf"/);
	renamed.release();
	t.deepEqual(open(t, {env, identity: b!}).warnings, []);
	// The former name may be used again: that is a new client.
	writeFileSync(a!, '127.0.0.1 9\n');
	t.notDeepEqual(open(t, {env, identity: a!}).clientId, first.clientId);
});

test('the state of a renamed file is not taken from a client that runs', (t) => {
	const base = temporary(t);
	const env = {XDG_STATE_HOME: base};
	const [a, b] = [join(base, 'a.conf'), join(base, 'b.conf')];
	writeFileSync(a, '127.0.0.1 9\n');
	const running = open(t, {env, identity: a});
	renameSync(a, b);
	t.notDeepEqual(open(t, {env, identity: b}).clientId, running.clientId);
	t.true(existsSync(join(running.folder!, 'state.json')));
});

test('the default place follows XDG_STATE_HOME, else HOME; a relative one is ignored', (t) => {
	const home = temporary(t);
	const under = join(home, '.local', 'state', 'mptunnel');
	for (const env of [
		{HOME: home},
		{HOME: home, XDG_STATE_HOME: ''},
		{HOME: home, XDG_STATE_HOME: 'x'},
	]) {
		const state = open(t, {env});
		t.true(state.folder?.startsWith(under), state.folder);
		state.release();
	}
});

test('the folders are listed with what runs in them first', (t) => {
	const env = {XDG_STATE_HOME: temporary(t)};
	t.deepEqual(listStateFolders(env), []);
	const stopped = open(t, {env, identity: '/a'});
	const running = open(t, {env, identity: '2000', kind: 'server'});
	stopped.release();
	mkdirSync(join(env.XDG_STATE_HOME, 'mptunnel', 'else'));
	t.deepEqual(listStateFolders(env), [
		{
			folder: running.folder ?? '',
			kind: 'server',
			identity: '2000',
			pid: process.pid,
			socketPath: join(running.folder ?? '', 'status.sock'),
		},
		{
			folder: stopped.folder ?? '',
			kind: 'client',
			identity: '/a',
			pid: undefined,
			socketPath: join(stopped.folder ?? '', 'status.sock'),
		},
	]);
	t.like(inspectStateFolder('/none'), {folder: '/none', kind: undefined, pid: undefined});
});

test('a damaged state file is begun anew with a warning', (t) => {
	const good = {
		version: 1,
		kind: 'client',
		identity: 'x',
		clientId: '0'.repeat(32),
		localPorts: {},
	};
	for (const text of [
		'',
		'{',
		'null',
		'[]',
		'"x"',
		JSON.stringify({...good, version: 2}),
		JSON.stringify({...good, clientId: '0'}),
		JSON.stringify({...good, localPorts: null}),
		JSON.stringify({...good, kind: 'other'}),
	]) {
		const folder = temporary(t);
		const path = join(folder, 'state.json');
		writeFileSync(path, text);
		const state = open(t, {folder});
		t.deepEqual(state.warnings, [`"${path}" is damaged; it was begun anew`], text);
		state.release();
		t.deepEqual(open(t, {folder}).warnings, []);
	}
});

test('ports that are none are left out', (t) => {
	const folder = temporary(t);
	const localPorts = {a: 0, b: 65_536, c: 1.5, d: '5', e: null, f: 7};
	const state = {version: 1, kind: 'client', identity: 'x', clientId: 'ab'.repeat(16), localPorts};
	writeFileSync(join(folder, 'state.json'), JSON.stringify(state));
	const opened = open(t, {folder});
	t.deepEqual(
		[...'abcdef'].map((name) => opened.localPorts.get(name)),
		[...Array(5).fill(undefined), 7],
	);
	t.is(Buffer.from(opened.clientId).toString('hex'), 'ab'.repeat(16));
});

test('no bytes in the state file and the lock make it throw', (t) => {
	const folder = temporary(t);
	fc.assert(
		fc.property(fc.uint8Array(), fc.uint8Array(), (state, lock) => {
			writeFileSync(join(folder, 'state.json'), state);
			writeFileSync(join(folder, 'lock'), lock);
			const opened = openStateFolder({kind: 'client', folder, identity: '', env: {}});
			t.is(opened.clientId.length, 16);
			opened.release();
		}),
		{numRuns: 50},
	);
});

test('what cannot be read or made is a warning, and state is kept in memory', (t) => {
	const base = temporary(t);
	writeFileSync(join(base, 'file'), '');
	const inFile = open(t, {folder: join(base, 'file', 'x')});
	t.is(inFile.folder, undefined);
	t.is(inFile.clientId.length, 16);
	t.regex(
		inFile.warnings[0] ?? '',
		/^state folder ".*" cannot be used: a part of the path is no folder$/,
	);
	inFile.localPorts.set('a', 1);
	t.is(inFile.localPorts.get('a'), 1);
	t.is(inFile.localPorts.save(), undefined);

	const folder = join(base, 'unreadable');
	mkdirSync(join(folder, 'state.json'), {recursive: true});
	const unreadable = open(t, {folder});
	t.is(unreadable.folder, undefined);
	t.regex(unreadable.warnings[0] ?? '', /is a folder; this run's is kept in memory$/);
	t.deepEqual(readdirSync(folder), ['state.json'], 'no lock is left behind');
});

test('a folder that vanishes later makes save a warning, and release harmless', (t) => {
	const folder = join(temporary(t), 'x');
	const state = open(t, {folder});
	rmSync(folder, {recursive: true});
	state.localPorts.set('a', 1);
	t.regex(state.localPorts.save() ?? '', /state\.json" cannot be written: no such file or folder$/);
	t.notThrows(() => state.release());
	t.false(existsSync(folder));
});

linux('a path too long for a socket has none, with a warning', (t) => {
	const base = temporary(t);
	const fits = join(base, 'x'.repeat(107 - '/status.sock'.length - 1 - Buffer.byteLength(base)));
	t.is(open(t, {folder: fits}).socketPath?.length, 107);
	const long = open(t, {folder: `${fits}x`});
	t.is(long.socketPath, undefined);
	t.regex(long.warnings[0] ?? '', /is too long a path for a status socket: there is none$/);
});
