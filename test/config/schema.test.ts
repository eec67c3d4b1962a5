import {readdirSync, readFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import {join} from 'node:path';
import test from 'ava';
import {parse} from 'yaml';
import type {Schema} from '../../src/config/option.ts';
import {example} from '../support/documents/document.ts';
import {SCHEMAS, schemaText} from './documents/schemas.ts';
import {FIXTURES} from './surroundings.ts';

interface Ajv {
	compile(schema: Schema): (value: unknown) => boolean;
}

const require = createRequire(import.meta.url);
const {Ajv} = require('ajv') as {
	readonly Ajv: new (options: object) => Ajv;
};

// Types in a list are how a port may be written: as a number or as text.
const ajv = new Ajv({allowUnionTypes: true, strict: true, strictRequired: false});

const [client, server, users] = ['mpclient', 'mpserver', 'users'].map((name) => {
	const schema = readFileSync(join(FIXTURES, `${name}.schema.json`), 'utf8');
	return ajv.compile(JSON.parse(schema) as Schema);
}) as [Check, Check, Check];

type Check = (value: unknown) => boolean;

const INVALID = join(FIXTURES, 'invalid');

/** Files whose mistakes are none of their form: of syntax, of secrets, or of several values together. */
const BEYOND_SCHEMAS = [
	...['aliases.yaml', 'brackets.yaml', 'syntax.yaml', 'twice.yaml'],
	...['two-keys.yaml', 'zero-key.yaml', 'server-equal-keys.yaml', 'server-no-target.yaml'],
	'server-users-not-encrypted.yaml',
];

for (const [name, schema] of Object.entries(SCHEMAS)) {
	test(`${name} is what the descriptors yield`, (t) => {
		t.is(readFileSync(join(FIXTURES, name), 'utf8'), schemaText(schema), 'npm run options');
	});
}

function fixture(name: string): unknown {
	return parse(readFileSync(join(FIXTURES, name), 'utf8'));
}

test('the full examples are valid, for their own program only', (t) => {
	t.true(client(fixture('full-client.yaml')));
	t.true(server(fixture('full-server.yaml')));
	t.false(client(fixture('full-server.yaml')));
	t.false(server(fixture('full-client.yaml')));
});

test('the examples of the document are valid', (t) => {
	const of = (name: string): unknown => parse(example('src/config/README.md', name));
	t.true(client(of('mpclient.yaml')));
	t.true(client(of('rules.yaml')));
	t.true(server(of('mpserver.yaml')));
	t.true(users(of('users.yaml')));
	t.true(users({users: of('users.yaml')}));
	t.false(users([]));
	t.false(users([{name: 'a'}]));
	t.false(users([{name: 'a', keyFile: 'a.key', limits: {flow: 1}}]));
});

for (const name of readdirSync(INVALID)) {
	if (!/\.(yaml|json)$/.test(name) || BEYOND_SCHEMAS.includes(name)) continue;
	test(`the mistakes of ${name} are seen by the schema`, (t) => {
		const check = name.startsWith('server-') ? server : client;
		t.false(check(fixture(`invalid/${name}`)));
	});
}

const LISTED: readonly [line: string, valid: boolean][] = [
	['listen: 3000', true],
	['listen: localhost:3000', true],
	['listen: false', true],
	['listen: true', false],
	['copies: 16', true],
	['copies: "3"', true],
	['copies: 17', false],
	['hold: 500ms', true],
	['hold: 500', false],
	['keyFile: [a.key, b.key]', true],
	['keyFile: []', false],
	['logLevel: loud', false],
	['socksAuthReply: 5', true],
	['lisen: 3000', false],
	['paths: [{host: a, port: 1, rate: {up: 1mbit}}]', false],
	['default: fec 1.5', true],
	['default: [best]', false],
	['policies: {v: {residual: 0.01%, within: 30ms}}', true],
	['policies: {v: {residual: 0.01, within: 30ms}}', false],
	['policies: {v: {residual: 0.01%}}', false],
	['policies: {v: {residual: 0.01%, within: 30ms, traffic: 5}}', false],
	['policies: {v: {residual: 0.01%, within: 30ms, floor: "1.5"}}', true],
	['rules: [{port: [53, 1-2], user: a, target: "*.b", listen: 3000, policy: best}]', true],
	['rules: [{port: 53}]', false],
	['rules: [{port: 0, policy: best}]', false],
	['rules: [{protocol: tcp, policy: best}]', false],
	['rules: {port: 53, policy: best}', false],
	['forward: "udp:53=9.9.9.9:53,policy=fec 1.5"', true],
	['forward: "udp:53=9.9.9.9:53,best"', false],
];

for (const [line, valid] of LISTED) {
	test(`${line} is ${valid ? 'valid' : 'not valid'} for an editor`, (t) => {
		t.is(client({paths: ['a 1'], ...(parse(line) as object)}), valid);
	});
}
