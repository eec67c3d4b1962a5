import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {explainCommand} from '../../src/cli/explain-command.ts';
import {BUILT_IN_FORMS} from '../../src/policy/built-in.ts';
import {folderOf, KEYS, problemsOf} from '../config/surroundings.ts';
import {Program} from '../support/e2e/program.ts';

const CONFIG = `paths: [a 1 name=dsl, a 2 name=lte]
keyFile: a.key
socksUser: [alice:secret, bob:secret]
forward: ["udp:53=9.9.9.9:53", "udp:55=b.example:99,policy=redundant 1"]
policies:
  voice: {residual: 0.01%, within: 30ms, traffic: 3, floor: 1.5}
rules:
  - {port: 53, policy: redundant 2}
  - {listen: 3000, policy: best}
  - {target: "*.game.example:27000-27100", policy: voice}
  - {user: alice, policy: pin dsl}
default: fec cheap
`;

function folder(t: ExecutionContext, config = CONFIG): string {
	return folderOf(t, {'c.yaml': config, 'a.key': KEYS[0]});
}

function explain(cwd: string, ...words: readonly string[]): string {
	let output = '';
	const writeOut = (text: string) => {
		output += text;
	};
	const command = explainCommand({env: {}, cwd, writeOut}).exitOverride();
	command.configureOutput({writeErr: () => {}});
	command.parse(['c.yaml', ...words], {from: 'user'});
	return output;
}

const VOICE = '0.01 % lost or late within 30 ms, traffic up to 3, 1.5 standing';
const CHEAP = '0.01 % lost or late within 40 ms, traffic up to 2, 1.125 standing';

const ANSWERS: readonly (readonly [words: string, answer: string])[] = [
	['9.9.9.9:53', 'rule 1 (c.yaml:8) -> redundant 2: a copy on each of the best 2 paths'],
	['A.Game.Example:27015', `rule 3 (c.yaml:10) -> voice: ${VOICE}`],
	['[2001:db8::1]:1', `default (c.yaml:12) -> fec cheap: ${CHEAP}, a gap when a path dies`],
	['c.example:1 --user alice', 'rule 4 (c.yaml:11) -> pin dsl: path "dsl" alone'],
	['c.example:1 --user bob', `default (c.yaml:12) -> fec cheap: ${CHEAP}, a gap when a path dies`],
	[
		'--listen 3000',
		'rule 2 (c.yaml:9) -> best: the best path alone, with copies on the next while it is in doubt',
	],
	['--listen 127.0.0.1:53', 'rule 1 (c.yaml:8) -> redundant 2: a copy on each of the best 2 paths'],
	[
		'--listen 53 9.9.9.9:53',
		'rule 1 (c.yaml:8) -> redundant 2: a copy on each of the best 2 paths',
	],
	['--listen 55', 'forward udp:localhost:55 (c.yaml:4) -> redundant 1: on the best path alone'],
	['--listen 1080 x.game.example:27000', `rule 3 (c.yaml:10) -> voice: ${VOICE}`],
];

const FLAGGED: readonly (readonly [words: readonly string[], answer: string])[] = [
	[
		['a.example:1', '--policy', 'redundant 2'],
		'default (--policy) -> redundant 2: a copy on each of the best 2 paths',
	],
	[['9.9.9.9:53', '--policy', 'best'], 'rule 1 (c.yaml:8) -> redundant 2: a copy on each of the'],
	[
		['--listen', '7000', '--forward', 'udp:7000=b.example:1,policy=voice'],
		`forward udp:localhost:7000 (--forward) -> voice: ${VOICE}`,
	],
	[
		['a.example:1', '--policy', 'redundant', '--copies', '2'],
		'default (--policy) -> redundant: a copy on each of the best 2 paths',
	],
	[['c.example:1', '--user', 'alice', '--socks', '1081'], 'rule 4 (c.yaml:11) -> pin dsl: '],
];

for (const [words, answer] of FLAGGED) {
	test(`explain ${words.join(' ')}`, (t) => {
		const shown = explain(folder(t), ...words);
		t.is(shown.slice(0, answer.length), answer, shown);
		t.is(shown.split('\n').length, 2);
	});
}

