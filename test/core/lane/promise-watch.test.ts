import test from 'ava';
import {PromiseWatch} from '../../../src/core/lane/coded/promise-watch.ts';

const PROMISE = {
	...{residual: 1e-3, within: 40, traffic: 2, most: 2, floor: 1.5},
	...{cheap: false, rate: 0},
};

/** A watch that gets 100 sources each 100 ms, so many of which fail. */
class Fed {
	readonly watch = new PromiseWatch(PROMISE);
	now = 0;
	counted = 0;
	failed = 0;
	readonly news: number[] = [];

	run(until: number, failing: number, isPossible = false, sources = 100): this {
		for (; this.now < until; this.now += 100) {
			this.counted += sources;
			this.failed += failing;
			this.watch.update(this.counted, this.failed, this.now);
			if (this.watch.isNews(() => isPossible, this.now)) this.news.push(this.now);
		}
		return this;
	}
}

test('a broken promise is news once, and again when it was kept meanwhile', (t) => {
	const fed = new Fed().run(60_000, 1);
	t.deepEqual(fed.news, [12_000]);
	// The failures leave the look back of 5 minutes.
	fed.run(400_000, 0).run(460_000, 1);
	t.is(fed.news.length, 2);
});

test('a promise that is kept, or broken for a moment only, is no news', (t) => {
	t.deepEqual(new Fed().run(60_000, 0).news, []);
	const moment = new Fed().run(1000, 1).run(60_000, 0);
	t.deepEqual(moment.news, []);
});

test('with little traffic only a promise that takes too much is news', (t) => {
	t.deepEqual(new Fed().run(100, 5, true, 1).run(20_000, 0, true, 1).news, []);
	t.deepEqual(new Fed().run(100, 5, false, 100).run(20_000, 0, false, 1).news, [10_000]);
});

test('failures behind a step are apart, and steps without end are none', (t) => {
	const fed = new Fed().run(10_000, 0);
	fed.watch.step(1, fed.now);
	fed.run(13_000, 10);
	t.deepEqual(fed.watch.residual(fed.now), {
		...{sources: 10_000, failed: 0, failedInSteps: 300, steps: 1},
	});
	fed.run(20_000, 0);
	for (let i = 0; i < 400; i++) {
		fed.watch.step(1, fed.now);
		fed.run(fed.now + 100, 10);
	}
	// The first step took 3.3 of the 15 s that may be apart, so that 12 of 40 s are.
	const {failed, failedInSteps, steps} = fed.watch.residual(fed.now);
	t.true(failed > 2600 && failed < 2900, `${failed}`);
	t.is(failed + failedInSteps, 4300);
	t.true(steps >= 2);
	t.is(fed.news.length, 1);
});

test('two steps shortly behind each other are both apart', (t) => {
	const fed = new Fed().run(10_000, 0);
	fed.watch.step(1, fed.now);
	fed.run(13_000, 10).run(14_000, 0);
	fed.watch.step(1, fed.now);
	fed.run(17_000, 10);
	t.like(fed.watch.residual(fed.now), {failed: 0, failedInSteps: 600, steps: 2});
});

test('a path that comes and goes each 6 s does not hide that a slow lane breaks its promise', (t) => {
	const fed = new Fed();
	for (let i = 0; i < 50; i++) {
		fed.watch.step(20, fed.now);
		fed.run(fed.now + 6000, 1);
	}
	const {sources, failed} = fed.watch.residual(fed.now);
	t.true(sources > 0.85 * fed.counted && failed > 0.85 * fed.failed, `${sources}, ${failed}`);
	t.true(fed.news.length > 0);
});
