import test from 'ava';
import fc from 'fast-check';
import {
	appliedClient,
	appliedServer,
	CLIENT_EFFECTS,
	clientChanges,
	formatChange,
	matchPaths,
	SERVER_EFFECTS,
	serverChanges,
} from '../../src/config/changes.ts';
import type {ClientOptions, PathOptions} from '../../src/config/client.ts';
import type {ServerOptions} from '../../src/config/server.ts';
import {parseRule} from '../../src/exit/rules.ts';
import {NO_RULES, PolicyRules} from '../../src/policy/rules.ts';
import {testClientOptions, testPath, testServerOptions} from '../support/machine/options.ts';

const PATH: fc.Arbitrary<PathOptions> = fc
	.record({
		name: fc.constantFrom('1', '2', 'lte', 'dsl', 'sat'),
		port: fc.constantFrom(4000, 4001),
		backup: fc.boolean(),
		localPort: fc.constantFrom(undefined, 5000),
	})
	.map(({port, ...path}) => testPath(port, path));

/** Options of a client that differ in some of the fields that a reload looks at. */
function clients(base: ClientOptions): fc.Arbitrary<ClientOptions> {
	const forward = (port: number, target: string) => ({
		protocol: 'udp' as const,
		listen: {host: '127.0.0.1', port},
		target: {host: target, port: 53},
		policy: undefined,
	});
	return fc
		.record({
			paths: fc.uniqueArray(PATH, {selector: ({name}) => name, minLength: 1}),
			forwards: fc.subarray([forward(1, 'a'), forward(2, 'a')]),
			copies: fc.constantFrom(undefined, 1),
			policies: fc.constantFrom(NO_RULES, new PolicyRules([], {name: 'best', kind: 'best'})),
			listen: fc.constantFrom(undefined, {host: '::1', port: 7}),
			logLevel: fc.constantFrom('debug' as const, 'info' as const),
			hold: fc.constantFrom(500, 1000),
			encrypt: fc.boolean(),
		})
		.map((options) => ({...base, ...options}));
}

function servers(base: ServerOptions): fc.Arbitrary<ServerOptions> {
	const rules = {allow: [parseRule('10.0.0.0/8')], deny: [], nat64Prefixes: []};
	const special = {target: {host: 'x', port: 1}, exit: false, ...{allow: [], deny: []}};
	const limits = {sessions: 1, flows: undefined, newFlows: undefined, connections: undefined};
	const more = {newConnections: undefined, memory: undefined, traffic: undefined, lanes: undefined};
	const user = {...special, limits: {...limits, ...more}};
	const name = fc.constantFrom('ann', 'bob', 'cid');
	const key = fc.record({
		name,
		psk: fc.constantFrom(1, 2).map((byte) => new Uint8Array(32).fill(byte)),
	});
	return fc
		.record({
			users: fc.uniqueArray(key, {selector: (each) => each.name, minLength: 1}),
			special: fc.subarray(['ann', 'bob']),
			target: fc.constantFrom({host: 'x', port: 1}, {host: 'y', port: 1}, undefined),
			exit: fc.constantFrom(undefined, rules, {...rules, deny: [parseRule('*:25')]}),
			keyless: fc.boolean(),
			maxTraffic: fc.constantFrom(undefined, 2),
			port: fc.constantFrom(1, 2),
		})
		.map(({users, special: named, keyless, ...options}) => ({
			...base,
			...options,
			keys: keyless ? {keyless} : {keyless, users: [users[0]!, ...users.slice(1)]},
			users: new Map(keyless ? [] : named.map((each) => [each, user])),
		}));
}

test('of a client: the difference to itself is empty; applied, nothing differs but what takes a restart', (t) => {
	const all = clients(testClientOptions(t, {paths: []}));
	fc.assert(
		fc.property(all, all, (a, b) => {
			t.deepEqual(clientChanges(a, a), []);
			const changes = clientChanges(a, b);
			const applied = appliedClient(a, b);
			t.deepEqual(
				clientChanges(applied, b),
				changes.filter(({restart}) => restart),
			);
			t.deepEqual(
				clientChanges(a, applied),
				changes.filter(({restart}) => !restart),
			);
			if (changes.every(({restart}) => !restart)) t.deepEqual(applied, b);
		}),
		{seed: 1, numRuns: 300},
	);
});

test('of a server: the same', (t) => {
	const all = servers(testServerOptions(t, {target: undefined}));
	fc.assert(
		fc.property(all, all, (a, b) => {
			t.deepEqual(serverChanges(a, a), []);
			const changes = serverChanges(a, b);
			const applied = appliedServer(a, b);
			t.true(serverChanges(applied, b).every(({restart}) => restart));
			t.true(serverChanges(a, applied).every(({restart}) => !restart));
			if (changes.every(({restart}) => !restart)) t.deepEqual(applied, b);
		}),
		{seed: 2, numRuns: 300},
	);
});

test('a path stays by where it leads, under its name or another', (t) => {
	const [one, two] = [testPath(4000, {name: '1'}), testPath(4001, {name: '2'})];
	const match = (paths: readonly PathOptions[]) =>
		matchPaths([one, two], paths).map(({before}) => before);
	t.deepEqual(match([one, two]), ['1', '2']);
	// The first line is gone: the second one is called 1 now.
	t.deepEqual(match([{...two, name: '1'}]), ['2']);
	t.deepEqual(match([{...one, backup: true}]), ['1']);
	t.deepEqual(match([{...one, port: 9}]), [undefined]);
	t.deepEqual(match([one, {...one, name: '3'}]), ['1', undefined]);
});

test('changes in words name what takes a restart', (t) => {
	const before = testClientOptions(t, {
		paths: [testPath(1, {name: 'a'}), testPath(2, {name: 'b'})],
	});
	const paths = [testPath(1, {name: 'a', backup: true}), testPath(3, {name: 'c'})];
	const next = {...before, paths, logLevel: 'info' as const, hold: 9};
	t.deepEqual(clientChanges(before, next).map(formatChange), [
		'path "b" removed',
		'path "a" changed',
		'path "c" added',
		'hold changed: takes a restart',
		'log level changed',
	]);
});

test('every option either changes while a program runs or takes a restart', (t) => {
	const client = Object.keys(testClientOptions(t, {paths: []}));
	const server = Object.keys(testServerOptions(t, {target: undefined}));
	t.deepEqual(
		Object.keys(CLIENT_EFFECTS).sort(),
		client.filter((name) => name !== 'configFile').sort(),
	);
	t.deepEqual(
		Object.keys(SERVER_EFFECTS).sort(),
		server.filter((name) => name !== 'configFile').sort(),
	);
});
