import test from 'ava';
import fc from 'fast-check';
import {parseBuiltIn} from '../../src/policy/built-in.ts';
import {type FlowFacts, REDUNDANT} from '../../src/policy/policy.ts';
import {NO_RULES, type PolicyRule, PolicyRules} from '../../src/policy/rules.ts';
import {parsePortRange, parseTargetPattern} from '../../src/text/target-pattern.ts';

const BEST = parseBuiltIn('best')!;

interface Conditions {
	readonly port?: readonly string[];
	readonly listener?: readonly number[];
	readonly target?: readonly string[];
	readonly user?: readonly string[];
}

function rule({port = [], listener = [], target = [], user = []}: Conditions): PolicyRule {
	return {
		...{label: 'rule', where: '', text: '', policy: BEST, listeners: listener, users: user},
		ports: port.map(parsePortRange),
		targets: target.map(parseTargetPattern),
	};
}

/** Facts from `HOST PORT LISTENER USER`, a `-` for what is not known or not there. */
function facts(text: string): FlowFacts {
	const [host = '', port = '', listener = '0', user = '-'] = text.split(' ');
	return {
		host: host === '-' ? undefined : host,
		port: port === '-' ? 0 : Number(port),
		listener: Number(listener),
		user: user === '-' ? '' : user,
	};
}

const MATCHES: readonly (readonly [Conditions, yes: readonly string[], no: readonly string[]])[] = [
	[{port: ['53']}, ['a.example 53', '10.0.0.1 53', '2001:db8::1 53'], ['a.example 54', '- -']],
	[
		{port: ['53', '1000-1002']},
		['a 53', 'a 1000', 'a 1002'],
		['a 52', 'a 54', 'a 999', 'a 1003', 'a 0', '- -'],
	],
	[{port: ['1-65535']}, ['a 1', 'a 65535'], ['a 0', '- -', '- 53']],
	[{listener: [1]}, ['a 1 1', '- - 1'], ['a 1 0', '- - 2', '- - -1']],
	[{listener: [1, 3]}, ['- - 1', '- - 3'], ['- - 2']],
	[{user: ['alice']}, ['a 1 0 alice'], ['a 1 0 bob', 'a 1 0 -', 'a 1 0 Alice', '- -']],
	[{user: ['alice', 'bob']}, ['a 1 0 bob'], ['a 1 0 carol']],
	[{target: ['*']}, ['a.example 1', '10.0.0.1 1', '::1 65535'], ['- -', '- 53', 'a 0']],
	[{target: ['*:443']}, ['a.example 443', '::1 443'], ['a.example 80']],
	[
		{target: ['a.example']},
		['a.example 1', 'A.Example. 2'],
		['b.example 1', 'x.a.example 1', '10.0.0.1 1', 'xa.example 1'],
	],
	[
		{target: ['*.a.example']},
		['x.a.example 1', 'y.x.a.example 1', 'X.A.EXAMPLE. 1'],
		['a.example 1', 'xa.example 1', '.a.example 1', '10.0.0.1 1'],
	],
	[{target: ['*.a.example:10-12']}, ['x.a.example 11'], ['x.a.example 13', 'a.example 11']],
	[
		{target: ['10.0.0.0/8']},
		['10.1.2.3 1', '::ffff:10.1.2.3 1'],
		['11.0.0.1 1', '::a01:203 1', '10.example 1'],
	],
	[{target: ['[2001:db8::/32]:53']}, ['2001:db8::7 53'], ['2001:db9::7 53', '2001:db8::7 54']],
	[{target: ['192.0.2.7', 'a']}, ['192.0.2.7 1', 'a 1'], ['192.0.2.8 1', 'b 1']],
	[
		{target: ['*.a'], port: ['53'], user: ['alice'], listener: [2]},
		['x.a 53 2 alice'],
		['x.b 53 2 alice', 'x.a 54 2 alice', 'x.a 53 1 alice', 'x.a 53 2 bob'],
	],
	// Neither a name nor an address, as a frame may have it.
	[{target: ['127.0.0.0/8', '*.a']}, [], ['2130706433 1', '127.1 1', '0x7f.1 1', 'x..a 1']],
];

for (const [conditions, yes, no] of MATCHES) {
	test(`${JSON.stringify(conditions)} matches what it should`, (t) => {
		const rules = new PolicyRules([rule(conditions)], REDUNDANT);
		for (const text of yes) t.is(rules.choose(facts(text)), BEST, text);
		for (const text of no) t.is(rules.choose(facts(text)), REDUNDANT, text);
	});
}

test('a star matches no fixed target, and in front of a name not that name', (t) => {
	const all = new PolicyRules([rule({target: ['*']})], REDUNDANT);
	t.is(all.choose({listener: 0, user: '', host: undefined, port: 53}), REDUNDANT);
	const below = new PolicyRules([rule({target: ['*.a.example']})], REDUNDANT);
	t.is(below.choose(facts('x.a.example 53')), BEST);
	for (const name of ['a.example', 'xa.example']) {
		t.is(below.choose(facts(`${name} 53`)), REDUNDANT);
	}
});

test('the first rule that matches decides, and is named', (t) => {
	const cheap = parseBuiltIn('fec cheap')!;
	const first = rule({port: ['53']});
	const second = {...rule({target: ['*.example']}), policy: cheap};
	const rules = new PolicyRules([first, second, {...second, policy: REDUNDANT}], REDUNDANT);
	t.deepEqual(rules.explain(facts('a.example 53')), {rule: first, policy: BEST});
	t.deepEqual(rules.explain(facts('a.example 54')), {rule: second, policy: cheap});
	t.deepEqual(rules.explain(facts('a.test 54')), {rule: undefined, policy: REDUNDANT});
	t.deepEqual(rules.policies(), [REDUNDANT, BEST, cheap]);
	t.false(rules.isPlain);
	t.true(NO_RULES.isPlain);
	t.true(new PolicyRules([{...first, policy: REDUNDANT}], REDUNDANT).isPlain);
	t.false(new PolicyRules([], parseBuiltIn('redundant 2')!).isPlain);
});

test('whatever the facts are, there is a policy', (t) => {
	const patterns = ['*', '*.a', 'a', '10.0.0.0/8', '::/0'];
	const rules = new PolicyRules(
		patterns.map((target) => rule({target: [target], port: ['7']})),
		REDUNDANT,
	);
	const host = fc.option(fc.oneof(fc.string(), fc.ipV4(), fc.ipV6(), fc.domain()), {
		nil: undefined,
	});
	fc.assert(
		fc.property(host, fc.integer(), fc.integer(), fc.string(), (name, port, listener, user) => {
			const policy = rules.choose({host: name, port, listener, user});
			t.is(policy, name !== undefined && port === 7 ? BEST : REDUNDANT);
		}),
		{numRuns: 1000},
	);
});
