import test, {type ExecutionContext} from 'ava';
import {resolveServerOptions, type ServerFlags} from '../../src/config/server.ts';
import {folderOf, KEYS, problemsOf} from './surroundings.ts';

const [KEY, OTHER, THIRD] = KEYS;
const TARGET: ServerFlags = {port: '2000', host: '127.0.0.1', targetPort: '1194'};
const USERS = `
- name: alice
  key: ${KEY}
- name: bob
  keyFile: bob.key
  target: 127.0.0.1 1195
  limits: {flows: 10, newFlows: 5}
- name: carol
  key: ${THIRD}
  exit: false
`;

const NO_LIMITS = {
	sessions: undefined,
	flows: undefined,
	newFlows: undefined,
	connections: undefined,
	newConnections: undefined,
	memory: undefined,
	traffic: undefined,
	lanes: undefined,
};

function resolveIn(t: ExecutionContext, flags: ServerFlags, files: Record<string, string> = {}) {
	const cwd = folderOf(t, {'users.yaml': USERS, 'bob.key': OTHER, 'a.key': KEY, ...files});
	return () => resolveServerOptions(flags, {env: {}, cwd});
}

test('a file of users gives keys, targets and limits', (t) => {
	const {options, warnings} = resolveIn(t, {...TARGET, users: 'users.yaml'})();
	t.false(options.keys.keyless);
	t.deepEqual(options.keys.keyless ? [] : options.keys.users.map(({name}) => name), [
		'alice',
		'bob',
		'carol',
	]);
	t.like(options.users.get('bob'), {
		target: {host: '127.0.0.1', port: 1195},
		limits: {...NO_LIMITS, flows: 10, newFlows: 5},
		exit: undefined,
	});
	t.is(options.users.get('carol')?.exit, false);
	t.is(options.exit, undefined);
	t.deepEqual(warnings, []);
});

test('a user may have limits of every kind', (t) => {
	const counts = {sessions: 3, flows: 10, newFlows: 5, connections: 40, newConnections: 8};
	const limits = {...counts, traffic: 1.5, lanes: 0};
	const text = `- {name: a, key: ${KEY}, limits: ${JSON.stringify({...limits, memory: '64MiB'})}}`;
	const {options} = resolveIn(t, {...TARGET, users: 'f.yaml'}, {'f.yaml': text})();
	t.deepEqual(options.users.get('a')?.limits, {...limits, memory: 2 ** 26});
});

test('the list may be the field users, and the configuration may name the file', (t) => {
	const files = {
		'm.yaml': `users:${USERS.replaceAll('\n', '\n  ')}`,
		's.yaml': 'port: 2000\ntarget: 127.0.0.1 1\nusers: m.yaml\n',
	};
	const {options} = resolveIn(t, {config: 's.yaml'}, files)();
	t.is(options.users.size, 3);
	t.is(options.keys.keyless ? 0 : options.keys.users.length, 3);
});

test('users have rules of their own where the server is an exit', (t) => {
	const rules = `[{name: a, key: ${KEY}, allow: 10.0.0.0/8, deny: ["*:25", x.example]}]`;
	const {options} = resolveIn(t, {port: '1', users: 'r.yaml'}, {'r.yaml': rules})();
	const user = options.users.get('a');
	t.deepEqual(
		[user?.allow, user?.deny].map((list) => list?.map(({text}) => text)),
		[['10.0.0.0/8'], ['*:25', 'x.example']],
	);
});

test('targets of users alone make no exit', (t) => {
	const one = `[{name: a, key: ${KEY}, target: 127.0.0.1 5}]`;
	const {options} = resolveIn(t, {port: '1', users: 'o.yaml'}, {'o.yaml': one})();
	t.is(options.exit, undefined);
	t.is(options.target, undefined);
});

const MISTAKES: readonly [why: string, flags: ServerFlags, file: string, problem: RegExp][] = [
	[
		'a user without anything to reach',
		{port: '1', users: 'f.yaml'},
		`[{name: a, key: ${KEY}, target: h 5}, {name: b, key: ${OTHER}}]`,
		/^user "b" has nothing to reach: give it a target, or the server one, or --exit$/,
	],
	[
		'rules without an exit',
		{...TARGET, users: 'f.yaml'},
		`[{name: a, key: ${KEY}, deny: 10.0.0.0/8}]`,
		/^user "a" has rules \(allow, deny\) that mean nothing: it may not choose targets$/,
	],
	[
		'an exit for one user of a server that is none',
		{...TARGET, users: 'f.yaml'},
		`[{name: a, key: ${KEY}, exit: true}]`,
		/^user "a" may choose targets \(exit\), but the server is no exit: it takes --exit$/,
	],
	[
		'equal keys',
		{...TARGET, users: 'f.yaml'},
		`[{name: a, key: ${KEY}}, {name: b, keyFile: a.key}]`,
		/: equal keys: "a" \(f\.yaml.*\) and "b" \(f\.yaml.*a\.key:1\)$/,
	],
	[
		'a bad limit',
		{...TARGET, users: 'f.yaml'},
		`[{name: a, key: ${KEY}, limits: {flows: 0}}]`,
		/^f\.yaml:1: \[0\]\.limits\.flows: not 1 to 1000000: "0"$/,
	],
	[
		'memory without a unit that makes sense',
		{...TARGET, users: 'f.yaml'},
		`- name: a\n  key: ${KEY}\n  limits:\n    sessions: 3\n    memory: 12\n`,
		/^f\.yaml:5: \[0\]\.limits\.memory: not a size of 1MiB to 1024GiB such as 256MiB: "12"$/,
	],
	[
		'a limit that there is not',
		{...TARGET, users: 'f.yaml'},
		`- name: a\n  key: ${KEY}\n  limits: {session: 3}\n`,
		/^f\.yaml:3: \[0\]\.limits\.session: .*did you mean "?sessions"?/,
	],
	[
		'a file that is no YAML',
		{...TARGET, users: 'a.key'},
		'',
		/^--users: users file "a\.key" is not named \.yaml, \.yml or \.json$/,
	],
	['an empty list', {...TARGET, users: 'f.yaml'}, '[]', /is an empty list/],
];

for (const [why, flags, file, problem] of MISTAKES) {
	test(`${why} is said`, (t) => {
		const problems = problemsOf(t, resolveIn(t, flags, {'f.yaml': file}));
		t.true(
			problems.some((line) => problem.test(line)),
			problems.join('\n'),
		);
	});
}
