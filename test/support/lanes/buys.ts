import {links} from './lane-cases.ts';
import {LaneRun} from './lane-run.ts';
import {planOf} from './plan.ts';
import {thousands} from './row.ts';

const FACTORS = [1.25, 1.5, 1.75, 2, 3];
const LOSSES = [0.01, 0.05, 0.1, 0.2, 0.3];
const WITHIN = 40;

/** A line of the table of what a traffic factor buys: a cell for each loss. */
export function whatTrafficBuys(sources: number): readonly string[] {
	const cell = (traffic: number, loss: number): string => {
		const {lost, late, delays} = new LaneRun({
			...{seed: 1, links: links(loss), rate: 1000, sources, within: WITHIN},
			plan: planOf(traffic, WITHIN),
		}).run();
		const bad = lost + late;
		const share =
			bad === 0 ? `< ${(3 / sources).toExponential(0)}` : (bad / sources).toExponential(1);
		return `${share}; ${quantile(delays, 0.5)} / ${quantile(delays, 0.99)} ms`;
	};
	return [
		`Three paths of equal delay, 1,000 packets a second, within ${WITHIN} ms; ${thousands(sources)} packets each: lost or late; delay of the recovered, median / 99 of 100.`,
		'',
		`| traffic | ${LOSSES.map((loss) => `${100 * loss} %`).join(' | ')} |`,
		`|---|${'---|'.repeat(LOSSES.length)}`,
		...FACTORS.map((traffic) => {
			return `| ${traffic} x | ${LOSSES.map((loss) => cell(traffic, loss)).join(' | ')} |`;
		}),
	];
}

function quantile(sorted: Float64Array, part: number): string {
	const value = sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))];
	return value === undefined ? '-' : value.toFixed(0);
}
