import test from 'ava';
import {Exposition, prefersOpenMetrics} from '../../../src/app/metrics/exposition.ts';
import {METRICS} from '../../../src/app/metrics/table.ts';
import {MetricsView} from '../../../src/app/metrics/view.ts';
import type {StatusSnapshot} from '../../../src/app/observe/status.ts';
import type {PathStatus, SessionStatus} from '../../../src/core/events.ts';
import {noLaneTotals, noPathTotals, type TotalsStatus} from '../../../src/core/totals.ts';
import {PLAIN_SNAPSHOT} from '../observe/plain-snapshot.ts';

const OPEN_METRICS = 'application/openmetrics-text;version=1.0.0';
const PROCESS = {cpu: 1, resident: 2, heap: 3, started: 4, delay: undefined, busy: 5};

const path: PathStatus = {
	id: 0,
	name: 'dsl',
	remote: '',
	state: 'up',
	rtt: 20,
	jitter: undefined,
	sending: {packets: 1, bytes: 2, streamBytes: 0, loss: 0.5, dataLoss: undefined, queueing: 1},
	receiving: {packets: 1, bytes: 2, streamBytes: 0, loss: undefined, queueing: undefined},
	saturated: 0,
	mtu: 1200,
	backup: false,
	metered: false,
	silence: 40,
};

const session: SessionStatus = {
	session: 1,
	user: 'ann',
	state: 'up',
	age: 1,
	flows: 2,
	datagramsSent: 0,
	datagramsReceived: 0,
	datagramsSplit: 0,
	residualLoss: undefined,
	rekeys: 0,
	keyAge: 1,
	paths: [path],
	lanes: [],
};

function totals(user: string, paths: readonly string[], policies: readonly string[] = []) {
	return {
		...{user, sessions: 1, rekeys: 0, datagramsSent: 7, datagramsReceived: 3, datagramsSplit: 0},
		...{streamsOpened: 0, streamBytesSent: 0, streamBytesReceived: 0},
		paths: paths.map(noPathTotals),
		lanes: policies.map(noLaneTotals),
	} satisfies TotalsStatus;
}

const snapshot: StatusSnapshot = {
	...PLAIN_SNAPSHOT,
	program: 'mpserver',
	sessions: [session, {...session, session: 2, paths: [{...path, rtt: 30, state: 'down'}]}],
	totals: [totals('ann', ['dsl'])],
	drops: {'bad-tag': 4},
};

async function exposed(status: StatusSnapshot, accept?: string): Promise<string> {
	return (await new Exposition().write(new MetricsView(status, PROCESS), accept)).text;
}

/** The samples of a metric, with their labels. */
function samples(text: string, name: string): readonly string[] {
	return text
		.split('\n')
		.filter((line) => line.startsWith(`mptunnel_${name}{`) || line.startsWith(`mptunnel_${name} `));
}

test('sessions of one user are one sample of each metric', async (t) => {
	const text = await exposed(snapshot);
	t.deepEqual(samples(text, 'path_round_trip_seconds'), [
		'mptunnel_path_round_trip_seconds{user="ann",path="dsl"} 0.03',
	]);
	t.deepEqual(samples(text, 'path_up'), ['mptunnel_path_up{user="ann",path="dsl"} 1']);
	t.deepEqual(samples(text, 'flows'), ['mptunnel_flows{user="ann"} 4']);
	t.deepEqual(samples(text, 'sessions'), ['mptunnel_sessions{user="ann"} 2']);
	t.deepEqual(samples(text, 'datagrams_total'), [
		'mptunnel_datagrams_total{user="ann",direction="out"} 7',
		'mptunnel_datagrams_total{user="ann",direction="in"} 3',
	]);
	const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
	const series = lines.map((line) => line.slice(0, line.lastIndexOf(' ')));
	t.is(new Set(series).size, series.length);
});

test('what is not measured has no sample', async (t) => {
	const text = await exposed(snapshot);
	t.deepEqual(samples(text, 'path_jitter_seconds'), []);
	t.deepEqual(samples(text, 'path_data_loss_ratio'), []);
	t.deepEqual(samples(text, 'path_loss_ratio'), [
		'mptunnel_path_loss_ratio{user="ann",path="dsl",direction="out"} 0.5',
	]);
	t.deepEqual(samples(text, 'event_loop_delay_seconds'), []);
	// It is of clients alone.
	t.deepEqual(samples(text, 'connection_up'), []);
	const connection = {up: false, for: 1, reason: ''};
	const client = await exposed({...snapshot, program: 'mpclient', connection});
	t.deepEqual(samples(client, 'connection_up'), ['mptunnel_connection_up 0']);
});

