import test from 'ava';
import {attempt, ConfigError, formatProblem, ProblemList} from '../../src/config/errors.ts';
import {ValueError} from '../../src/text/value-error.ts';

test('formats a problem with the parts it has', (t) => {
	t.is(formatProblem({where: 'a:1', field: 'b.c', reason: 'is bad'}), 'a:1: b.c: is bad');
	t.is(formatProblem({where: 'a:1', field: '', reason: 'is bad'}), 'a:1: is bad');
	t.is(formatProblem({where: '', field: '--b', reason: 'is bad'}), '--b: is bad');
	t.is(formatProblem({where: '', field: '', reason: 'bad'}), 'bad');
});

test('throws all problems at once, or nothing', (t) => {
	const problems = new ProblemList();
	t.notThrows(() => problems.throwIfAny());
	problems.add('', '', 'one');
	problems.add('f', '', 'two');
	const error = t.throws(() => problems.throwIfAny(), {instanceOf: ConfigError});
	t.is(error.message, 'one\nf: two');
	t.is(error.exitCode, 2);
	t.is(error.name, 'ConfigError');
	t.is(error.problems.length, 2);
});

test('keeps a bounded number of problems and counts the rest', (t) => {
	const problems = new ProblemList();
	for (let index = 0; index < 100_000; index++) problems.add('', '', 'bad');
	t.is(problems.length, 100_000);
	const error = t.throws(() => problems.throwIfAny(), {instanceOf: ConfigError});
	t.is(error.problems.length, 1001);
	t.is(error.problems.at(-1)?.reason, 'and 99000 more problems');
});

test('attempt reports value errors and lets others pass', (t) => {
	const reports: string[] = [];
	const report = (error: ValueError) => reports.push(error.message);
	t.is(
		attempt(() => 1, report),
		1,
	);
	t.is(
		attempt(() => {
			throw new ValueError('a port', '"x"');
		}, report),
		undefined,
	);
	t.deepEqual(reports, ['not a port: "x"']);
	t.throws(
		() =>
			attempt(() => {
				throw new TypeError('ours');
			}, report),
		{instanceOf: TypeError},
	);
});
