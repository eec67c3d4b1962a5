import test from 'ava';
import fc from 'fast-check';
import {Cursor} from '../../src/bytes/cursor.ts';
import {Receipts} from '../../src/core/packets/receipts.ts';
import {FEEDBACK_SPAN} from '../../src/wire/constants.ts';
import {encodeFrame} from '../../src/wire/frames/codec.ts';
import {createFeedback, feedbackFrame, PathReport} from '../../src/wire/frames/feedback.ts';

function roundTrip(report: PathReport): PathReport {
	const bytes = encodeFrame(feedbackFrame, {count: 1, reports: [report]});
	const cursor = new Cursor();
	cursor.reset(bytes, 1, bytes.length);
	const feedback = createFeedback();
	if (!feedbackFrame.decode(cursor, feedback) || feedback.count !== 1) throw new Error('decode');
	if (cursor.remaining !== 0) throw new Error('bytes left');
	return feedback.reports[0]!;
}

test('a report tells of every packet that came, eight times, and of no other', (t) => {
	const numbers = fc.uniqueArray(fc.nat(3000), {minLength: 1, maxLength: 400, size: 'max'});
	fc.assert(
		fc.property(numbers, fc.integer({min: 1, max: 60}), (arrivals, each) => {
			const receipts = new Receipts();
			const seen = new Set<number>();
			let recent: number[][] = [];
			for (let i = 0; i < arrivals.length; i += each) {
				const batch = arrivals.slice(i, i + each);
				for (const number of batch) {
					receipts.add(number, i);
					seen.add(number);
				}
				recent = [...recent.slice(-7), batch];
				const report = new PathReport();
				receipts.report(report);
				const read = roundTrip(report);
				if (read.largest !== Math.max(...seen)) return false;
				for (const number of recent.flat()) {
					const within = number > read.largest - FEEDBACK_SPAN;
					if (within && !read.covers(number)) return false;
				}
				for (let number = 0; number <= read.largest; number++) {
					if (read.covers(number) && !seen.has(number)) return false;
				}
			}
			return true;
		}),
		{numRuns: 40},
	);
	t.pass();
});

test('any bytes are read without an exception', (t) => {
	fc.assert(
		fc.property(fc.uint8Array({maxLength: 400, size: 'max'}), (bytes) => {
			const cursor = new Cursor();
			cursor.reset(bytes, 0, bytes.length);
			return !feedbackFrame.decode(cursor, createFeedback()) || !cursor.failed;
		}),
	);
	t.pass();
});

test('numbers far apart leave nothing of the old ones', (t) => {
	const receipts = new Receipts();
	t.false(receipts.add(5, 1));
	t.true(receipts.add(500_000, 2));
	t.false(receipts.add(5, 3));
	const report = new PathReport();
	t.true(receipts.report(report));
	t.is(report.largest, 500_000);
	t.false(report.covers(500_000 - FEEDBACK_SPAN + 5));
	t.false(new Receipts().report(report));
});
