import test from 'ava';
import type {StatusSnapshot} from '../../src/app/observe/status.ts';
import type {
	LaneReceivingStatus,
	LaneSendingStatus,
	LaneStatus,
	PathStatus,
	SessionStatus,
} from '../../src/core/events.ts';
import {Delays} from '../../src/demo/arrivals.ts';
import {likelyRange, measure, product} from '../../src/demo/measurement.ts';
import {liveTable, summary} from '../../src/demo/report.ts';
import {parseBuiltIn} from '../../src/policy/built-in.ts';
import {REDUNDANT} from '../../src/policy/policy.ts';

function path(id: number, sent: number, received: number): PathStatus {
	const direction = (packets: number) => ({
		packets,
		bytes: 0,
		streamBytes: 0,
		loss: 0.2,
		queueing: 0,
	});
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

function counted(arrived: number) {
	return {sent: 20_000, arrived, twice: 3, late: 0, delays: new Delays()};
}

function snapshot(
	session: number,
	datagrams: number,
	paths: readonly PathStatus[],
	lanes: readonly LaneStatus[] = [],
) {
	const status = {
		session,
		datagramsSent: datagrams,
		datagramsReceived: datagrams,
		residualLoss: 0.008,
		paths,
		lanes,
	};
	return {sessions: [status as unknown as SessionStatus]} as unknown as StatusSnapshot;
}

test('loss over the whole run is what one end sent against what the other received', (t) => {
	const client = snapshot(7, 1000, [path(0, 1000, 450), path(1, 500, 90)]);
	const server = snapshot(7, 900, [path(0, 500, 800), path(1, 100, 450)]);
	t.is(measure(client, snapshot(8, 0, [])), undefined);
	const measurement = measure(client, server);
	const traffic = [counted(19_600), counted(19_600)] as const;
	const tunnels = [{policy: REDUNDANT, measurement, traffic, bytes: 0, links: []}];
	const lines = summary({
		elapsed: 10_000,
		rate: 2000,
		wantedRate: 2500,
		limited: true,
		tunnels,
	});
	const text = lines.join('\n');
	t.regex(text, /packets on path p0 +1,000 +800 +20\.0\n/);
	t.regex(text, /packets on path p1 +500 +450 +10\.0+\n/);
	// 20 % of 10 %, and the residual of the sequence numbers beside it.
	t.regex(
		text,
		/expected: product of the paths +2\.00\n +residual: datagrams +20,000 +19,600 +2\.00\n +residual in 99 of 100 runs: 1\.74% to 2\.26%\n/,
	);
	t.true(text.includes('too busy for 2,500/s'));
	t.true(text.includes('delivered twice: 6.'));
	const live = liveTable({
		elapsed: 3000,
		rate: 2500,
		wantedRate: 2500,
		limited: true,
		tunnels,
	});
	t.true(live.every((line) => line.length < 80));
});

test('a coded lane shows its repairs and what they brought back', (t) => {
	const lane = (sources: number, recovered: number) => {
		const counts = {received: sources - recovered, recovered, missing: 10, late: 10};
		const receiving = counts as LaneReceivingStatus;
		const sending = {sources, repairs: sources / 2} as LaneSendingStatus;
		return [{lane: 1, policy: 'fec 1.5', sending, receiving}];
	};
	const paths = [path(0, 1500, 1500)];
	const client = snapshot(7, 1000, paths, lane(990, 100));
	const server = snapshot(7, 990, paths, lane(980, 90));
	const measurement = measure(client, server)!;
	t.deepEqual(measurement.lane, [
		{sources: 990, repairs: 495, recovered: 90},
		{sources: 980, repairs: 490, recovered: 100},
	]);
	t.is(measurement.tunnel[0].residualLoss, 20 / 990);
	const traffic = [counted(20_000), counted(20_000)] as const;
	const policy = parseBuiltIn('fec 1.5')!;
	const figures = {
		elapsed: 10_000,
		rate: 2000,
		wantedRate: 2000,
		limited: false,
		tunnels: [{policy, measurement, traffic, bytes: 0, links: []}],
	};
	const text = summary(figures).join('\n');
	t.regex(
		text,
		/of these repairs +495\n +recovered from repairs +90\n +residual: datagrams +20,000 /,
	);
	t.false(text.includes('expected: product'));
	t.true(liveTable(figures).some((line) => /^fec 1\.5 .* 1,000 +990 +90 +2\.02$/.test(line)));
});

test('a product needs every factor, and its range is that of a binomial share', (t) => {
	t.is(product([]), undefined);
	t.is(product([0.5, undefined]), undefined);
	t.is(product([0.5, 0.5]), 0.25);
	const [low, high] = likelyRange(0.008, 25_000);
	t.true(low > 0.0064 && low < 0.0067 && high > 0.0093 && high < 0.0096);
	t.is(likelyRange(0, 100)[0], 0);
});
