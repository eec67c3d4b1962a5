import test, {type ExecutionContext} from 'ava';
import {type ClientFlags, resolveClientOptions} from '../../src/config/client.ts';
import {folderOf, KEYS, problemsOf} from './surroundings.ts';

function resolveIn(t: ExecutionContext, flags: ClientFlags, yaml = '', env = {}) {
	const cwd = folderOf(t, {'a.key': KEYS[0], 'c.yaml': `paths: [a 1]\n${yaml}`});
	return () => resolveClientOptions({config: 'c.yaml', ...flags}, {env, cwd});
}

const KEYED = {keyFile: ['a.key']};

test('a forward has a port of loopback or of an address, and a target by name or address', (t) => {
	const forward = [
		'udp:5353=9.9.9.9:53',
		'udp:127.0.0.2:53=dns.example.net:53',
		'udp:[::1]:123=[2001:db8::1]:123',
	];
	t.deepEqual(resolveIn(t, {...KEYED, forward})().options.forwards, [
		{
			protocol: 'udp',
			listen: {host: 'localhost', port: 5353},
			target: {host: '9.9.9.9', port: 53},
			policy: undefined,
		},
		{
			protocol: 'udp',
			listen: {host: '127.0.0.2', port: 53},
			target: {host: 'dns.example.net', port: 53},
			policy: undefined,
		},
		{
			protocol: 'udp',
			listen: {host: '::1', port: 123},
			target: {host: '2001:db8::1', port: 123},
			policy: undefined,
		},
	]);
});

test('a forward beyond this machine needs consent, the classic port does not', (t) => {
	for (const [listen, host] of [
		['0.0.0.0:53', '0.0.0.0'],
		['192.0.2.1:53', '192.0.2.1'],
		['[::]:53', '::'],
	] as const) {
		for (const protocol of ['udp', 'tcp']) {
			const forward = ['udp:54=a:1', `${protocol}:${listen}=9.9.9.9:53`];
			t.deepEqual(problemsOf(t, resolveIn(t, {...KEYED, forward})), [
				`--forward: anybody who can reach ${host} could use the forward there: ` +
					'listen on 127.0.0.1 or ::1, or say --forward-open',
			]);
			t.notThrows(resolveIn(t, {...KEYED, forward, forwardOpen: true}));
			t.notThrows(resolveIn(t, {...KEYED, forward}, 'forwardOpen: true\n'));
		}
	}
	t.notThrows(resolveIn(t, {...KEYED, listen: '0.0.0.0:3000'}));
});

test('a TCP forward may have the port of a UDP one', (t) => {
	const forward = ['udp:53=9.9.9.9:53', 'tcp:53=9.9.9.9:53'];
	const {forwards} = resolveIn(t, {...KEYED, forward})().options;
	t.deepEqual(
		forwards.map(({protocol}) => protocol),
		['udp', 'tcp'],
	);
	const twice = {...KEYED, forward: ['tcp:53=9.9.9.9:53', 'tcp:53=a:1']};
	t.deepEqual(problemsOf(t, resolveIn(t, twice)), [
		'--forward: two forwards listen on 127.0.0.1 tcp port 53',
	]);
});

test('a port alone takes both loopback addresses, so that one of them is a clash', (t) => {
	const forward = ['udp:53=9.9.9.9:53', 'udp:[::1]:53=a:1', 'udp:127.0.0.2:53=a:1'];
	t.deepEqual(problemsOf(t, resolveIn(t, {...KEYED, forward})), [
		'--forward: two forwards listen on ::1 udp port 53',
	]);
});

test('the file has one or a list of them, and flags win as a whole', (t) => {
	const one = resolveIn(t, KEYED, 'forward: udp:1=a:2\n')().options.forwards;
	t.deepEqual(
		one.map(({listen}) => listen.port),
		[1],
	);
	const list = 'forward: ["udp:1=a:2", "udp:3=b:4"]\n';
	t.is(resolveIn(t, KEYED, list)().options.forwards.length, 2);
	const flags = {...KEYED, forward: ['udp:7=c:8']};
	t.is(resolveIn(t, flags, list)().options.forwards[0]?.listen.port, 7);
});

const MISTAKES: readonly [text: string, reason: string][] = [
	[
		'5353=9.9.9.9:53',
		'not udp:[ADDR:]PORT=HOST:PORT or tcp:[ADDR:]PORT=HOST:PORT: "5353=9.9.9.9:53"',
	],
	['sctp:1=a:2', 'not udp:[ADDR:]PORT=HOST:PORT or tcp:[ADDR:]PORT=HOST:PORT: "sctp:1=a:2"'],
	['udp:0=a:2', 'not 1 to 65535: "0"'],
	['udp:host:1=a:2', 'not PORT or ADDR:PORT with an IP address ([ADDR]:PORT for IPv6): "host:1"'],
	['udp:1=a', 'not HOST:PORT ([ADDR]:PORT for IPv6): "a"'],
	['udp:1=2001:db8::1:53', 'not HOST:PORT ([ADDR]:PORT for IPv6): "2001:db8::1:53"'],
	['udp:1=[fe80::1%eth0]:53', 'not HOST:PORT ([ADDR]:PORT for IPv6): "[fe80::1%eth0]:53"'],
	['udp:1=a:99999', 'not 1 to 65535: "99999"'],
	['udp:1=256.1.1.1:5', 'not a host name or IP address: "256.1.1.1"'],
];

for (const [text, reason] of MISTAKES) {
	test(`${text} is refused with its reason`, (t) => {
		t.deepEqual(problemsOf(t, resolveIn(t, {...KEYED, forward: [text]})), [`--forward: ${reason}`]);
	});
}

test('forwards need a key and encryption, and a port each', (t) => {
	const forward = ['udp:1=a:2'];
	t.deepEqual(problemsOf(t, resolveIn(t, {forward})), [
		'--forward: forwards need a key at both ends: see mptunnel keygen',
	]);
	t.deepEqual(problemsOf(t, resolveIn(t, {...KEYED, forward}, '', {MPTUNNEL_ENCRYPT: '0'})), [
		'--forward: forwards need encryption: they cannot go with MPTUNNEL_ENCRYPT=0',
	]);
	t.deepEqual(problemsOf(t, resolveIn(t, {...KEYED, forward: [...forward, 'udp:1=c:3']})), [
		'--forward: two forwards listen on 127.0.0.1 udp port 1',
	]);
});
