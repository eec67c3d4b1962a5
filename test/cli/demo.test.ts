import {mkdtempSync, readdirSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import type {StatusSnapshot} from '../../src/app/observe/status.ts';
import type {PathStatus, SessionStatus} from '../../src/core/events.ts';
import {likelyRange, measure, product} from '../../src/demo/measurement.ts';
import {Pace} from '../../src/demo/pace.ts';
import {liveTable, summary} from '../../src/demo/report.ts';
import {Program} from '../support/e2e/program.ts';
import {waitFor} from '../support/machine/wait-for.ts';

/** Starts the demo with a temporary folder of its own. */
function start(t: ExecutionContext, ...flags: readonly string[]) {
	const folder = mkdtempSync(join(tmpdir(), 'mptunnel-'));
	const program = new Program('mptunnel', ['demo', ...flags], {TMPDIR: folder});
	t.teardown(() => {
		program.kill('SIGKILL');
		rmSync(folder, {recursive: true, force: true});
	});
	return {program, left: () => readdirSync(folder)};
}

/** The figures of both directions in a summary, by the first words of their rows. */
function figures(output: string, row: string): readonly (readonly string[])[] {
	return output
		.split('\n')
		.map((line) => line.trim())
		.filter((line) => line.startsWith(row))
		.map((line) => line.slice(row.length).trim().split(/\s+/));
}

function number(text = ''): number {
	return Number(text.replaceAll(/[,%]/g, ''));
}

test.serial(
	'ten seconds end with a summary in which the residual loss is the product',
	async (t) => {
		const {program, left} = start(t, '--seconds', '10');
		await waitFor(() => program.code !== undefined, 'the end of the demo', 60_000);
		t.is(program.code, 0, program.stderr);
		// The last table is above the summary, which begins with the time and a colon.
		const [head = '', end = ''] = program.stdout.split(/^(?=[\d.]+ s: )/m);
		t.regex(head, /near +client -> server +up +[\d.]+ +[\d.]+ +[\d.]+\n/);
		t.is([...head.matchAll(/residual loss/g)].length >= 5, true);
		for (const path of ['near', 'middle', 'far']) {
			const rows = figures(end, `packets on path ${path}`);
			t.is(rows.length, 2);
			for (const [sent, arrived, loss] of rows) {
				t.true(number(arrived) < number(sent));
				t.true(Math.abs(number(loss) - 20) < 5, `${path}: ${loss}`);
			}
		}
		const products = figures(end, 'expected: product of the paths').map(
			([loss]) => number(loss) / 100,
		);
		const residuals = figures(end, 'residual: datagrams');
		t.is(products.length, 2);
		for (const [index, [sent, arrived, loss]] of residuals.entries()) {
			const ratio = 1 - number(arrived) / number(sent);
			t.true(Math.abs(number(loss) / 100 - ratio) < 1e-4);
			t.true(end.includes('too busy') || number(sent) >= 20_000, `${sent} datagrams`);
			// A machine that stalls makes the tunnel hold copies back, and the summary says so.
			const stalled = /Copies not sent|lost beside the links/.test(end);
			const deviation = Math.sqrt((products[index]! * (1 - products[index]!)) / number(sent));
			t.true(stalled || Math.abs(ratio - products[index]!) < 6 * deviation, end);
		}
		t.true(end.includes('Datagrams delivered twice: 0.'), end);
		t.is(program.stderr, '');
		t.deepEqual(left(), []);
	},
);

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
	test.serial(`${signal} ends with the same summary and 0`, async (t) => {
		const {program, left} = start(t, '--rate', '200');
		await waitFor(() => program.stdout.includes('residual loss'), 'a table');
		program.kill(signal);
		t.is(await program.end(), 0);
		t.regex(program.stdout, /expected: product of the paths +[\d.]+\n/);
		t.regex(program.stdout, /too few datagrams to judge/);
		t.false(program.stdout.includes('\u001b'));
		t.deepEqual(left(), []);
	});
}

