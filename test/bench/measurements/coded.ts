import type {LaneStatus} from '../../../src/core/events.ts';
import {Bench} from '../bench.ts';
import {LANE_LOST, LANE_TRAFFIC} from '../limits.ts';
import {makeRow, type Row} from '../row.ts';
import {DIRECT} from '../systems/relays.ts';
import {LOOPBACK} from '../systems/system.ts';
import {Tunnel} from '../systems/tunnel.ts';
import {type Case, type Conditions, type Measurement, withBench} from './measurement.ts';

const NAME = 'coded';
const SIZE = 1200;
const RATE = 1000;
/** As many times as long as other runs: losses are rare. */
const LONGER = 300;
const PATHS = 3;
/** Until what is recovered last has arrived. */
const DRAIN_MILLIS = 1500;

/** What one run of load brought, each as a share of the datagrams sent. */
interface Run {
	readonly link: number;
	readonly lost: number;
	/** Lost, or later than promised: as the server counts. */
	readonly failed: number;
	/** Bytes on all paths, times those of the sources. */
	readonly traffic: number;
}

function failures({receiving}: LaneStatus): number {
	return (receiving?.missing ?? 0) + (receiving?.late ?? 0);
}

/** The only lane of an end. */
async function laneOf(tunnel: Tunnel, end: 'mpclient' | 'mpserver'): Promise<LaneStatus> {
	const {sessions} = await tunnel.status(end);
	const lane = sessions[0]?.lanes[0];
	if (lane === undefined) throw new Error(`${end} has no lane`);
	return lane;
}

/** One run over three links, whose losses differ with the seed. */
export async function codedRun(
	bench: Bench,
	policy: string,
	seed: number,
	millis: number,
): Promise<Run> {
	const link = (path: number) => ['--loss', '10%', '--delay', '20ms', '--seed', `${seed} ${path}`];
	const through = Array.from({length: PATHS}, (_, path) => link(path));
	const tunnel = await Tunnel.start({name: policy, through, policy}, bench.sinkPort);
	try {
		await bench.warmUp(tunnel);
		const before = failures(await laneOf(tunnel, 'mpserver'));
		const traffic = {sizes: [SIZE], rate: RATE, millis, drainMillis: DRAIN_MILLIS};
		const {sent} = await bench.load(tunnel, traffic);
		const {unique} = await bench.arrivals();
		const failed = failures(await laneOf(tunnel, 'mpserver')) - before;
		const {sending} = await laneOf(tunnel, 'mpclient');
		const counts = await tunnel.links!.stop();
		const losses = counts.map(({received, delivered}) => 1 - delivered / received);
		const lossOfLinks = losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
		const lost = 1 - unique / sent;
		return {link: lossOfLinks, lost, failed: failed / sent, traffic: sending!.meanTraffic};
	} finally {
		await tunnel.stop();
	}
}

function overLinks(policy: string): Case {
	const name = `10 % loss each, ${policy}`;
	const run = ({style, warn, repeats, millis}: Conditions) =>
		withBench(Bench.start(LOOPBACK, [DIRECT], style, warn), async (bench) => {
			const runs: Run[] = [];
			for (let seed = 0; seed < repeats; seed++) {
				runs.push(await codedRun(bench, policy, seed, millis * LONGER));
			}
			return rowsOf(name, runs);
		});
	return {name, run};
}

function rowsOf(name: string, runs: readonly Run[]): Row[] {
	const row = {measurement: NAME, case: name, unit: '%'};
	const percent = (figure: (run: Run) => number) => runs.map((run) => 100 * figure(run));
	const link = makeRow({...row, system: 'one link', runs: percent((run) => run.link)});
	const reference = link;
	const lost = percent(({lost}) => lost);
	const failed = percent(({failed}) => failed);
	return [
		link,
		makeRow({...row, system: 'tunnel: lost', runs: lost, reference, limit: LANE_LOST}),
		makeRow({...row, system: 'tunnel: lost or late', runs: failed, reference, limit: LANE_LOST}),
		makeRow({
			...row,
			system: 'tunnel: traffic',
			unit: 'x',
			runs: runs.map(({traffic}) => traffic),
			limit: LANE_TRAFFIC,
		}),
	];
}

/** What is lost or late although every datagram goes out once, with repairs beside. */
export const CODED_MEASUREMENT: Measurement = {
	name: NAME,
	title: 'a code over three links',
	reference: 'one link',
	cases: [overLinks('fec 1.5')],
};
