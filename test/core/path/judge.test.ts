import test from 'ava';
import {NEVER} from '../../../src/bytes/time.ts';
import type {PathState} from '../../../src/core/events.ts';
import {type Circumstances, type Evidence, PathJudge} from '../../../src/core/path/judge.ts';
import {Sent} from '../../../src/core/sent.ts';

const FAST: Circumstances = {patience: 80, loss: 0.01, reportSilence: 0};
const NOTHING: Evidence = {
	packetsRose: false,
	probesRose: false,
	provenUntil: Number.NEGATIVE_INFINITY,
	echoedAt: Number.NEGATIVE_INFINITY,
};

/** Through a function, so that the compiler does not take an earlier look for the truth. */
function stateOf(judge: PathJudge): PathState {
	return judge.state;
}

/** The answer to a probe sent at `at`. */
function echoOf(at: number): Evidence {
	return {packetsRose: true, probesRose: true, provenUntil: at, echoedAt: at};
}

/** A judge of a path that has just been proven. */
function upAt(now: number): PathJudge {
	const judge = new PathJudge();
	judge.sent(now, Sent.PROBE, FAST.patience);
	judge.report(echoOf(now), now, FAST);
	return judge;
}

/** Sends data every 10 ms and a probe every 100, reports over other paths say that nothing arrives. */
function silence(judge: PathJudge, from: number, until: number, at = FAST): void {
	for (let now = from; now < until; now += 10) {
		judge.sent(now, now % 100 === 0 ? Sent.PROBE : Sent.DATA, at.patience);
		if (now % 100 === 50) judge.report(NOTHING, now, at);
		if (now >= judge.nextTimeout(at.patience)) judge.judge(now, at);
	}
}

test('a path is new until evidence comes, then up', (t) => {
	const judge = new PathJudge();
	t.is(judge.state, 'new');
	judge.sent(0, Sent.PROBE, FAST.patience);
	t.is(judge.state, 'new');
	judge.report(echoOf(0), 40, FAST);
	t.is(judge.state, 'up');
	t.is(judge.unprovenSince, NEVER);
});

test('nothing is judged where nothing was sent', (t) => {
	const judge = upAt(0);
	t.is(judge.nextTimeout(FAST.patience), NEVER);
	judge.judge(1e9, {...FAST, reportSilence: -1000});
	t.is(judge.state, 'up');
});

test('a path that cannot send is down at once, and up with an answer to a later probe', (t) => {
	const judge = upAt(0);
	judge.sent(10, Sent.PROBE, FAST.patience);
	judge.lost(20);
	t.is(stateOf(judge), 'down');
	t.is(judge.nextTimeout(FAST.patience), NEVER);
	judge.report(echoOf(10), 30, FAST);
	t.is(stateOf(judge), 'down', 'that was on its way before');
	judge.sent(40, Sent.PROBE, FAST.patience);
	judge.report(echoOf(40), 60, FAST);
	t.is(stateOf(judge), 'up');
});

test('answers and control frames alone are not judged', (t) => {
	const judge = upAt(0);
	for (let now = 10; now < 10_000; now += 100) {
		judge.sent(now, Sent.ANSWER, FAST.patience);
		judge.report(NOTHING, now, FAST);
		judge.judge(now, {...FAST, reportSilence: -1000});
	}
	t.is(judge.state, 'up');
});

test('the time runs from the first packet after the evidence, not from the evidence', (t) => {
	const judge = upAt(0);
	judge.sent(50_000, Sent.DATA, FAST.patience);
	judge.judge(50_100, FAST);
	t.is(judge.state, 'up');
	t.is(judge.unprovenSince, 50_000);
	t.true(judge.nextTimeout(FAST.patience) >= 50_250);
});

test('suspect after 250 ms without evidence, not before', (t) => {
	const judge = upAt(0);
	silence(judge, 1000, 1250);
	t.is(judge.state, 'up');
	silence(judge, 1250, 1270);
	t.is(judge.state, 'suspect');
});

test('on a slow path suspect only after its patience', (t) => {
	const slow = {...FAST, patience: 900};
	const judge = upAt(0);
	silence(judge, 1000, 1900, slow);
	t.is(judge.state, 'up');
	silence(judge, 1900, 2020, slow);
	t.not(judge.state, 'up');
});

test('down within 500 ms and the patience after the path died', (t) => {
	const judge = upAt(0);
	silence(judge, 1000, 1000 + 500 + FAST.patience);
	t.is(judge.state, 'down');
	t.is(judge.nextTimeout(FAST.patience), NEVER);
});

test('never down with fewer than five packets, however long it is', (t) => {
	const judge = upAt(0);
	const at = {...FAST, loss: 1e-9, reportSilence: -1000};
	for (let i = 0; i < 4; i++) judge.sent(1000 + 100 * i, Sent.DATA, at.patience);
	for (let now = 1500; now < 60_000; now += 500) {
		judge.report(NOTHING, now, at);
		judge.judge(now, at);
	}
	t.is(judge.state, 'suspect');
	judge.sent(60_000, Sent.DATA, at.patience);
	judge.judge(60_500, at);
	t.is(judge.state, 'down');
});

