import test from 'ava';
import {decayPerSource, type PathShare, residualWithin} from '../../src/fec/decay.ts';

function even(traffic: number, loss: number, paths = 3): readonly PathShare[] {
	return Array.from({length: paths}, () => ({
		sources: 1 / paths,
		repairs: (traffic - 1) / paths,
		loss,
	}));
}

/** The least growth over a grid of tilts, as the bound is defined. */
function slowDecay(paths: readonly PathShare[]): number {
	let least = 0;
	for (let tilt = 0; tilt <= 12; tilt += 1e-3) {
		let sum = 0;
		for (const {sources, repairs, loss} of paths) {
			sum += sources * Math.log(1 - loss + loss * Math.exp(tilt));
			if (repairs > 0) sum += repairs * Math.log(loss + (1 - loss) * Math.exp(-tilt));
		}
		least = Math.min(least, sum);
	}
	return least;
}

const SHARES: Readonly<Record<string, readonly PathShare[]>> = {
	'three paths of 10 %': even(1.5, 0.1),
	'three paths without loss': even(1.5, 0),
	'more loss than repairs': even(1.125, 0.3),
	'no repairs': even(1, 0.1),
	'one of three dead': [...even(1.75, 0.05).slice(1), {...even(1.75, 0.05)[0]!, loss: 1}],
	'sources on one path, repairs on another': [
		{sources: 1, repairs: 0, loss: 0.2},
		{sources: 0, repairs: 0.75, loss: 0.02},
	],
	'all dead': even(2, 1),
};

for (const [name, shares] of Object.entries(SHARES)) {
	test(`the decay is the least of the bound over all tilts: ${name}`, (t) => {
		const [decay, slow] = [decayPerSource(shares), slowDecay(shares)];
		t.true(Math.abs(decay - slow) < 1e-4, `${decay}, ${slow}`);
	});
}

test('slots until 1e-4 are those of the simulation, within a half', (t) => {
	for (const [traffic, loss, slots] of [
		[1.25, 0.1, 73],
		[1.5, 0.1, 14],
		[1.5, 0.2, 60],
		[2, 0.2, 9],
		[2, 0.3, 26],
	] as const) {
		const least = residualWithin(even(traffic, loss), 1.5 * slots);
		const most = residualWithin(even(traffic, loss), slots / 1.5);
		t.true(least < 1e-4 && most > 1e-4, `${traffic}, ${loss}: ${least}, ${most}`);
	}
});
