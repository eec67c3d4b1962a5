import test from 'ava';
import {runTarget} from './target.ts';
import {TARGETS} from './targets.ts';

/** Inputs for each target: some ten seconds in all; `npm run fuzz` takes as many as it is told. */
const INPUTS: Readonly<Record<string, number>> = {
	strangers: 20_000,
	liars: 30_000,
	front: 50_000,
	configuration: 2_000,
	programs: 20_000,
};

for (const [name, {make}] of Object.entries(TARGETS)) {
	test.serial(`bad inputs break nothing: ${name}`, async (t) => {
		const limit = INPUTS[name] ?? 0;
		t.true((await runTarget(make, 'ci', (inputs) => inputs >= limit)) >= limit);
	});
}
