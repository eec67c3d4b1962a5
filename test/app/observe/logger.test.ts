import {EventEmitter} from 'node:events';
import {PassThrough} from 'node:stream';
import test from 'ava';
import fc from 'fast-check';
import {LogSink} from '../../../src/app/observe/log-sink.ts';
import {createLogger, type Logger, type LoggerInit} from '../../../src/app/observe/logger.ts';

const NOON = Date.UTC(2026, 0, 31, 12);

function collect(init: Partial<LoggerInit> = {}): {log: Logger; lines: string[]} {
	const lines: string[] = [];
	const sink = (line: string) => lines.push(line);
	return {
		lines,
		log: createLogger({level: 'info', format: 'text', now: () => NOON, sink, ...init}),
	};
}

test('text lines have time, level, message and fields', (t) => {
	const {log, lines} = collect();
	log.info('path up', {path: 'lte', rtt: 12.5, first: true, none: undefined, nil: null, big: 1n});
	t.deepEqual(lines, [
		'2026-01-31T12:00:00.000Z info path up path=lte rtt=12.5 first=true nil=null big=1\n',
	]);
});

test('text fields are quoted where they need it, and lists and errors are shown', (t) => {
	const {log, lines} = collect();
	log.warn('x', {a: 'b c', e: '', q: 'a"b', n: 'a\nb', list: [1, 'x'], error: new Error('no way')});
	t.is(
		lines[0]?.slice(25),
		'warn x a="b c" e="" q="a\\"b" n="a\\nb" list=[1,"x"] error="no way"\n',
	);
});

test('JSON lines parse, with the same content', (t) => {
	const {log, lines} = collect({format: 'json'});
	log.error('bad "thing"', {
		path: 'a\u001b[31m',
		nested: {rtt: [1, 2]},
		big: 2n,
		cause: new Error('e'),
	});
	t.is(lines.length, 1);
	t.deepEqual(JSON.parse(lines[0] ?? ''), {
		time: '2026-01-31T12:00:00.000Z',
		level: 'error',
		message: 'bad "thing"',
		path: 'a\u001b[31m',
		nested: {rtt: [1, 2]},
		big: '2',
		cause: 'e',
	});
});

test('no field of a JSON line can forge its level, time or message', (t) => {
	const {log, lines} = collect({format: 'json'});
	log.info('m', {level: 'error', message: 'x', time: 'y'});
	t.like(JSON.parse(lines[0] ?? ''), {level: 'info', message: 'm', level_: 'error', message_: 'x'});
});

test('writes its level and the more important ones', (t) => {
	for (const [level, expected] of [
		['error', 1],
		['warn', 2],
		['info', 3],
		['debug', 4],
	] as const) {
		const {log, lines} = collect({level});
		log.error('e');
		log.warn('w');
		log.info('i');
		log.debug('d');
		t.is(lines.length, expected);
		t.is(log.level, level);
		t.is(log.isEnabled('debug'), level === 'debug');
		t.true(log.isEnabled('error'));
	}
});

test('a child adds its fields to every line', (t) => {
	const {log, lines} = collect();
	log.child({session: 7}).child({path: 'a'}).info('m', {x: 1});
	t.is(lines[0]?.slice(25), 'info m session=7 path=a x=1\n');
});

test('limited lets one call per key and time through and counts the others', (t) => {
	let now = NOON;
	const {log, lines} = collect({now: () => now});
	const drop = (key: string) => log.limited(key, 1000).info('dropped', {key});
	for (let index = 0; index < 10; index++) drop('a');
	drop('b');
	now += 999;
	drop('a');
	now += 1;
	drop('a');
	now += 1000;
	drop('a');
	t.deepEqual(
		lines.map((line) => line.slice(25)),
		[
			'info dropped key=a\n',
			'info dropped key=b\n',
			'info dropped suppressed=10 key=a\n',
			'info dropped key=a\n',
		],
	);
});

test('a limited logger is silent in every way, its children too', (t) => {
	const {log, lines} = collect({level: 'debug'});
	log.limited('k', 1000).debug('first');
	const silent = log.limited('k', 1000);
	for (const logger of [silent, silent.child({a: 1}), silent.limited('other', 1)]) {
		logger.error('e');
		logger.warn('w');
		logger.info('i');
		logger.debug('d');
		t.false(logger.isEnabled('error'));
		t.is(logger.level, 'debug');
	}
	t.is(lines.length, 1);
});

test('a clock that is set back silences no key', (t) => {
	let now = NOON;
	const {log, lines} = collect({now: () => now});
	log.limited('a', 1000).info('m');
	now -= 3_600_000;
	log.limited('a', 1000).info('m');
	t.is(lines.length, 2);
});

