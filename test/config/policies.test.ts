import test, {type ExecutionContext} from 'ava';
import {clientConfig} from '../../src/app/client.ts';
import {type ClientFlags, resolveClientOptions} from '../../src/config/client.ts';
import {formatOptions} from '../../src/config/effective.ts';
import {REDUNDANT} from '../../src/policy/policy.ts';
import {folderOf, KEYS, problemsOf} from './surroundings.ts';

const HEAD = `paths:
  - a 1 name=dsl
  - a 2 name=lte
keyFile: a.key
socksUser: [alice:secret, bob:secret]
forward: ["udp:53=9.9.9.9:53", "tcp:54=9.9.9.9:53"]
`;

/** The number of the first line behind {@link HEAD}. */
const FIRST = HEAD.split('\n').length;

function resolveIn(t: ExecutionContext, yaml: string, flags: ClientFlags = {}) {
	const cwd = folderOf(t, {'a.key': KEYS[0], 'c.yaml': HEAD + yaml});
	return () => resolveClientOptions({config: 'c.yaml', ...flags}, {env: {}, cwd});
}

function policiesOf(t: ExecutionContext, yaml: string, flags: ClientFlags = {}) {
	return resolveIn(t, yaml, flags)().options.policies;
}

test('without a word about policies every flow is redundant, and the core has no chooser', (t) => {
	const {options} = resolveIn(t, '')();
	t.true(options.policies.isPlain);
	t.is(clientConfig(options, new Uint8Array(16)).policies, undefined);
	const facts = {listener: 0, user: '', host: undefined, port: 0};
	t.is(options.policies.choose(facts), REDUNDANT);
});

test('a policy has the figures of its file, and the rest as usual', (t) => {
	const usual = {kind: 'fec', floor: 1.125, cheap: false, rate: 0, paths: []} as const;
	const [, ...policies] = policiesOf(
		t,
		`policies:
  a: {residual: 0.01%, within: 30ms}
  b: {residual: 1%, within: 1s, traffic: 3, floor: 1.5, paths: [lte, lte, dsl]}
  c: {residual: 1%, within: 1s, rate: 20mbit, cheap: true}
  d: {residual: 1%, within: 1s, traffic: 1.0625, rate: 1.5kbit, paths: dsl}
rules:
  - {port: 1, policy: a}
  - {port: 2, policy: b}
  - {port: 3, policy: c}
  - {port: 4, policy: d}
`,
	).policies();
	t.deepEqual(policies, [
		{...usual, name: 'a', residual: 1e-4, within: 30, traffic: 2},
		{
			...{...usual, name: 'b', residual: 0.01, within: 1000, traffic: 3, floor: 1.5},
			paths: ['lte', 'dsl'],
		},
		{
			...{...usual, name: 'c', residual: 0.01, within: 1000, traffic: 4, cheap: true},
			rate: 20_000,
		},
		{
			...{...usual, name: 'd', residual: 0.01, within: 1000, traffic: 1.0625, floor: 1.0625},
			...{rate: 2, paths: ['dsl']},
		},
	]);
});

test('the policy for all the rest is a field, and a flag wins over it', (t) => {
	t.is(policiesOf(t, '', {policy: 'fec  1.5'}).otherwise.name, 'fec 1.5');
	const yaml = 'default: fec cheap\n';
	const fromFile = policiesOf(t, yaml);
	t.is(fromFile.otherwise.name, 'fec cheap');
	t.is(fromFile.otherwiseWhere, `c.yaml:${FIRST}`);
	const fromFlag = policiesOf(t, yaml, {policy: 'best'});
	t.is(fromFlag.otherwise.name, 'best');
	t.is(fromFlag.otherwiseWhere, '--policy');
	const named = 'policies: {v: {residual: 1%, within: 1s}}\n';
	t.is(policiesOf(t, named, {policy: 'v'}).otherwise.name, 'v');
});

