import test from 'ava';
import {readInterval, readMemory, readRate, readRates} from '../../src/config/quantities.ts';
import {
	readAddress,
	readFilePath,
	readHost,
	readListenAddress,
	readName,
	readPort,
	readTarget,
} from '../../src/config/values.ts';
import {ValueError} from '../../src/text/value-error.ts';

const accepts = test.macro({
	exec(t, read: (text: string) => unknown, cases: readonly (readonly [string, unknown])[]) {
		for (const [text, expected] of cases) t.deepEqual(read(text), expected, text);
	},
	title: (name) => `accepts ${name}`,
});

const refuses = test.macro({
	exec(t, read: (text: string) => unknown, texts: readonly string[], expected: string) {
		for (const text of texts) {
			const error = t.throws(() => read(text), {instanceOf: ValueError}, JSON.stringify(text));
			t.is(error.expected, expected);
			t.true(error.message.startsWith(`not ${expected}: "`), error.message);
		}
	},
	title: (name) => `refuses ${name}`,
});

test('ports', accepts, readPort, [
	['1', 1],
	['65535', 65_535],
	['04000', 4000],
]);
test(
	'what is no port',
	refuses,
	readPort,
	['', '0', '65536', '-1', '+1', '1.5', '1e3', '0x10', ' 1', '1 ', '１', '9'.repeat(99)],
	'1 to 65535',
);

test('IP literals, IPv6 in brackets too', accepts, readAddress, [
	['127.0.0.1', '127.0.0.1'],
	['::1', '::1'],
	['[2001:db8::1]', '2001:db8::1'],
	['fe80::1%eth0', 'fe80::1%eth0'],
]);
test(
	'what is no IP literal',
	refuses,
	readAddress,
	['', 'eth0', '127.1', '256.1.1.1', '[127.0.0.1]', '[::1', '::1]', '127.0.0.1:80', '1.2.3.4\n'],
	'an IP address',
);

test('host names and IP literals', accepts, readHost, [
	['localhost', 'localhost'],
	['bridge-1.example.net', 'bridge-1.example.net'],
	['example.net.', 'example.net.'],
	['_under.score', '_under.score'],
	['1.example', '1.example'],
	['192.0.2.1', '192.0.2.1'],
	['[::1]', '::1'],
]);
test(
	'what is no host',
	refuses,
	readHost,
	['', '.', 'a..b', '-a', 'a-', 'a b', 'a:1', '256.1.1.1', '127.1', '2130706433', '0x7f.1', 'a/b'],
	'a host name or IP address',
);
test(
	'labels and names beyond what DNS can hold',
	refuses,
	readHost,
	['a'.repeat(64), 'a.'.repeat(128)],
	'a host name or IP address',
);

test('addresses to listen on', accepts, readListenAddress, [
	['127.0.0.1:3000', {host: '127.0.0.1', port: 3000}],
	['[::1]:1080', {host: '::1', port: 1080}],
	['[fe80::1%eth0]:1080', {host: 'fe80::1%eth0', port: 1080}],
	['3000', {host: 'localhost', port: 3000}],
	[':3000', {host: 'localhost', port: 3000}],
	['localhost:3000', {host: 'localhost', port: 3000}],
]);
test(
	'what nothing can listen on',
	refuses,
	readListenAddress,
	[
		'',
		'localhost',
		'localhost3000',
		'::3000',
		'host:3000',
		'::1:3000',
		'[127.0.0.1]:3000',
		'127.0.0.1',
		'[::1]3000',
	],
	'PORT or ADDR:PORT with an IP address ([ADDR]:PORT for IPv6)',
);
test(
	'a bad port',
	refuses,
	readListenAddress,
	['127.0.0.1:', '127.0.0.1:0', '0', ':0', 'localhost:65536'],
	'1 to 65535',
);

test('targets', accepts, readTarget, [
	['127.0.0.1 1194', {host: '127.0.0.1', port: 1194}],
	[' ::1\t53 ', {host: '::1', port: 53}],
]);
test('half a target', refuses, readTarget, ['', 'a', 'a 1 b', 'a:1'], 'HOST PORT');

test('names', accepts, readName, [
	['lte', 'lte'],
	['Haus-3.a_b', 'Haus-3.a_b'],
	['桥', '桥'],
]);
test(
	'names that look like a position, do not print or are too long',
	refuses,
	readName,
	['', '1', '007', 'a b', 'a#b', 'a=b', 'a"b', 'a\u0000', 'a\u202eb', '\ufffd', '桥'.repeat(22)],
	'a name (1 to 63 bytes, no spaces, no quotes, not only digits)',
);

test('rates each way and rates that differ', accepts, readRates, [
	['20mbit', {up: 20e6, down: 20e6}],
	['1.5mbit/500kbit', {up: 1.5e6, down: 5e5}],
]);
test(
	'rates without a unit, without a number, or absurd',
	refuses,
	readRates,
	['', '20', '0', 'mbit', '1mbit/', '/1mbit', '1mbit/2mbit/3mbit', '999bit', '9999gbit', '-1mbit'],
	'a rate such as 20mbit, or UP/DOWN such as 5mbit/20mbit',
);
test('two rates where one belongs', refuses, readRate, ['1mbit/2mbit'], 'a rate such as 20mbit');

test('intervals', accepts, readInterval, [
	['10s', 10_000],
	['100ms', 100],
	['1m', 60_000],
]);
test(
	'intervals without a unit or out of bounds',
	refuses,
	readInterval,
	['', '10', '0', '99ms', '25h', 's'],
	'a duration of 100ms to 24h such as 10s',
);

test('sizes of memory', accepts, readMemory, [
	['256MiB', 268_435_456],
	['1GB', 1e9],
	['1.5MiB', 1_572_864],
]);
test(
	'sizes of memory without a unit or out of bounds',
	refuses,
	readMemory,
	['', '256', '0', '1023KiB', '2000GiB', 'MiB', '-1MiB'],
	'a size of 1MiB to 1024GiB such as 256MiB',
);

test('no empty path and none with a NUL', refuses, readFilePath, ['', 'a\0b'], 'a path');
