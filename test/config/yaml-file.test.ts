import test from 'ava';
import fc from 'fast-check';
import {ConfigError, ProblemList} from '../../src/config/errors.ts';
import {isYamlName, parseYamlFile} from '../../src/config/yaml-file.ts';
import {WorkCounter} from '../support/machine/work-counter.ts';

const counter = new WorkCounter(/\/build\/src\/config\/|\/node_modules\/yaml\//);
test.after(() => counter.stop());

/** Steps that a file may take until it is refused: a step takes 1 to 2 ns. */
const MOST_STEPS = 10_000_000;

const ORIGIN = {folder: '/', othersCanRead: false};

function problems(text: string): string {
	const list = new ProblemList();
	parseYamlFile('f.yaml', text, list, ORIGIN);
	try {
		list.throwIfAny();
		return '';
	} catch (error) {
		return error instanceof ConfigError ? error.message : String(error);
	}
}

test('knows YAML and JSON by the end of the name', (t) => {
	for (const name of ['a.yaml', 'a.yml', 'a.json', '/x.conf/A.YAML']) t.true(isYamlName(name));
	for (const name of ['a', 'a.conf', 'yaml', 'a.yaml.bak', 'a.yaml/b']) t.false(isYamlName(name));
});

test('mappings become Maps, so that no field name is special', (t) => {
	const file = parseYamlFile('f', '__proto__: {a: 1}\nconstructor: 2\n', new ProblemList(), ORIGIN);
	t.deepEqual(
		file?.value,
		new Map<string, unknown>([
			['__proto__', new Map([['a', 1]])],
			['constructor', 2],
		]),
	);
});

test('places know their line and dotted path, through lists, nested fields and aliases', (t) => {
	const text = 'a: &x\n  - b: 1\n    c: 2\n  - 3\nd: *x\n"e f": 4\n';
	const place = parseYamlFile('f"\n.yaml', text, new ProblemList(), ORIGIN)?.place;
	const c = place?.child('a').child(0).child('c');
	t.is(c?.field, 'a[0].c');
	t.is(c?.where, 'f\\"\\n.yaml:3');
	t.is(place?.child('a').child(1).where, 'f\\"\\n.yaml:4');
	t.is(place?.child('d').child(0).child('c').where, 'f\\"\\n.yaml:3');
	t.is(place?.child('e f').where, 'f\\"\\n.yaml:6');
	t.is(place?.child('e f').field, '["e f"]');
	t.is(place?.child('none').where, 'f\\"\\n.yaml:1');
});

test('a file of nothing or of comments holds undefined', (t) => {
	for (const text of ['', '\n', '# x\n', '---\n', 'null', '\ufeff']) {
		t.is(parseYamlFile('f', text, new ProblemList(), ORIGIN)?.value, undefined);
		t.is(problems(text), '');
	}
});

test('deep nesting is refused before the stack is in danger', (t) => {
	const stairs = Array.from({length: 400}, (_, index) => `${' '.repeat(index)}a:`).join('\n');
	for (const text of ['[', '{a: ', '- ', '? ', '-\t', '[{a: '].map((open) =>
		open.repeat(150_000),
	)) {
		t.is(problems(text), 'f.yaml: not valid YAML: nested too deeply', text.slice(0, 9));
	}
	t.is(problems(stairs), 'f.yaml: not valid YAML: nested too deeply');
	t.is(problems(`a: ${'['.repeat(40)}${']'.repeat(40)}`), '');
	t.is(problems(`# ${'-'.repeat(1000)}\na: b\n`), '');
});

test('a file of a megabyte is refused after so many steps at most', (t) => {
	const keys = Array.from({length: 100_000}, (_, index) => `k${index}`);
	for (const text of [
		keys.map((key) => `${key}: 1`).join('\n'),
		`{${keys.join(', ')}}`,
		'&a '.repeat(300_000),
		'!a '.repeat(300_000),
		'a: 1\n'.repeat(200_000),
		`a: &a 1\nb: [${'*a,'.repeat(300_000)}]`,
		'- a\n'.repeat(250_000),
	]) {
		counter.take();
		t.is(problems(text), 'f.yaml: not valid YAML: too much in it');
		const steps = counter.take();
		t.true(steps > 100_000 && steps < MOST_STEPS, `${text.slice(0, 9)}: ${steps} steps`);
	}
});

test('a key in a broken file is not shown', (t) => {
	const key = 'kJQd4N8sPDyiU0b5GIkbJPqOo8sXyyZ2v+LKJVbRQnE=';
	for (const text of [`key: *${key}`, `key: !${key} x`, `? ${key}\n: [`, `%${key}\n---\na`]) {
		t.not(problems(text), '', text);
		t.false(problems(text).includes('kJQd4N8s'), problems(text));
	}
});

test('any text is parsed or refused, never an exception', (t) => {
	const piece = fc.constantFrom(...'[]{}:,-?&*!|>\'"%@`#\n \ta1', '<<', '---', '...', '!!map');
	const text = fc.oneof(
		fc.string({unit: 'binary'}),
		fc.array(piece, {maxLength: 60}).map((pieces) => pieces.join('')),
	);
	fc.assert(
		fc.property(text, (source) => {
			t.notRegex(problems(source), /^(?!f\.yaml).+/);
		}),
		{numRuns: 1000},
	);
});
