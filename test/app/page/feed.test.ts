import test from 'ava';
import {Happenings} from '../../../src/app/observe/happenings.ts';
import {LogTail} from '../../../src/app/observe/log-tail.ts';
import type {StatusSnapshot} from '../../../src/app/observe/status.ts';
import {Feed} from '../../../src/app/page/feed.ts';
import type {ViewerSink} from '../../../src/app/page/viewers.ts';
import {plainPath, snapshotOf} from './page-snapshot.ts';

const plain = snapshotOf('mpclient', [{session: 1, paths: [plainPath()]}]);

/** A viewer that takes what it gets at once, or nothing. */
class Viewer implements ViewerSink {
	readonly texts: string[] = [];
	backlog = 0;
	dropped = false;
	readonly #reads: boolean;

	constructor(reads = true) {
		this.#reads = reads;
	}

	write(text: string): void {
		if (this.dropped) throw new Error('it is gone');
		this.texts.push(text);
		if (!this.#reads) this.backlog += text.length;
	}

	drop(): void {
		this.dropped = true;
	}

	/** The event of a text, and its data. */
	read(index: number): {readonly event: string; readonly data: Record<string, unknown>} {
		const [, event = '', data = ''] =
			/^event: (\w+)\ndata: (.*)\n\n$/.exec(this.texts.at(index) ?? '') ?? [];
		return {event, data: JSON.parse(data)};
	}
}

/** A feed in virtual time, whose snapshots take `cost` ms. */
function world(snapshot: () => StatusSnapshot = () => plain, cost = 0) {
	const counts = {snapshots: 0, now: 0};
	const log = new LogTail();
	const happenings = new Happenings(() => counts.now);
	const feed = new Feed({
		snapshot: () => {
			counts.snapshots++;
			counts.now += cost;
			return snapshot();
		},
		flows: () => [],
		happenings,
		log,
		steering: false,
		wallTime: () => counts.now,
		now: () => counts.now,
	});
	return {feed, counts, log, happenings};
}

test('one snapshot and one text serve all viewers, and a ninth is refused', (t) => {
	const {feed, counts} = world();
	feed.tick();
	const viewers = Array.from({length: 9}, () => new Viewer());
	t.deepEqual(
		viewers.map((viewer) => feed.join(viewer)),
		[...Array.from({length: 8}, () => true), false],
	);
	t.is(counts.snapshots, 1);
	feed.tick();
	t.is(counts.snapshots, 2);
	const [first, ...others] = viewers;
	for (const {texts} of others.slice(0, 7)) t.deepEqual(texts, first!.texts);
	t.deepEqual(others[7]!.texts, []);
	t.is(first!.read(0).event, 'past');
	t.is(first!.read(1).event, 'tick');
	t.deepEqual(first!.read(1).data['status'], JSON.parse(JSON.stringify(plain)));
	feed.leave(first!);
	t.true(feed.join(new Viewer()));
});

test('a viewer that does not read is dropped, the others go on', (t) => {
	const big = snapshotOf('mpclient', [], {listening: Array(10_000).fill('x'.repeat(100))});
	const {feed} = world(() => big);
	feed.tick();
	const [slow, good] = [new Viewer(false), new Viewer()];
	for (const viewer of [slow, good]) feed.join(viewer);
	let written = 0;
	for (let second = 0; second < 100; second++) {
		feed.tick();
		written = Math.max(written, slow.backlog);
	}
	t.true(slow.dropped);
	t.true(written < 9 * 1024 * 1024, `${written}`);
	t.false(good.dropped);
	t.is(good.texts.length, 101);
	for (let index = 0; index < 7; index++) t.true(feed.join(new Viewer()), 'its place is free');
});

test('snapshots are taken once a second, and less often when they take long', (t) => {
	t.is(world().feed.tick(), 1000);
	t.is(world(() => plain, 10).feed.tick(), 1000);
	t.is(world(() => plain, 40).feed.tick(), 2000);
});

test('each line and each happening arrives once, whenever a viewer comes', (t) => {
	const {feed, log, happenings} = world();
	log.add('one\n');
	feed.tick();
	log.add('two\n');
	happenings.note('down', 'a path is down');
	const viewer = new Viewer();
	feed.join(viewer);
	t.deepEqual(viewer.read(0).data['log'], ['one']);
	t.deepEqual(viewer.read(0).data['happened'], []);
	feed.tick();
	t.deepEqual(viewer.read(1).data['log'], ['two']);
	t.like(viewer.read(1).data['happened'], [{mark: 'down', text: 'a path is down'}]);
	feed.tick();
	t.deepEqual(viewer.read(2).data['log'], []);
});

test('sessions and users beyond those that fit are a number', (t) => {
	const sessions = Array.from({length: 40}, (_, session) => ({session, paths: []}));
	const users = Array(60).fill({name: 'x'});
	const {feed} = world(() => snapshotOf('mpserver', sessions, {users}));
	const viewer = new Viewer();
	feed.join(viewer);
	feed.tick();
	const {status, more} = viewer.read(1).data as {
		status: StatusSnapshot;
		more: {sessions: number; users: number};
	};
	t.is(status.sessions.length, 32);
	t.is(status.users?.length, 50);
	t.deepEqual(more, {sessions: 8, users: 10});
});

test('the end drops everybody', (t) => {
	const {feed} = world();
	const viewer = new Viewer();
	feed.join(viewer);
	feed.close();
	t.true(viewer.dropped);
	feed.tick();
	t.is(viewer.texts.length, 1);
});
