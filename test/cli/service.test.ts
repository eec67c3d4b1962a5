import {mkdirSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import process from 'node:process';
import test, {type ExecutionContext} from 'ava';
import {UNIT_MARK, unitText} from '../../src/app/service/unit.ts';
import {serviceCommand} from '../../src/cli/service-command.ts';
import {ConfigError} from '../../src/config/errors.ts';
import {example} from '../support/documents/document.ts';
import {needing} from '../support/e2e/needs.ts';
import {attempt} from '../support/machine/commands.ts';
import {temporaryFolder} from '../support/machine/options.ts';

const KEY = 'J8lxw9epJDJpQT72hUeEjw/hDcb1cAfzZdy42OGqNmU=\n';

function setUp(t: ExecutionContext, files: Readonly<Record<string, string>> = {}) {
	const cwd = temporaryFolder(t);
	const env = {XDG_CONFIG_HOME: join(cwd, 'config')};
	for (const [name, text] of Object.entries({'tunnel.key': KEY, ...files})) {
		writeFileSync(join(cwd, name), text, {mode: 0o600});
	}
	const service = (...argv: readonly string[]): string => {
		let output = '';
		const writeOut = (text: string) => {
			output += text;
		};
		const command = serviceCommand({env, cwd, writeOut, exitWith: () => {}});
		command.exitOverride().configureOutput({writeErr: () => {}});
		command.parse([...argv], {from: 'user'});
		return output;
	};
	return {cwd, env, service};
}

const SERVER = 'port: 2000\ntarget: 127.0.0.1 1194\nkeyFile: tunnel.key\n';

test('a unit of the machine hands over copies of the files, and its commands follow', (t) => {
	const {cwd, service} = setUp(t, {'mpserver.yaml': SERVER});
	const text = service('install', 'server', 'mpserver.yaml', '--dry-run');
	const lines = text.split('\n');
	t.deepEqual(lines.slice(0, 2), ['# /etc/systemd/system/mpserver.service', UNIT_MARK]);
	for (const line of [
		`ExecStart=${process.execPath} ${join(process.cwd(), 'build/src/cli/mpserver.js')} --config %d/mpserver.yaml --state %S/mpserver`,
		`LoadCredential=mpserver.yaml:${cwd}/mpserver.yaml`,
		`LoadCredential=tunnel.key:${cwd}/tunnel.key`,
		'Type=notify',
		'DynamicUser=yes',
		'CapabilityBoundingSet=',
		'WantedBy=multi-user.target',
	]) {
		t.true(lines.includes(line), `${line} in ${text}`);
	}
	t.false(text.includes('MemoryDenyWriteExecute'));
	t.deepEqual(lines.slice(-3), [
		'# systemctl daemon-reload',
		'# systemctl enable --now mpserver.service',
		'',
	]);
	t.is(
		service('remove', 'server', 'mpserver.yaml', '--dry-run', '--user'),
		'# systemctl --user disable --now mpserver.service\n',
	);
	t.is(
		service('status', 'server', 'x y.yaml', '--dry-run'),
		'# systemctl status --no-pager mpserver-x-y.service\n',
	);
});

test('a unit of a user reads the files where they are', (t) => {
	const {cwd, env, service} = setUp(t, {'home $1.conf': '192.0.2.1 4000\n'});
	const argv = ['install', 'client', 'home $1.conf', '--key-file', 'tunnel.key'];
	const text = service(...argv, '--user', '--dry-run');
	t.true(text.startsWith(`# ${env.XDG_CONFIG_HOME}/systemd/user/mpclient-home--1.service\n`));
	t.true(text.includes(` "${cwd}/home $$1.conf" --key-file ${cwd}/tunnel.key\n`), text);
	t.false(/DynamicUser|LoadCredential|ProtectHome/.test(text));
	t.true(text.includes('WantedBy=default.target'));
	const system = service(...argv, '--dry-run');
	t.true(system.includes(`LoadCredential=key:${cwd}/tunnel.key\n`));
	t.true(
		system.includes('"%d/home $$1.conf" --key-file %d/key --state %S/mpclient-home--1\n'),
		system,
	);
});

test('a unit has the capabilities that its configuration needs', (t) => {
	const {service} = setUp(t, {
		'mark.conf': '192.0.2.1 4000 mark=1\n',
		'low.yaml': `${SERVER}`.replace('2000', '443'),
	});
	const needs = (...argv: readonly string[]) =>
		/^AmbientCapabilities=(.*)$/m.exec(service('install', ...argv, '--dry-run'))?.[1];
	t.is(needs('client', 'mark.conf'), 'CAP_NET_ADMIN');
	t.is(needs('server', 'low.yaml'), 'CAP_NET_BIND_SERVICE');
});

test('nothing is installed that does not start, and no file of others is touched', (t) => {
	const {cwd, env, service} = setUp(t, {
		'bad.conf': 'nonsense\n',
		'mine.yaml': SERVER,
	});
	const refused = (reason: RegExp, ...argv: readonly string[]) => {
		const error = t.throws(() => service(...argv), {instanceOf: ConfigError});
		t.regex(error?.message ?? '', reason);
	};
	refused(/bad\.conf:1: no port/, 'install', 'client', 'bad.conf', '--dry-run');
	refused(/cannot be read/, 'install', 'client', 'none.conf', '--dry-run');
	const folder = join(env.XDG_CONFIG_HOME, 'systemd/user');
	mkdirSync(folder, {recursive: true});
	writeFileSync(join(folder, 'mpserver-mine.service'), '[Unit]\n');
	refused(/left alone/, 'install', 'server', 'mine.yaml', '--user');
	refused(/left alone/, 'remove', 'server', 'mine.yaml', '--user');
	writeFileSync(join(cwd, 'sub.yaml'), SERVER.replace('tunnel.key', './tunnel.key'));
	refused(/a service needs a name alone/, 'install', 'server', 'sub.yaml', '--dry-run');
});

/** A unit of the document, made anew. */
function documented(program: 'mpclient' | 'mpserver'): string {
	return unitText({
		...{program, scope: 'system', name: program, capabilities: []},
		command: [`/usr/local/bin/${program}`],
		options:
			program === 'mpserver'
				? ['--config', '%d/mpserver.yaml', '--state', '%S/mpserver']
				: ['%d/mpclient.conf', '--key-file', '%d/key', '--state', '%S/mpclient'],
		credentials: new Map(
			program === 'mpserver'
				? [
						['mpserver.yaml', '/etc/mptunnel/mpserver.yaml'],
						['tunnel.key', '/etc/mptunnel/tunnel.key'],
					]
				: [
						['mpclient.conf', '/etc/mptunnel/mpclient.conf'],
						['key', '/etc/mptunnel/tunnel.key'],
					],
		),
	});
}

test('the unit of the document is one that is made', (t) => {
	t.is(example('src/app/README.md', 'mpserver.service'), documented('mpserver'));
	const {service} = setUp(t, {'mpserver.yaml': SERVER});
	const [command = '', ...words] = example('src/app/README.md', 'service')
		.trim()
		.split(' ')
		.slice(1);
	t.is(command, 'service');
	const sandbox = (text: string) =>
		text.split('\n').filter((line) => /^(Pro|Pri|Res|Sys)/.test(line));
	t.deepEqual(sandbox(service(...words)), sandbox(documented('mpserver')));
});

needing({programs: ['systemd-analyze']})('systemd takes the units, and they are confined', (t) => {
	const folder = temporaryFolder(t);
	for (const program of ['mpclient', 'mpserver'] as const) {
		const file = join(folder, `${program}.service`);
		writeFileSync(file, documented(program).replace(`/usr/local/bin/${program}`, '/bin/true'));
		const verified = attempt('systemd-analyze', ['verify', '--recursive-errors=no', file]);
		t.is(verified.stderr, '', program);
		t.is(verified.status, 0, program);
		// Of 100: what may stand open; most of it is the network, which a tunnel needs.
		const words = ['security', '--offline=true', '--no-pager', '--threshold=25', file];
		const judged = attempt('systemd-analyze', words);
		t.is(judged.status, 0, judged.stdout);
	}
});
