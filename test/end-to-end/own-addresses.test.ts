import {readFileSync} from 'node:fs';
import process from 'node:process';
import {fileURLToPath} from 'node:url';
import type {ExecutionContext} from 'ava';
import {TwoHosts} from '../support/e2e/namespaces.ts';
import {needing} from '../support/e2e/needs.ts';
import {restrictedTo} from '../support/e2e/sandbox.ts';
import {Stage} from '../support/e2e/stage.ts';
import {waitFor} from '../support/machine/wait-for.ts';

/** Own addresses that are in no list of addresses of running interfaces. */
const HIDDEN = ['5.6.7.8', '5.6.7.9', '2a00:1::8', '5.6.8.77', '5.6.9.77', '2a00:2::77'];

/** Two hosts of which `b` has them, without a carrier and routed as local. */
function hostsOf(t: ExecutionContext): TwoHosts {
	const hosts = new TwoHosts(t);
	const onB = (words: string) => hosts.run(hosts.b, 'ip', ...words.split(' '));
	onB('link add dead type veth peer dead2');
	for (const address of ['5.6.7.8/24', '5.6.7.9/24', '2a00:1::8/64 nodad']) {
		onB(`addr add ${address} dev dead`);
	}
	onB('link set dead up');
	onB('route add local 5.6.8.0/24 dev lo');
	onB(`route add local 5.6.9.0/24 dev lo src ${hosts.addressB}`);
	onB('-6 route add local 2a00:2::/64 dev lo');
	onB('route add default via 10.99.0.1');
	return hosts;
}

needing({namespaces: true, batch: true})(
	'own addresses are told from others by routes and by binding',
	(t) => {
		const hosts = hostsOf(t);
		const main = fileURLToPath(new URL('./own-addresses-main.js', import.meta.url));
		const ask = (...addresses: string[]) =>
			hosts
				.run(hosts.b, process.execPath, main, ...addresses)
				.trim()
				.split('\n');
		const own = [...HIDDEN, hosts.addressB, '10.99.0.255', '127.0.0.1', '127.9.9.9', '::1'];
		t.deepEqual(
			ask(...own),
			own.map((address) => `${address} routes=true bind=true`),
		);
		const others = [hosts.addressA, '5.6.7.10', '5.6.10.1', '8.8.8.8', '2a00:3::1', '2600::1'];
		t.deepEqual(
			ask(...others),
			others.map((address) => `${address} routes=false bind=false`),
		);
		hosts.run(hosts.b, 'sh', '-c', 'echo 1 > /proc/sys/net/ipv4/ip_nonlocal_bind');
		t.deepEqual(ask('8.8.8.8', '5.6.8.77'), [
			'8.8.8.8 routes=false bind=undefined',
			'5.6.8.77 routes=true bind=undefined',
		]);
	},
);

/** A UDP ASSOCIATE of its own: sends `x` to HOST PORT through the proxy and prints the answer. */
const UDP_PROBE = `
import socket, sys
host, port = sys.argv[1], int(sys.argv[2])
family = socket.AF_INET6 if ':' in host else socket.AF_INET
tcp = socket.create_connection(('127.0.0.1', 1080)); tcp.sendall(b'\\x05\\x01\\0'); tcp.recv(2)
tcp.sendall(b'\\x05\\x03\\0\\x01' + bytes(6)); reply = tcp.recv(10)
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); udp.bind(('127.0.0.1', 0)); udp.settimeout(float(sys.argv[3]))
target = (b'\\x04' if ':' in host else b'\\x01') + socket.inet_pton(family, host)
udp.sendto(b'\\0\\0\\0' + target + port.to_bytes(2, 'big') + b'x', ('127.0.0.1', int.from_bytes(reply[8:], 'big')))
try: print('answer', udp.recv(2000)[-1:])
except TimeoutError: print('silence')
`;

type Wrapper = (stage: Stage, hosts: TwoHosts) => readonly string[];

const EXIT_NEEDS = {namespaces: true, programs: ['python3', 'curl', 'socat']} as const;

/** Runs an exit with that before its command; resolves with its log. */
async function tryExit(t: ExecutionContext, wrapper: Wrapper, bind: readonly string[]) {
	const hosts = hostsOf(t);
	hosts.run(hosts.a, 'ip', 'addr', 'add', '9.9.9.9/32', 'dev', 'lo');
	const stage = new Stage(t);
	const key = await stage.key();
	const heard = stage.write('heard', '');
	const start = (host: string, ...words: string[]) => {
		const [command = '', ...argv] = [...hosts.in(host), 'socat', ...words];
		stage.child(command, argv);
	};
	for (const host of [hosts.a, hosts.b]) {
		start(host, 'tcp6-listen:7007,fork,ipv6only=0', 'system:echo service');
	}
	start(hosts.a, 'udp4-recvfrom:7007,bind=9.9.9.9,fork', 'exec:cat');
	start(hosts.b, '-u', 'udp6-recv:7007,ipv6only=0', `open:${heard},append`);
	const server = stage.program('mpserver', ['2000', ...bind, '--key-file', key], {}, [
		...hosts.in(hosts.b),
		...wrapper(stage, hosts),
	]);
	await server.says('mpserver runs');
	const conf = stage.write('mpclient.conf', `${hosts.addressB} 2000\n`);
	const argv = [conf, '--key-file', key, '--no-listen', '--socks', '127.0.0.1:1080'];
	const client = stage.program('mpclient', argv, {}, hosts.in(hosts.a));
	await client.says('a session is up');
	const run = (command: string, ...words: string[]) => {
		const [first = '', ...rest] = [...hosts.in(hosts.a), command, ...words];
		return stage.child(first, rest);
	};
	const probe = stage.write('probe.py', UDP_PROBE);
	const tcp = async (host: string) => {
		const url = `http://${host.includes(':') ? `[${host}]` : host}:7007/`;
		const curl = run('curl', '--http0.9', '-sS', '--socks5', '127.0.0.1:1080', url);
		await curl.end();
		return curl.output.trim();
	};
	const udp = async (host: string, patience: number) => {
		const python = run('python3', probe, host, '7007', `${patience}`);
		await python.end();
		return python.output.trim();
	};
	t.is(await tcp('9.9.9.9'), 'service');
	t.is(await udp('9.9.9.9', 20), "answer b'x'");
	for (const host of HIDDEN) {
		t.regex(await tcp(host), /not allowed|Can't complete SOCKS5 connection.*\(2\)/, host);
		t.is(await udp(host, 0.3), 'silence', host);
	}
	t.is(readFileSync(heard, 'latin1'), '');
	// It is there, for the machine itself.
	start(hosts.b, '-u', 'system:echo y', 'udp4:5.6.8.77:7007');
	await waitFor(() => readFileSync(heard, 'latin1') === 'y\n');
	t.regex(server.stderr, /a target is denied.*an address of the server itself/);
	return server.stderr;
}

needing(EXIT_NEEDS)(
	'an exit reaches none of its own addresses, and what lies beyond them',
	async (t) => {
		const log = await tryExit(t, () => [], ['--bind', '10.99.0.2']);
		t.notRegex(log, /AF_NETLINK/);
	},
);

needing(EXIT_NEEDS)('the same without netlink, and without an address to listen on', async (t) => {
	const wrapper: Wrapper = (stage) => restrictedTo(stage, ['AF_UNIX', 'AF_INET', 'AF_INET6']);
	const log = await tryExit(t, wrapper, []);
	t.regex(log, /this machine lists no addresses: listening on all of them.*AF_NETLINK/);
	t.regex(log, /addresses of this machine cannot be listed.*AF_NETLINK/);
});