test.serial('bad flags are one line and 2', async (t) => {
	for (const flags of [['--seconds', '0'], ['--seconds', 'x'], ['--rate', '-1'], ['--nope']]) {
		const {program} = start(t, ...flags);
		t.is(await program.end(), 2);
		t.is(program.stderr.trimEnd().split('\n').length, 1, program.stderr);
		t.is(program.stdout, '');
	}
});

test('the pace starts low, reaches the rate, and keeps to it', (t) => {
	const pace = new Pace(1000, 0);
	let first = 0;
	for (let now = 2; now <= 250; now += 2) first += pace.due(now);
	t.true(first > 240 * 0.25 && first < 260 * 0.25, `${first}`);
	for (let now = 252; now <= 5000; now += 2) pace.due(now);
	let sent = 0;
	for (let now = 5002; now <= 6000; now += 2) sent += pace.due(now);
	t.true(Math.abs(sent - 1000) <= 2, `${sent}`);
});

test('a late timer sends no burst, and often late means slower', (t) => {
	const pace = new Pace(1000, 0);
	for (let now = 2; now <= 5000; now += 2) pace.due(now);
	t.true(pace.due(6000) <= 20);
	for (let now = 6100; now <= 8000; now += 100) t.true(pace.due(now) <= 20);
	t.is(pace.rate, 500);
	t.true(pace.limited);
	for (let now = 8002; now <= 30_000; now += 2) pace.due(now);
	t.is(pace.rate, 1000);
});

function path(id: number, sent: number, received: number): PathStatus {
	const direction = (packets: number) => ({packets, loss: 0.2, queueing: 0});
	return {
		id,
		name: `p${id}`,
		remote: '',
		state: 'up',
		rtt: 20,
		jitter: 1,
		sending: {...direction(sent), dataLoss: 0.2},
		receiving: direction(received),
		saturated: 0,
		mtu: 1200,
		backup: false,
		metered: false,
		silence: 0,
	};
}

function snapshot(session: number, datagrams: number, paths: readonly PathStatus[]) {
	const status = {
		session,
		datagramsSent: datagrams,
		datagramsReceived: datagrams,
		residualLoss: 0.008,
		paths,
	};
	return {sessions: [status as unknown as SessionStatus]} as unknown as StatusSnapshot;
}

test('loss over the whole run is what one end sent against what the other received', (t) => {
	const client = snapshot(7, 1000, [path(0, 1000, 450), path(1, 500, 90)]);
	const server = snapshot(7, 900, [path(0, 500, 800), path(1, 100, 450)]);
	t.is(measure(client, snapshot(8, 0, [])), undefined);
	const measurement = measure(client, server);
	const counts = {sent: 20_000, arrived: 19_600, twice: 3};
	const lines = summary({
		elapsed: 10_000,
		rate: 2000,
		wantedRate: 2500,
		limited: true,
		measurement,
		traffic: [counts, counts],
		links: [],
	});
	const text = lines.join('\n');
	t.regex(text, /packets on path p0 +1,000 +800 +20\.0\n/);
	t.regex(text, /packets on path p1 +500 +450 +10\.0+\n/);
	// 20 % of 10 %, and the residual of the sequence numbers beside it; by chance 1,000 packets are lost.
	t.regex(
		text,
		/expected: product of the paths +2\.00\n +residual: datagrams +20,000 +19,600 +2\.00\n +residual in 99 of 100 runs: 0\.86% to 3\.14%\n/,
	);
	t.true(text.includes('too busy for 2,500/s'));
	t.true(text.includes('delivered twice: 6.'));
	const live = liveTable({
		elapsed: 3000,
		rate: 2500,
		wantedRate: 2500,
		limited: true,
		measurement,
	});
	t.true(live.every((line) => line.length < 80));
});

test('a product needs every factor, and its range is that of a binomial share', (t) => {
	t.is(product([]), undefined);
	t.is(product([0.5, undefined]), undefined);
	t.is(product([0.5, 0.5]), 0.25);
	const [low, high] = likelyRange(0.008, 25_000);
	t.true(low > 0.0064 && low < 0.0067 && high > 0.0093 && high < 0.0096);
	t.is(likelyRange(0, 100)[0], 0);
});
