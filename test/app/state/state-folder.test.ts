import {
	chmodSync,
	chownSync,
	copyFileSync,
	existsSync,
	linkSync,
	mkdirSync,
	mkdtempSync,
	readdirSync,
	readFileSync,
	renameSync,
	rmSync,
	statSync,
	symlinkSync,
	utimesSync,
	writeFileSync,
} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import fc from 'fast-check';
import {
	clientIdentity,
	inspectStateFolder,
	listStateFolders,
	openStateFolder,
	type StateFolder,
	type StateFolderInit,
	serverIdentity,
} from '../../../src/app/state/state-folder.ts';
import {Child} from '../../support/e2e/process.ts';
import {attempt} from '../../support/machine/commands.ts';
import {waitFor} from '../../support/machine/wait-for.ts';

const linux = process.platform === 'linux' ? test : test.skip;

function temporary(t: ExecutionContext): string {
	const folder = mkdtempSync(join(tmpdir(), 'mptunnel-'));
	t.teardown(() => rmSync(folder, {recursive: true, force: true}));
	return folder;
}

function open(t: ExecutionContext, init: Partial<StateFolderInit>): StateFolder {
	const state = openStateFolder({
		kind: 'client',
		folder: undefined,
		identity: '/etc/mpclient.conf',
		env: {},
		...init,
	});
	t.teardown(() => state.release());
	return state;
}

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

test('a second live instance has an id of its own and says so', (t) => {
	const folder = temporary(t);
	const first = open(t, {folder});
	first.localPorts.set('1', 5);
	first.localPorts.save();
	const second = open(t, {folder});
	t.is(second.folder, undefined);
	t.is(second.socketPath, undefined);
	t.notDeepEqual(second.clientId, first.clientId);
	t.is(second.localPorts.get('1'), undefined);
	t.deepEqual(second.warnings, [
		`state folder "${folder}" is in use by process ${process.pid}; this one is on its own`,
	]);
	second.localPorts.set('1', 6);
	t.is(second.localPorts.save(), undefined);
	second.release();
	t.is(inspectStateFolder(folder).pid, process.pid, 'the first one still holds it');
	first.release();
	t.is(inspectStateFolder(folder).pid, undefined);
	t.is(open(t, {folder}).localPorts.get('1'), 5);
});

test('another live process holds its lock, a killed one does not', async (t) => {
	const folder = temporary(t);
	const module = new URL('../../../src/app/state/state-folder.js', import.meta.url).href;
	const script = `import {openStateFolder} from ${JSON.stringify(module)};
		const init = {kind: 'client', folder: ${JSON.stringify(folder)}, identity: 'x', env: {}};
		console.log(Buffer.from(openStateFolder(init).clientId).toString('hex'));
		setInterval(() => {}, 1000);`;
	const child = new Child(process.execPath, ['--input-type=module', '-e', script]);
	t.teardown(() => child.kill());
	await child.says('\n');
	t.is(inspectStateFolder(folder).pid, child.pid);
	t.is(open(t, {folder}).folder, undefined);
	await child.kill();
	const heir = open(t, {folder});
	t.deepEqual(heir.warnings, []);
	t.is(`${Buffer.from(heir.clientId).toString('hex')}\n`, child.output);
});

const stale = test.macro<[(pid: number) => string]>({
	exec(t, lock: (pid: number) => string) {
		const folder = temporary(t);
		writeFileSync(join(folder, 'lock'), lock(process.pid));
		t.is(inspectStateFolder(folder).pid, undefined);
		const state = open(t, {folder});
		t.deepEqual(state.warnings, []);
		t.is(inspectStateFolder(folder).pid, process.pid);
		t.deepEqual(readdirSync(folder).toSorted(), ['lock', 'state.json']);
	},
	title: (name) => `does not count ${name}`,
});

const dead = attempt(process.execPath, ['-e', '0']).pid;
test('the lock of a dead process', stale, () => `${dead} - - x\n`);
test('an empty lock', stale, () => '');
test('a lock of garbage', stale, () => 'hello\0 world -1');
test('a lock of pid 0, which kill would take for the whole group', stale, () => '0 - - x\n');
linux(
	'a lock whose pid has been given to a process started later',
	stale,
	(pid) => `${pid} 1 - x\n`,
);
linux('a lock from before the machine was restarted', stale, (pid) => `${pid} - other-boot x\n`);

linux('does not count the lock of a zombie', async (t) => {
	const folder = temporary(t);
	// A shell that has become another program leaves its child to a parent that never waits for it.
	const parent = new Child('sh', ['-c', 'sleep 60 & echo $!; exec sleep 60']);
	t.teardown(() => parent.kill());
	await parent.says('\n');
	const pid = parent.output.trim();
	writeFileSync(join(folder, 'lock'), `${pid} - - x\n`);
	const read = (of: string, name: string) => readFileSync(`/proc/${of}/${name}`, 'utf8');
	await waitFor(() => read(`${parent.pid}`, 'comm') === 'sleep\n', 'the end of the shell');
	process.kill(Number(pid), 'SIGKILL');
	await waitFor(() => /\) Z /.test(read(pid, 'stat')), 'a zombie');
	t.is(inspectStateFolder(folder).pid, undefined);
	t.is(open(t, {folder}).folder, folder);
});

test('a guard left by a killed process does not keep a dead lock for ever', (t) => {
	const folder = temporary(t);
	const guard = join(folder, 'lock.guard');
	writeFileSync(join(folder, 'lock'), `${dead} - - x\n`);
	writeFileSync(guard, '');
	utimesSync(guard, 1000, 1000);
	t.is(open(t, {folder}).folder, folder);
	t.false(existsSync(guard));
});

test('of many that find the same dead lock at once, one gets it', async (t) => {
	const folder = temporary(t);
	writeFileSync(join(folder, 'lock'), `${dead} - - x\n`);
	const module = new URL('../../../src/app/state/state-folder.js', import.meta.url).href;
	const script = `import {openStateFolder} from ${JSON.stringify(module)};
		const init = {kind: 'client', folder: ${JSON.stringify(folder)}, identity: 'x', env: {}};
		console.log('ready');
		await new Promise((resolve) => process.stdin.once('data', resolve));
		console.log(openStateFolder(init).folder === undefined ? 'none' : 'held');
		setInterval(() => {}, 1000);`;
	const children = Array.from(
		{length: 4},
		() => new Child(process.execPath, ['--input-type=module', '-e', script], true),
	);
	t.teardown(() => Promise.all(children.map((child) => child.kill())));
	for (const child of children) await child.says('ready\n');
	// Read at once, all four look at the lock at the same moment.
	for (const child of children) child.type('go');
	for (const child of children) await child.says(/^(held|none)$/m);
	const said = children.map(({output}) => output.replace('ready\n', ''));
	t.deepEqual(said.toSorted(), ['held\n', 'none\n', 'none\n', 'none\n']);
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