test('not down while luck may explain it: 19 packets at one half', (t) => {
	const judge = upAt(0);
	const at = {...FAST, loss: 0.5, reportSilence: -1000};
	for (let i = 0; i < 19; i++) judge.sent(1000 + 10 * i, Sent.DATA, at.patience);
	judge.judge(5000, at);
	t.not(judge.state, 'down');
	judge.sent(5000, Sent.DATA, at.patience);
	judge.judge(5025, at);
	t.is(judge.state, 'down');
});

test('not down while only the reports may have been lost', (t) => {
	const judge = upAt(0);
	for (let now = 1000; now < 3000; now += 10) {
		judge.sent(now, Sent.DATA, FAST.patience);
		judge.judge(now, {...FAST, reportSilence: Math.log(1e-5)});
	}
	t.is(judge.state, 'suspect');
	judge.judge(3000, {...FAST, reportSilence: Math.log(1e-7)});
	t.is(judge.state, 'down');
});

test('packets that cannot have arrived yet do not count against the path', (t) => {
	const judge = upAt(0);
	const slow = {...FAST, patience: 400};
	judge.sent(1000, Sent.DATA, slow.patience);
	// A burst, younger than the patience when the report comes.
	for (let i = 0; i < 50; i++) judge.sent(1300 + i, Sent.DATA, slow.patience);
	judge.report(NOTHING, 1600, slow);
	judge.judge(1600, slow);
	t.not(judge.state, 'down');
});

test('a suspect path is up again with the first evidence', (t) => {
	const judge = upAt(0);
	silence(judge, 1000, 1300);
	t.is(judge.state, 'suspect');
	judge.report(echoOf(1290), 1330, FAST);
	t.is(judge.state, 'up');
});

test('a rise of the count of copies proves only what was sent before it', (t) => {
	const judge = upAt(0);
	for (let now = 1000; now <= 1200; now += 20) judge.sent(now, Sent.DATA, FAST.patience);
	judge.report({...NOTHING, packetsRose: true, provenUntil: 1100}, 1200, FAST);
	t.is(judge.state, 'up');
	t.true(judge.unprovenSince > 1100 && judge.unprovenSince <= 1120);
});

test('copies that the path’s own probes do not confirm are not believed', (t) => {
	const judge = upAt(0);
	// An observer of another path forges receipts: the count of copies rises, no probe arrives.
	for (let now = 1000; now < 3000; now += 10) {
		judge.sent(now, now % 100 === 0 ? Sent.PROBE : Sent.DATA, FAST.patience);
		if (now % 100 === 50) {
			judge.report({...NOTHING, packetsRose: true, provenUntil: now - 40}, now, FAST);
		}
		if (now >= judge.nextTimeout(FAST.patience)) judge.judge(now, FAST);
	}
	t.is(judge.state, 'down');
});

test('forged copies never revive a path', (t) => {
	const judge = upAt(0);
	silence(judge, 1000, 2000);
	t.is(judge.state, 'down');
	for (let now = 2000; now < 20_000; now += 50) {
		judge.report({...NOTHING, packetsRose: true, provenUntil: now}, now, FAST);
		t.is(judge.state, 'down');
	}
});

test('what was on its way when the path died does not revive it', (t) => {
	const judge = upAt(0);
	let now = 1000;
	for (; stateOf(judge) !== 'down'; now += 10) silence(judge, now, now + 10);
	const late = {packetsRose: true, probesRose: true, provenUntil: now - 300, echoedAt: now - 300};
	judge.report(late, now, FAST);
	t.is(stateOf(judge), 'down');
	// A rise over the count of that late report is news.
	judge.report({...late, echoedAt: Number.NEGATIVE_INFINITY}, now + 50, FAST);
	t.is(stateOf(judge), 'up');
});

test('the echo of a probe sent since revives a path at once', (t) => {
	const judge = upAt(0);
	silence(judge, 1000, 2000);
	judge.sent(2100, Sent.PROBE, FAST.patience);
	judge.report(echoOf(2100), 2140, FAST);
	t.is(judge.state, 'up');
	t.is(judge.unprovenSince, NEVER);
});

test('a path that the system refuses is suspect at once, never better', (t) => {
	const judge = upAt(0);
	judge.refused();
	t.is(judge.state, 'suspect');
	judge.report(echoOf(10), 20, FAST);
	silence(judge, 1000, 2000);
	judge.refused();
	t.is(judge.state, 'down');
});

test('judging early or often changes nothing', (t) => {
	const judge = upAt(0);
	judge.sent(1000, Sent.DATA, FAST.patience);
	for (let now = 1000; now < 1250; now++) judge.judge(now, FAST);
	t.is(judge.state, 'up');
});