test('a second scrape does not add to the first one', async (t) => {
	const exposition = new Exposition();
	const scrape = () => exposition.write(new MetricsView(snapshot, PROCESS), undefined);
	const [first, second] = [await scrape(), await scrape()];
	t.is(first.text, second.text);
	const both = await Promise.all([
		scrape(),
		exposition.write(new MetricsView(PLAIN_SNAPSHOT, PROCESS), undefined),
	]);
	t.is(both[0].text, first.text);
	t.deepEqual(samples(both[1].text, 'flows'), []);
});

test('labels are few whatever users and clients make up', async (t) => {
	const users = Array.from({length: 300}, (_, id) => `user ${id}`);
	const names = [...Array.from({length: 16}, (_, id) => `path ${id}`), 'other'];
	const sessions = users.map((user) => ({
		...session,
		user,
		paths: Array.from({length: 30}, (_, id) => ({...path, id, name: `path ${id}`})),
	}));
	const all = users.map((user) => totals(user, names));
	const text = await exposed({...snapshot, sessions, totals: all});
	t.is(samples(text, 'path_up').length, 101 * 17);
	t.is(samples(text, 'flows').length, 101);
	t.is(samples(text, 'flows').at(-1), 'mptunnel_flows{user="other"} 400');
});

test('names from outside break no line', async (t) => {
	const name = 'a"b\\c\nd';
	const paths = [{...path, name}];
	const text = await exposed({
		...snapshot,
		sessions: [{...session, paths}],
		totals: [totals('ann', [name])],
	});
	t.deepEqual(samples(text, 'path_up'), ['mptunnel_path_up{user="ann",path="a\\"b\\\\c\\nd"} 1']);
});

test('without a name of a user there is no such label', async (t) => {
	const text = await exposed({
		...snapshot,
		sessions: [{...session, user: ''}],
		totals: [totals('', ['dsl'])],
	});
	t.deepEqual(samples(text, 'flows'), ['mptunnel_flows 2']);
});

test('names follow the rules of Prometheus', (t) => {
	const names = METRICS.map(({name}) => name);
	t.is(new Set(names).size, names.length);
	for (const {name, type, help, labels} of METRICS) {
		t.regex(name, /^mptunnel_[a-z][a-z_]*$/);
		t.is(name.endsWith('_total'), type === 'counter', name);
		t.notRegex(name, /_(?:ms|millis|percent|kb|kbit|minutes)(?:_|$)/);
		t.notRegex(help, /\.$|\n/);
		for (const label of labels)
			t.true(['user', 'path', 'policy', 'direction', 'reason'].includes(label));
	}
});

test('OpenMetrics comes where it is asked for, and ends as it has to', async (t) => {
	const {type, text} = await new Exposition().write(
		new MetricsView(snapshot, PROCESS),
		OPEN_METRICS,
	);
	t.regex(type, /^application\/openmetrics-text; version=1\.0\.0/);
	t.true(text.endsWith('# EOF\n'));
	t.true(
		text.includes('# TYPE mptunnel_drops counter\nmptunnel_drops_total{reason="bad-tag"} 4\n'),
	);
	const plain = await new Exposition().write(new MetricsView(snapshot, PROCESS), '*/*');
	t.regex(plain.type, /^text\/plain; version=0\.0\.4/);
	t.true(plain.text.includes('# TYPE mptunnel_drops_total counter\n'));
});

test('the format is that of the header', (t) => {
	t.false(prefersOpenMetrics(undefined));
	t.false(prefersOpenMetrics('text/plain'));
	t.false(prefersOpenMetrics('*/*'));
	t.true(prefersOpenMetrics(OPEN_METRICS));
	t.true(
		prefersOpenMetrics(
			`${OPEN_METRICS};q=0.8,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1`,
		),
	);
	t.false(prefersOpenMetrics(`${OPEN_METRICS};q=0.1, text/plain;q=0.5`));
	t.false(prefersOpenMetrics(`${OPEN_METRICS};q=0`));
	t.false(prefersOpenMetrics(`${OPEN_METRICS};q=nonsense`));
});
