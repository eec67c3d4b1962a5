import {Bench} from '../bench.ts';
import {makeRow, type Row} from '../row.ts';
import type {LinkCounts} from '../systems/links.ts';
import {DIRECT} from '../systems/relays.ts';
import {LOOPBACK} from '../systems/system.ts';
import {Tunnel} from '../systems/tunnel.ts';
import {type Case, type Conditions, type Measurement, withBench} from './measurement.ts';

const NAME = 'residual';
const SIZE = 100;
const RATE = 250;
/** As many times as long as other runs: losses are rare. */
const LONGER = 8;
const PATHS = 3;
/** Until what the slowest link still holds has arrived. */
const DRAIN_MILLIS = 1500;

/** The chance that all copies are lost, from what each link lost by itself. */
export function productOfLosses(counts: readonly LinkCounts[]): number {
	return counts.reduce((product, {received, delivered}) => product * (1 - delivered / received), 1);
}

function throughLinks(name: string, flags: readonly string[]): Case {
	const run = ({style, warn, repeats, millis}: Conditions) =>
		withBench(Bench.start(LOOPBACK, [DIRECT], style, warn), async (bench) => {
			const losses: number[] = [];
			const products: number[] = [];
			const paths: number[] = [];
			for (let repeat = 0; repeat < repeats; repeat++) {
				const {sinkPort} = bench;
				const through = Array.from({length: PATHS}, (_, i) => [
					...flags,
					'--seed',
					`${repeat} ${i}`,
				]);
				const tunnel = await Tunnel.start({name, through}, sinkPort);
				const traffic = {sizes: [SIZE], rate: RATE, millis: millis * LONGER};
				const {sent} = await bench.load(tunnel, {...traffic, drainMillis: DRAIN_MILLIS});
				const {unique} = await bench.arrivals();
				const counts = await tunnel.links!.stop();
				await tunnel.stop();
				losses.push((1 - unique / sent) * 100);
				products.push(productOfLosses(counts) * 100);
				paths.push(...counts.map(({received, delivered}) => (1 - delivered / received) * 100));
			}
			return residualRows(name, {paths, products, losses});
		});
	return {name, run};
}

function residualRows(
	name: string,
	{paths, products, losses}: Readonly<Record<'paths' | 'products' | 'losses', readonly number[]>>,
): Row[] {
	const row = {measurement: NAME, case: name, unit: '%'};
	const one = makeRow({...row, system: 'one link', runs: paths});
	const product = makeRow({...row, system: 'product of the three', runs: products});
	return [
		one,
		product,
		makeRow({...row, system: 'tunnel over three', runs: losses, reference: product}),
	];
}

/** What is lost although every datagram travels over three bad links. */
export const RESIDUAL_MEASUREMENT: Measurement = {
	name: NAME,
	title: 'residual loss over three links',
	reference: 'product',
	cases: [
		throughLinks('10 % loss each', ['--loss', '10%', '--delay', '20ms']),
		throughLinks('20 % loss each', ['--loss', '20%', '--delay', '20ms']),
		throughLinks('30 % loss each', ['--loss', '30%', '--delay', '20ms']),
		throughLinks('10 % loss in bursts of 5', ['--loss', '10%', '--burst', '5', '--delay', '20ms']),
		...['wifi', 'lte', 'dsl', 'satellite', 'congested'].map((profile) =>
			throughLinks(`profile ${profile}`, ['--profile', profile]),
		),
	],
};