test('a listener is named as it is written, or by one of its addresses', (t) => {
	const at = (listen: string) => policiesOf(t, `rules: [{listen: ${listen}, policy: best}]\n`);
	const listenersOf = (listen: string) => at(listen).rules[0]?.listeners;
	for (const listen of ['3000', 'localhost:3000', '127.0.0.1:3000', '"[::1]:3000"']) {
		t.deepEqual(listenersOf(listen), [0], listen);
	}
	t.deepEqual(listenersOf('1080'), [1]);
	t.deepEqual(listenersOf('53'), [2]);
	t.deepEqual(listenersOf('[53, 3000]'), [2, 0]);
	const options = resolveIn(t, 'listen: false\nrules: [{listen: 53, policy: best}]\n')().options;
	t.deepEqual(options.policies.rules[0]?.listeners, [1]);
	const {listeners, policies} = clientConfig(options, new Uint8Array(16));
	t.is(listeners[1]?.name, 'udp 127.0.0.1:53');
	t.is(policies?.choose({listener: 1, user: '', host: 'a', port: 1}).name, 'best');
});

test('the policy of a forward comes before all rules', (t) => {
	const forward = ['udp:53=9.9.9.9:53', 'udp:55=9.9.9.9:53,policy=fec 1.5'];
	const rules = policiesOf(t, 'rules: [{port: 53, policy: best}]\n', {forward});
	const facts = {user: '', host: '9.9.9.9', port: 53};
	t.is(rules.choose({...facts, listener: 2}).name, 'best');
	const {rule, policy} = rules.explain({...facts, listener: 3});
	t.is(policy.name, 'fec 1.5');
	t.like(rule, {label: 'forward udp:localhost:55', where: '--forward'});
});

test('policies find their paths in the core, whatever these are called', (t) => {
	const long = 'x'.repeat(40);
	const cwd = folderOf(t, {
		'c.yaml': `paths: [a 1 name=küche, a 2 name=käche, a 3 name=${long}1, a 4 name=${long}2]
policies: {v: {residual: 1%, within: 1s, paths: [${long}2, küche]}}
rules:
  - {port: 1, policy: pin käche}
  - {port: 2, policy: v}
`,
	});
	const {options} = resolveClientOptions({config: 'c.yaml'}, {env: {}, cwd});
	const {paths, policies} = clientConfig(options, new Uint8Array(16));
	const names = paths.map(({name}) => name);
	t.is(new Set(names).size, 4);
	for (const name of names) t.regex(name, /^[\x20-\x7e]{1,32}$/);
	const choose = (port: number) => policies?.choose({listener: 0, user: '', host: 'a', port});
	t.like(choose(1), {name: 'pin käche', path: names[1]});
	t.like(choose(2), {name: 'v', paths: [names[3], names[0]]});
	t.is(choose(3), REDUNDANT);
});

test('the check shows policies and rules in words', (t) => {
	const yaml = `policies: {voice: {residual: 0.01%, within: 30ms, traffic: 3, floor: 1.5}}
rules:
  - {port: [53, 1000-2000], policy: redundant 2}
  - {target: "*.example:53", user: alice, protocol: udp, policy: voice}
copies: 3
`;
	const {options} = resolveIn(t, yaml)();
	t.like(JSON.parse(formatOptions(options, true)), {
		policies: {
			redundant: 'a copy on each of the best 3 paths',
			'redundant 2': 'a copy on each of the best 2 paths',
			voice: '0.01 % lost or late within 30 ms, traffic up to 3, 1.5 standing',
		},
		rules: [
			`rule 1 (c.yaml:${FIRST + 2}): port 53 or 1000-2000 -> redundant 2`,
			`rule 2 (c.yaml:${FIRST + 3}): target *.example:53, user "alice" -> voice`,
		],
		default: 'redundant',
	});
	t.true(formatOptions(options, false).includes('voice: 0.01 % lost or late within 30 ms'));
});

const V = 'residual: 1%, within: 1s';

