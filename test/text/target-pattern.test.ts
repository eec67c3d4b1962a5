import test from 'ava';
import fc from 'fast-check';
import {parsePortRange, parsePrefix, parseTargetPattern} from '../../src/text/target-pattern.ts';
import {ValueError} from '../../src/text/value-error.ts';

test('a star in front stands for all names below one', (t) => {
	t.deepEqual(parseTargetPattern('*.Game.Example.net.:27000-27100'), {
		text: '*.Game.Example.net.:27000-27100',
		target: {kind: 'below', name: 'game.example.net'},
		firstPort: 27_000,
		lastPort: 27_100,
	});
	for (const text of ['*.', '*..a', '*.*.a', 'a.*', '*a', 'a*.b', '*.10.0.0.1', '*.1', '*./8']) {
		t.throws(() => parseTargetPattern(text), {instanceOf: ValueError}, text);
	}
});

test('a range of ports is read as behind a target', (t) => {
	t.deepEqual(parsePortRange('53'), {firstPort: 53, lastPort: 53});
	t.deepEqual(parsePortRange('1-65535'), {firstPort: 1, lastPort: 65_535});
	for (const text of ['', '0', '65536', '2-1', '1-2-3', '-', '053', '1 - 2', '5e3']) {
		t.throws(() => parsePortRange(text), {instanceOf: ValueError}, text);
	}
});

test('throws nothing but its error value, whatever the text', (t) => {
	const piece = fc.constantFrom(...'019afx.:/[]%*-_ '.split(''), '::', '10.0.0.0', 'ffff', '*.');
	const pieces = fc.array(piece, {maxLength: 14}).map((all) => all.join(''));
	fc.assert(
		fc.property(fc.oneof(fc.string(), fc.string({unit: 'binary'}), pieces), (text) => {
			for (const read of [parseTargetPattern, parsePortRange, parsePrefix]) {
				try {
					read(text);
				} catch (error) {
					t.true(error instanceof ValueError, text);
				}
			}
		}),
		{numRuns: 2000},
	);
});
