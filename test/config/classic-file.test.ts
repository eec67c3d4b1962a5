import test from 'ava';
import fc from 'fast-check';
import {readClassicFile} from '../../src/config/classic-file.ts';
import {formatProblem, type Problem, ProblemList} from '../../src/config/errors.ts';
import type {PathDraft} from '../../src/config/paths.ts';

function read(text: string): {paths: readonly PathDraft[]; problems: readonly string[]} {
	const lines: string[] = [];
	const problems = new ProblemList();
	problems.add = (where, field, reason) => {
		lines.push(formatProblem({where, field, reason} satisfies Problem));
	};
	return {paths: readClassicFile('mpclient.conf', text, problems), problems: lines};
}

const plain = {
	field: '',
	name: undefined,
	bind: undefined,
	device: undefined,
	mark: undefined,
	localPort: undefined,
	rate: undefined,
	keepAlive: undefined,
	metered: false,
	backup: false,
};

const accepts = test.macro({
	exec(t, text: string, ...expected: readonly object[]) {
		const {paths, problems} = read(text);
		t.deepEqual(problems, []);
		t.deepEqual(
			paths,
			expected.map((path, index) => ({...plain, where: `mpclient.conf:${index + 1}`, ...path})),
		);
	},
	title: (name) => `accepts ${name}`,
});

test('a line of the original', accepts, 'bridge 4000\n', {host: 'bridge', port: 4000});
test('a last line without an end', accepts, 'bridge 4000', {host: 'bridge', port: 4000});
test(
	'CRLF, tabs and blanks around',
	accepts,
	'\t bridge \t 4000 \r\nb 1\r\n',
	...[
		{host: 'bridge', port: 4000},
		{host: 'b', port: 1},
	],
);
test('a byte order mark', accepts, '\ufeffbridge 4000', {host: 'bridge', port: 4000});
test('comments and blank lines', accepts, '# x\n\n  # y\nbridge 4000 # z\n#', {
	where: 'mpclient.conf:4',
	host: 'bridge',
	port: 4000,
});
test('comments of other tools', accepts, ';x\n  ; y\nbridge 4000 name=a;b ;z', {
	where: 'mpclient.conf:3',
	host: 'bridge',
	port: 4000,
	name: 'a;b',
});
test('a comment without a blank before it', accepts, 'a 1#b', {host: 'a', port: 1});
test('any bytes in a comment', accepts, 'a 1 # \ufffd\u0000\u001b', {host: 'a', port: 1});
test(
	'the same line twice as two paths',
	accepts,
	'a 1\na 1',
	...[
		{host: 'a', port: 1},
		{host: 'a', port: 1},
	],
);
test(
	'IPv6 with and without brackets',
	accepts,
	'::1 1\n[::1] 1',
	...[
		{host: '::1', port: 1},
		{host: '::1', port: 1},
	],
);
test(
	'every word',
	accepts,
	'a 1 backup keepalive=25s metered rate=1mbit/2mbit port=5 bind=[::1] name=n',
	{
		host: 'a',
		port: 1,
		name: 'n',
		bind: '::1',
		localPort: 5,
		rate: {up: 1e6, down: 2e6},
		keepAlive: 25_000,
		metered: true,
		backup: true,
	},
);
test(
	'a network interface to bind to',
	accepts,
	'a 1 bind=eth1\nb 2 bind=wg0.5-x_y',
	{
		host: 'a',
		port: 1,
		device: 'eth1',
	},
	{host: 'b', port: 2, device: 'wg0.5-x_y'},
);
test(
	'a mark',
	accepts,
	'a 1 mark=7\nb 2 mark=0xCA6C',
	{host: 'a', port: 1, mark: 7},
	{
		...{host: 'b', port: 2, mark: 51_820},
	},
);
test('nothing at all (the caller minds)', accepts, '');

test('the example of the documentation, word by word', (t) => {
	const text = `${'\n'.repeat(6)}a 70000`;
	t.deepEqual(read(text).problems, ['mpclient.conf:7: port "70000" is not 1 to 65535']);
});

test('a line with a bad word gives no path, the others do', (t) => {
	const {paths, problems} = read('a 1\nb 2 colour=red\nc 3\n');
	t.is(paths.length, 2);
	t.deepEqual(problems, ['mpclient.conf:2: unknown word "colour"']);
});

test('a time between packets is 1 s to 10 min', (t) => {
	const lines = ['keepalive=1s', 'keepalive=10m', 'keepalive=999ms', 'keepalive=11m', 'keepalive'];
	const {paths, problems} = read(lines.map((word) => `a 1 ${word}\n`).join(''));
	t.deepEqual(
		paths.map((path) => path.keepAlive),
		[1000, 600_000],
	);
	t.deepEqual(problems, [
		'mpclient.conf:3: keepalive "999ms" is not a duration of 1s to 10m such as 25s',
		'mpclient.conf:4: keepalive "11m" is not a duration of 1s to 10m such as 25s',
		'mpclient.conf:5: "keepalive" needs a value: keepalive=…',
	]);
});

test('a mark is a number of 32 bits and not 0', (t) => {
	const lines = ['mark=0', 'mark=4294967296', 'mark=0x100000000', 'mark=1x', 'mark=4294967295'];
	const {paths, problems} = read(lines.map((word) => `a 1 ${word}\n`).join(''));
	t.deepEqual(
		paths.map(({mark}) => mark),
		[0xffff_ffff],
	);
	t.is(problems.length, 4);
	t.is(problems[0], 'mpclient.conf:1: mark "0" is not 1 to 4294967295, or 0x1 to 0xffffffff');
});

test('any text gives paths and problems, never an exception', (t) => {
	fc.assert(
		fc.property(fc.string({unit: 'binary'}), (text) => {
			const {paths, problems} = read(text);
			t.true(paths.length + problems.length >= 0);
			for (const problem of problems) t.regex(problem, /^mpclient\.conf:\d+: [^\n]+$/);
		}),
	);
});

test('what is written in words reads back', (t) => {
	const path = fc.record({
		host: fc.constantFrom('a', 'b.example', '127.0.0.1', '::1'),
		port: fc.integer({min: 1, max: 65_535}),
		localPort: fc.option(fc.integer({min: 1, max: 65_535}), {nil: undefined}),
		metered: fc.boolean(),
		backup: fc.boolean(),
	});
	fc.assert(
		fc.property(fc.array(path), fc.constantFrom('\n', '\r\n', '\r'), (expected, end) => {
			const lines = expected.map(({host, port, localPort, metered, backup}) =>
				[
					host,
					port,
					...(localPort === undefined ? [] : [`port=${localPort}`]),
					...(metered ? ['metered'] : []),
					...(backup ? ['backup'] : []),
				].join(' '),
			);
			const {paths, problems} = read(lines.join(end));
			t.deepEqual(problems, []);
			t.deepEqual(
				paths,
				expected.map((item, index) => ({
					...plain,
					...item,
					where: `mpclient.conf:${index + 1}`,
				})),
			);
		}),
	);
});
