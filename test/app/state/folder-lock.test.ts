import {existsSync, readdirSync, readFileSync, utimesSync, writeFileSync} from 'node:fs';

import {join} from 'node:path';
import test from 'ava';
import {inspectStateFolder} from '../../../src/app/state/state-folder.ts';
import {Child} from '../../support/e2e/process.ts';
import {attempt} from '../../support/machine/commands.ts';
import {waitFor} from '../../support/machine/wait-for.ts';
import {linux, open, temporary} from './opened-state.ts';

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
