import test from 'ava';
import {
	judgeResidual,
	type Residual,
	ResidualMeter,
	residualShare,
	residualText,
} from '../../src/fec/residual.ts';

const PROMISE = 1e-4;

/** A meter that gets 500 sources a second, of which each `every`-th fails, from one time to another. */
class Fed {
	readonly meter = new ResidualMeter();
	now = 0;
	counted = 0;
	failed = 0;

	run(until: number, every: number): this {
		for (; this.now < until; this.now += 100) {
			this.counted += 50;
			this.failed = Math.max(this.failed, this.failed + (this.counted % every < 50 ? 1 : 0));
			this.meter.update(this.counted, this.failed, this.now);
		}
		return this;
	}
}

test('counts what was lost or late in the last 5 minutes', (t) => {
	const fed = new Fed().run(400_000, 10_000);
	const {sources, failed, steps} = fed.meter.read(fed.now);
	// 5 minutes, but for less than 5 s.
	t.true(sources > 147_000 && sources <= 150_000, `${sources}`);
	t.true(failed >= 14 && failed <= 15, `${failed}`);
	t.is(steps, 0);
	t.like(fed.meter.read(fed.now + 310_000), {sources: 0, failed: 0});
	fed.now += 310_000;
	fed.run(fed.now + 1000, 1e9);
	t.like(fed.meter.read(fed.now), {sources: 500, failed: 0});
});

test('the first 3 s behind a step are apart', (t) => {
	const fed = new Fed().run(20_000, 1e9);
	fed.meter.step(fed.now);
	fed.meter.step(fed.now);
	fed.run(23_000, 50);
	t.deepEqual(fed.meter.read(fed.now), {
		sources: 10_000,
		failed: 0,
		failedInSteps: 30,
		steps: 1,
	});
	fed.run(24_000, 500);
	t.like(fed.meter.read(fed.now), {sources: 10_500, failed: 1, failedInSteps: 30});
});

test('a step lasts longer where missing sources are found late, and a second one longer still', (t) => {
	const fed = new Fed().run(10_000, 1e9);
	fed.meter.step(fed.now, 2000);
	fed.run(12_000, 50);
	fed.meter.step(fed.now, 2000);
	fed.run(17_000, 50);
	t.like(fed.meter.read(fed.now), {failed: 0, failedInSteps: 70, steps: 1});
	fed.meter.step(fed.now, 0);
	t.is(fed.meter.read(fed.now).steps, 2);
	t.is(fed.meter.read(fed.now + 310_000).steps, 0);
});

test('counts that go back or that cannot be count as nothing', (t) => {
	const meter = new ResidualMeter();
	meter.update(1000, 2000, 0);
	meter.update(500, 0, 100);
	meter.update(600, 10, 200);
	t.deepEqual(meter.read(300), {sources: 1100, failed: 1010, failedInSteps: 0, steps: 0});
});

function residual(sources: number, failed: number, other: Partial<Residual> = {}): Residual {
	return {sources, failed, failedInSteps: 0, steps: 0, ...other};
}

test('says a share with its count, and a bound where nothing failed', (t) => {
	t.is(residualText(residual(36_400, 11), PROMISE), '0.03 % (11 of 36,400)');
	t.is(residualText(residual(36_400, 0), PROMISE), '< 0.008 % (0 of 36,400)');
	t.is(residualText(residual(1_234_567, 1), PROMISE), '0.00008 % (1 of 1,234,567)');
	t.is(
		residualText(residual(40_000, 0, {failedInSteps: 12, steps: 1}), PROMISE),
		'< 0.007 % (0 of 40,000) + 12 in 1 step',
	);
	t.is(
		residualText(residual(100, 0, {failedInSteps: 2, steps: 2}), PROMISE),
		'not enough traffic to tell (0 of 100) + 2 in 2 steps',
	);
});

test('a promise is kept, broken, or there is not enough traffic to tell', (t) => {
	t.is(judgeResidual(residual(29_999, 0), PROMISE), 'not enough traffic to tell');
	t.is(judgeResidual(residual(30_000, 0), PROMISE), 'kept');
	t.is(judgeResidual(residual(30_000, 3), PROMISE), 'kept');
	t.is(judgeResidual(residual(30_000, 4), PROMISE), 'broken');
	t.is(judgeResidual(residual(100, 3), PROMISE), 'broken');
	t.is(judgeResidual(residual(100, 2), PROMISE), 'not enough traffic to tell');
	t.is(residualShare(residual(0, 0)), 1);
	t.is(residualShare(residual(30_000, 0)), 1e-4);
	t.is(residualShare(residual(30_000, 6)), 2e-4);
});