/** One line of a file behind {@link HEAD}, and what is said about it. */
const MISTAKES: readonly (readonly [line: string, ...problems: readonly string[]])[] = [
	['policies: [a]', 'policies: not a mapping (field: value): a list'],
	['policies: {v: 1}', 'policies.v: not a mapping (field: value): 1'],
	['policies: {v: }', 'policies.v: has no value'],
	['policies: {7: {residual: 1%, within: 1s}}', 'policies.7: not text: 7 (write it in quotes)'],
	[
		`policies: {best: {${V}}}`,
		'policies.best: not a name of your own, as this one is built in: "best"',
	],
	[
		`policies: {"a b": {${V}}}`,
		'policies["a b"]: not a name (1 to 63 bytes, no spaces, no quotes, not only digits): "a b"',
	],
	[
		'policies: {v: {traffic: 2}}',
		'policies.v: residual is missing',
		'policies.v: within is missing',
	],
	[
		'policies: {v: {residual: 0%, within: 0ms}}',
		'policies.v.residual: not a share of 0.00001% to 50% such as 0.01%: "0%"',
		'policies.v.within: not a duration of 1ms to 10s such as 40ms: "0ms"',
	],
	[
		'policies: {v: {residual: 51%, within: 11s}}',
		'policies.v.residual: not a share of 0.00001% to 50% such as 0.01%: "51%"',
		'policies.v.within: not a duration of 1ms to 10s such as 40ms: "11s"',
	],
	[
		`policies: {v: {${V}, traffic: 2, floor: 2.5}}`,
		'policies.v.floor: 2.5 is more than traffic allows, 2',
	],
	[
		`policies: {v: {${V}, traffic: 1, floor: 5}}`,
		'policies.v.traffic: not more than 1 and up to 4, such as 1.5: "1"',
		'policies.v.floor: not 1 to 4, such as 1.5: "5"',
	],
	[`policies: {v: {${V}, rate: 20}}`, 'policies.v.rate: not a rate such as 20mbit: "20"'],
	[
		`policies: {v: {${V}, paths: [dls]}}`,
		'policies.v.paths: no path is called "dls" (did you mean "dsl"?)',
	],
	[
		`policies: {v: {${V}, trafic: 2}}`,
		'policies.v.trafic: unknown field (did you mean "traffic"?)',
	],
	['rules: best', 'rules: not a list: "best"'],
	['rules: [best]', 'rules[0]: not a mapping (field: value): "best"'],
	['rules: [{port: 53}]', 'rules[0]: policy is missing'],
	[
		'rules: [{policy: best}]',
		'rules[0]: has no condition (port, listen, target, user): for all the rest there is default',
	],
	[
		'rules: [{protocol: udp, policy: best}]',
		'rules[0]: has no condition (port, listen, target, user): for all the rest there is default',
	],
	[
		'rules: [{port: 53, protocol: tcp, policy: best}]',
		'rules[0].protocol: rules do not touch TCP: what is lost of it is always sent again',
	],
	[
		'rules: [{port: 53, protocol: sctp, policy: best}]',
		'rules[0].protocol: not one of udp: "sctp"',
	],
	['rules: [{port: 0, policy: best}]', 'rules[0].port: not ports 1 to 65535 (443, 1000-2000): "0"'],
	[
		'rules: [{port: [1, 3-2], policy: best}]',
		'rules[0].port[1]: not ports in order (1000-2000): "3-2"',
	],
	['rules: [{port: [], policy: best}]', 'rules[0].port: is an empty list'],
	[
		'rules: [{target: "*.10.0.0.1", policy: best}]',
		'rules[0].target: not an IPv4 address of four decimal numbers (10.0.0.1): "*.10.0.0.1"',
	],
	[
		'rules: [{user: alcie, policy: best}]',
		'rules[0].user: no login at SOCKS5 is called "alcie" (did you mean "alice"?)',
	],
	[
		'rules: [{listen: 3001, policy: best}]',
		'rules[0].listen: nothing listens at localhost:3001 ' +
			'(there are localhost:3000, localhost:1080, localhost:53)',
	],
	[
		'rules: [{listen: 54, policy: best}]',
		'rules[0].listen: localhost:54 is a forward of TCP, and rules do not touch TCP',
	],
	[
		'rules: [{port: 53, policy: fec 9}]',
		'rules[0].policy: not fec, fec cheap, or fec with a traffic factor up to 4 (fec 1.5): "fec 9"',
	],
	[
		'rules: [{port: 53, policy: pin lt}]',
		'rules[0].policy: no path is called "lt" (did you mean "lte"?)',
	],
	[
		`policies: {voice: {${V}}}\nrules: [{port: 53, policy: vioce}]`,
		'rules[0].policy: no policy is called "vioce" (did you mean "voice"?)',
	],
	[
		'default: zzzzzz',
		'default: no policy is called "zzzzzz" (there are "redundant", "redundant N", "best", ' +
			'"pin PATH", "fec", "fec cheap", "fec T")',
	],
	['default: [best]', 'default: not a policy: a list'],
	['default: bond', 'default: not a policy of this version: "bond"'],
];

