import {once} from 'node:events';
import {PassThrough} from 'node:stream';
import test from 'ava';
import {LogSink} from '../../../src/app/observe/log-sink.ts';
import {programLogger} from '../../../src/cli/program.ts';
import type {Context} from '../../../src/cli/run.ts';

const LINE = `${'x'.repeat(199)}\n`;

test('a reader that stands still costs bounded memory, and is told how many lines it missed', async (t) => {
	const stream = new PassThrough();
	const sink = new LogSink(stream);
	for (let index = 0; index < 100_000; index++) sink.write(LINE);
	t.true(stream.writableLength + stream.readableLength <= 2 ** 20 + 2 ** 16);
	let text = '';
	stream.on('data', (chunk) => {
		text += chunk;
	});
	await once(stream, 'drain');
	await new Promise((resolve) => setImmediate(resolve));
	sink.write(LINE);
	await new Promise((resolve) => setImmediate(resolve));
	const lines = text.split('\n');
	const kept = lines.filter((line) => line === LINE.trim()).length;
	t.true(kept > 1000);
	// All but the last line came before the gap, which is said where it is.
	t.is(lines[kept - 1], `${100_001 - kept} lines dropped`);
});

test('a program says in the format of its log how many lines were dropped', (t) => {
	for (const [logFormat, expected] of [
		['text', /^\S+ warn 3 lines dropped: the reader of the log stood still\n$/],
		['json', /^\{"time":"[^"]+","level":"warn","message":"3 lines dropped: [^"]+"\}\n$/],
	] as const) {
		const written: string[] = [];
		let dropped: ((count: number) => void) | undefined;
		const context = {
			writeError: (text: string) => written.push(text),
			onErrorsDropped: (listener: (count: number) => void) => {
				dropped = listener;
			},
		} as unknown as Context;
		programLogger({logLevel: 'info', logFormat}, [], context);
		dropped?.(3);
		t.is(written.length, 1);
		t.regex(written[0]!, expected);
	}
});

test('one text larger than the limit goes out when nothing waits', (t) => {
	const stream = new PassThrough();
	new LogSink(stream).write('x'.repeat(3 * 2 ** 20));
	t.is(stream.readableLength, 3 * 2 ** 20);
});