test('a wrong flag of mpclient is refused as there', (t) => {
	const cwd = folder(t);
	const problems = (...words: string[]) => problemsOf(t, () => explain(cwd, ...words));
	const there = [...BUILT_IN_FORMS, 'voice'].map((name) => `"${name}"`).join(', ');
	t.deepEqual(problems('a:1', '--policy', 'xyz'), [
		`--policy: no policy is called "xyz" (there are ${there})`,
	]);
	t.deepEqual(problems('a:1', '--policy', 'voise'), [
		'--policy: no policy is called "voise" (did you mean "voice"?)',
	]);
	t.deepEqual(problems('a:1', '--forward', 'udp:7000=b.example:1,policy=pin wifi'), [
		'--forward: forward udp:localhost:7000: no path is called "wifi"',
	]);
	t.deepEqual(problems('a:1', '--copies', '0'), ['--copies: not 1 to 16: "0"']);
	t.regex(problems('a:1', '--no-socks')[0]!, /^c\.yaml:11: rules\[3\]\.user: no login at SOCKS5/);
});

for (const [words, answer] of ANSWERS) {
	test(`explain ${words}`, (t) => {
		t.is(explain(folder(t), ...words.split(' ')), `${answer}\n`);
	});
}

const MISTAKES: readonly (readonly [words: string, problem: string])[] = [
	['', 'a TARGET is needed, or --listen with a port that has a fixed one'],
	['a', 'TARGET: not HOST:PORT ([ADDR]:PORT for IPv6): "a"'],
	['a:0', 'TARGET: not 1 to 65535: "0"'],
	['a:1 --user alcie', '--user: no login is called "alcie" (did you mean "alice"?)'],
	['--listen 3000 --user alice', '--user: only SOCKS5 has logins'],
	['--listen 3000 a:1', 'TARGET: datagrams to this port go to the fixed target of the server'],
	['--listen 53 a:1', 'TARGET: datagrams to this port go to "9.9.9.9:53"'],
	['--listen 1080', 'a TARGET is needed, or --listen with a port that has a fixed one'],
	[
		'--listen 7 a:1',
		'--listen: no datagrams are taken at localhost:7 ' +
			'(there are localhost:3000, localhost:1080, localhost:53, localhost:55)',
	],
	[
		'--listen x a:1',
		'--listen: not PORT or ADDR:PORT with an IP address ([ADDR]:PORT for IPv6): "x"',
	],
];

for (const [words, problem] of MISTAKES) {
	test(`explain ${words} is refused`, (t) => {
		const cwd = folder(t);
		const given = words.split(' ').filter((word) => word !== '');
		t.deepEqual(
			problemsOf(t, () => explain(cwd, ...given)),
			[problem],
		);
	});
}

test('a file without rules is explained, with SOCKS5 or without', (t) => {
	const plain = folder(t, 'paths: [a 1]\ncopies: 2\n');
	t.is(explain(plain, 'a:1'), 'default -> redundant: a copy on each of the best 2 paths\n');
	const off = folder(t, 'paths: [a 1]\nsocks: false\n');
	t.deepEqual(
		problemsOf(t, () => explain(off, 'a:1')),
		['SOCKS5 is off, and applications choose targets nowhere else: say --listen'],
	);
	t.is(explain(off, '--listen', '3000'), 'default -> redundant: a copy on every path\n');
});

test('a key is not needed, whatever there is that needs one', (t) => {
	const yaml = 'paths: [a 1]\nforward: "udp:53=9.9.9.9:53"\nrules: [{port: 53, policy: best}]\n';
	t.regex(explain(folder(t, yaml), '--listen', '53'), /^rule 1 \(c\.yaml:3\) -> best: /);
	t.regex(explain(folder(t, yaml), 'a:53'), /^rule 1 /);
});

test('the program answers with one line and 0, and a mistake with one line and 2', async (t) => {
	const config = join(folder(t), 'c.yaml');
	const run = async (...words: string[]) => {
		const program = new Program('mptunnel', ['explain', ...words]);
		const code = await program.end();
		return {code, stdout: program.stdout, stderr: program.stderr};
	};
	const [good, wrong, missing, broken] = await Promise.all([
		run(config, 'x.game.example:27015'),
		run(config, 'x.game.example'),
		run(),
		run(join(config, '..', 'a.key'), 'a:1'),
	]);
	t.deepEqual(good, {code: 0, stdout: `rule 3 (${config}:10) -> voice: ${VOICE}\n`, stderr: ''});
	t.like(wrong, {code: 2, stdout: ''});
	t.is(wrong.stderr, 'mptunnel: TARGET: not HOST:PORT ([ADDR]:PORT for IPv6): "x.game.example"\n');
	t.like(missing, {code: 2, stdout: ''});
	t.is(
		missing.stderr,
		"mptunnel: missing required argument 'CONFIG'; see mptunnel explain --help\n",
	);
	t.like(broken, {code: 2, stdout: ''});
});