for (const [line, ...problems] of MISTAKES) {
	test(`${JSON.stringify(line)} is refused, with its line`, (t) => {
		const where = `c.yaml:${FIRST + line.split('\n').length - 1}`;
		const expected = problems.map((problem) => `${where}: ${problem}`);
		t.deepEqual(problemsOf(t, resolveIn(t, `${line}\n`)), expected);
	});
}

test('a policy that nothing uses is a warning', (t) => {
	const yaml = `policies: {v: {${V}}, w: {${V}}, x: {${V}}}\nrules: [{port: 1, policy: v}]\n`;
	const {warnings} = resolveIn(t, yaml, {policy: 'x'})();
	t.deepEqual(warnings, ['no rule gives the policy "w" to a flow']);
});

test('a policy that is wrong causes no second problem where it is used', (t) => {
	const yaml = 'policies: {v: {residual: 1%}}\nrules: [{port: 1, policy: v}]\ndefault: v\n';
	t.deepEqual(problemsOf(t, resolveIn(t, yaml)), [
		`c.yaml:${FIRST}: policies.v: within is missing`,
	]);
});

test('paths, listeners and logins that are missing for another reason are not missed', (t) => {
	const yaml = `lisen: 1\ncopies: 99\nrules: [{listen: 1, user: x, port: 1, policy: pin x}]\n`;
	t.is(problemsOf(t, resolveIn(t, yaml)).length, 2);
});

test('flags and forwards are named in what is said of their policies', (t) => {
	t.deepEqual(problemsOf(t, resolveIn(t, '', {policy: 'fecc'})), [
		'--policy: no policy is called "fecc" (did you mean "fec"?)',
	]);
	t.deepEqual(problemsOf(t, resolveIn(t, '', {forward: ['udp:53=a:1,policy=pin x']})), [
		'--forward: forward udp:localhost:53: no path is called "x"',
	]);
	const forwards: readonly (readonly [string, string])[] = [
		['tcp:1=a:2,policy=best', 'a forward with a policy: policies are for UDP alone'],
		['udp:1=a:2,policy=', 'a forward with ,policy=NAME behind it'],
		['udp:1=a:2,best', 'a forward with ,policy=NAME behind it'],
	];
	for (const [forward, expected] of forwards) {
		const problems = problemsOf(t, resolveIn(t, '', {forward: [forward]}));
		t.deepEqual(problems, [`--forward: not ${expected}: "${forward}"`]);
	}
});

test('no session has room for more policies or rules than there may be', (t) => {
	const rules = (count: number, policy: (index: number) => string) =>
		`rules: [${Array.from({length: count}, (_, i) => `{port: ${i + 1}, policy: ${policy(i)}}`)}]\n`;
	const coded = (count: number) => rules(count, (index) => `fec 1.${index + 1}`);
	t.notThrows(resolveIn(t, coded(8)));
	const where = `c.yaml:${FIRST}: rules: `;
	t.deepEqual(problemsOf(t, resolveIn(t, coded(9))), [
		`${where}9 fec policies are in use, at most 8 are possible`,
	]);
	const plain = (index: number) =>
		index < 16
			? `redundant ${index + 1}`
			: index === 16
				? 'best'
				: index === 17
					? 'pin dsl'
					: 'pin lte';
	t.notThrows(resolveIn(t, rules(30, plain)));
	const paths = Array.from({length: 16}, (_, index) => `b ${index + 1} name=p${index}`);
	const many = (index: number) => (index < 16 ? plain(index) : `pin p${index - 16}`);
	const cwd = folderOf(t, {'d.yaml': `paths: ${JSON.stringify(paths)}\n${rules(32, many)}`});
	t.deepEqual(
		problemsOf(t, () => resolveClientOptions({config: 'd.yaml'}, {env: {}, cwd})),
		['d.yaml:2: rules: 32 policies besides redundant are in use, at most 31 are possible'],
	);
	t.notThrows(
		resolveIn(
			t,
			rules(1000, () => 'best'),
		),
	);
	t.deepEqual(
		problemsOf(
			t,
			resolveIn(
				t,
				rules(1001, () => 'best'),
			),
		),
		[`${where}1001 rules, at most 1000 are possible`],
	);
});