test('when the time of a key is over, one example of what was held back is written with the count', (t) => {
	let now = NOON;
	const timers: {readonly at: number; readonly action: () => void}[] = [];
	const later = (millis: number, action: () => void) => timers.push({at: now + millis, action});
	const {log, lines} = collect({now: () => now, later});
	for (let index = 0; index < 10_000; index++) {
		now = NOON + index / 10;
		log.child({who: 'me'}).limited('a', 60_000).warn('refused', {from: index});
	}
	t.is(lines.length, 1);
	t.is(timers.length, 1);
	now = timers[0]!.at;
	timers[0]!.action();
	// A flood that goes on is one line a minute.
	for (let index = 0; index < 10_000; index++) log.limited('a', 60_000).warn('refused');
	t.deepEqual(
		lines.map((line) => line.slice(25)),
		['warn refused who=me from=0\n', 'warn refused suppressed=9998 who=me from=9999\n'],
	);
	t.is(timers.length, 2);
});

test('a key may have a burst, and a line may stand for several', (t) => {
	const {log, lines} = collect({later: () => {}});
	for (let index = 0; index < 5; index++) log.limited('a', 1000, {burst: 3}).info('m', {index});
	log.limited('b', 1000, {times: 7}).info('m');
	t.deepEqual(
		lines.map((line) => line.slice(25)),
		['info m index=0\n', 'info m index=1\n', 'info m index=2\n', 'info m suppressed=6\n'],
	);
});

test('beyond a number of keys all new ones are one, until the time of the others is over', (t) => {
	let now = NOON;
	const {log, lines} = collect({now: () => now, later: () => {}});
	for (let index = 0; index < 5000; index++) log.limited(`key ${index}`, 60_000).info('m');
	t.is(lines.length, 1025);
	log.limited('key 0', 60_000).info('m');
	t.is(lines.length, 1025);
	now += 60_000;
	for (let index = 5000; index < 6000; index++) log.limited(`key ${index}`, 60_000).info('m');
	t.is(lines.length, 2025);
});

test('whatever the fields hold, one printable line comes out and nothing is thrown', (t) => {
	const cycle: {self?: object} = {};
	cycle.self = cycle;
	const thrower = {
		get a(): never {
			throw new Error('no');
		},
	};
	for (const format of ['text', 'json'] as const) {
		const {log, lines} = collect({format});
		log.info('m', {cycle, thrower, deep: {now: new Date(Number.NaN)}});
		log.info('a\nb');
		createLogger({
			level: 'info',
			format,
			now: () => Number.NaN,
			sink: (line) => lines.push(line),
		}).info('m');
		fc.assert(
			fc.property(fc.string({unit: 'binary'}), fc.anything(), (text, value) => {
				log.info(text, {text, value: value instanceof Object ? value : String(value)});
			}),
		);
		t.is(lines.length, 103);
		for (const line of lines) {
			// biome-ignore lint/suspicious/noControlCharactersInRegex: none may get through
			t.regex(line, /^[^\u0000-\u001f\u007f-\u009f\u2028\u2029]*\n$/);
			if (format === 'json') t.notThrows(() => JSON.parse(line));
		}
	}
});

test('outside strings are cut at 255 characters, messages are not', (t) => {
	const long = 'x'.repeat(1000);
	const text = collect();
	text.log.info(long, {long});
	t.is(
		text.lines[0]?.length,
		'2026-01-31T12:00:00.000Z info '.length + 1000 + ' long='.length + 255 + 1,
	);
	const json = collect({format: 'json'});
	json.log.info('m', {long, nested: [long]});
	const {long: cut, nested} = JSON.parse(json.lines[0] ?? '');
	t.is(cut, `${'x'.repeat(254)}…`);
	t.is(nested[0], cut);
});

test('a sink that throws and a stream that breaks are ignored', (t) => {
	const {log} = collect({
		sink() {
			throw new Error('EPIPE');
		},
	});
	t.notThrows(() => log.error('m'));
	const stream = new PassThrough();
	const {write: sink} = new LogSink(stream);
	stream.destroy(new Error('EPIPE'));
	t.notThrows(() => sink('line\n'));
	t.true(stream instanceof EventEmitter && stream.listenerCount('error') > 0);
});

test('the stream gets whole lines', (t) => {
	const stream = new PassThrough();
	const {log} = collect({sink: new LogSink(stream).write});
	log.info('a');
	log.info('b');
	t.is(String(stream.read()).split('\n').length, 3);
});
