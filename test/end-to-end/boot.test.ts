import test from 'ava';
import {example} from '../support/documents/document.ts';
import {TwoHosts} from '../support/e2e/namespaces.ts';
import {needing} from '../support/e2e/needs.ts';
import {restrictedTo} from '../support/e2e/sandbox.ts';
import {Stage} from '../support/e2e/stage.ts';

/** The value of a setting of the documented unit. */
function unitSetting(name: string): string {
	const unit = example('src/app/README.md', 'mpserver.service');
	const line = unit.split('\n').find((each) => each.startsWith(`${name}=`));
	return line?.slice(name.length + 1) ?? '';
}

test('the documented unit never gives up', (t) => {
	t.is(unitSetting('StartLimitIntervalSec'), '0');
	t.is(unitSetting('Restart'), 'always');
});

const SANDBOX = {namespaces: true, programs: ['python3']} as const;

needing(SANDBOX)('the command of the documented unit runs in its sandbox', async (t) => {
	const hosts = new TwoHosts(t);
	const stage = new Stage(t);
	const key = await stage.key();
	const settings = stage.write(
		'mpserver.yaml',
		`port: 2000\ntarget: 127.0.0.1 9\nkeyFile: ${key}\n`,
	);
	const argv = unitSetting('ExecStart')
		.replace('%d/mpserver.yaml', settings)
		.replace('%S/mpserver', stage.path('state'))
		.split(' ')
		.slice(1);
	const families = unitSetting('RestrictAddressFamilies').split(' ');
	const wrapper = [...hosts.in(hosts.b), ...restrictedTo(stage, families)];
	const server = stage.program('mpserver', argv, {}, wrapper);
	await server.says('mpserver runs');
	// At once, or when the cable is seen to be up.
	await server.says('10.99.0.2:2000');
	t.notRegex(server.stderr, /AF_NETLINK/);
	server.kill('SIGTERM');
	t.is(await server.end(), 0);
});

needing({namespaces: true})(
	'a server waits for its address, a client for its network',
	async (t) => {
		const hosts = new TwoHosts(t);
		const stage = new Stage(t);
		const key = await stage.key();
		for (const host of [hosts.a, hosts.b]) hosts.run(host, 'ip', 'addr', 'flush', 'dev', 'cable');
		const words = ['2000', '127.0.0.1', '9', '--bind', hosts.addressB, '--key-file', key];
		const state = (name: string) => ['--state', stage.path(name)];
		const server = stage.program('mpserver', [...words, ...state('s')], {}, hosts.in(hosts.b));
		await server.says('waiting for an address to listen on');
		const conf = stage.write('mpclient.conf', `${hosts.addressB} 2000\n`);
		const client = stage.program(
			'mpclient',
			[conf, '--key-file', key, ...state('c')],
			{},
			hosts.in(hosts.a),
		);
		await client.says('mpclient runs');
		hosts.run(hosts.b, 'ip', 'addr', 'add', `${hosts.addressB}/24`, 'dev', 'cable');
		await server.says('listening on another address');
		hosts.run(hosts.a, 'ip', 'addr', 'add', `${hosts.addressA}/24`, 'dev', 'cable');
		await client.says('a session is up');
		// The port is taken now, which no waiting mends.
		const second = stage.program('mpserver', [...words, ...state('s2')], {}, hosts.in(hosts.b));
		t.is(await second.end(), 1);
		t.regex(second.stderr, /the port is in use/);
	},
);
