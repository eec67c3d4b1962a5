import {Bench} from '../bench.ts';
import {
	BOTH_WAYS_PART,
	BRIDGED_PART,
	GENERATOR_LOSS,
	GOODPUT,
	type Limit,
	ofReference,
	PORTABLE_GOODPUT,
	SMALL_GOODPUT,
	scaled,
} from '../limits.ts';
import type {Best} from '../rate-search.ts';
import {makeRow, type Row} from '../row.ts';
import {spread} from '../spread.ts';
import {withCable} from '../systems/cable.ts';
import {OPENVPN} from '../systems/openvpn.ts';
import {peerKinds} from '../systems/peers.ts';
import {DIRECT, SOCAT, THREE_SOCATS} from '../systems/relays.ts';
import {SHADOWSOCKS} from '../systems/shadowsocks.ts';
import {LOOPBACK, type Scene, type SystemKind} from '../systems/system.ts';
import {BRIDGED_TUNNEL, TUNNEL, TUNNELS} from '../systems/tunnel.ts';
import {highestRates, type SearchPlan} from './highest-rate.ts';
import {
	type Case,
	type Conditions,
	type Measurement,
	MIXED_SIZES,
	withBench,
} from './measurement.ts';

const NAME = 'goodput';
const ONE_PERCENT = 0.01;
const PACKETS = 'packets/s';

const to1200 = scaled(GOODPUT, 1200 * 8e-6, ' Mbit/s');

/** Systems beside each other, one way. */
function oneWay(
	name: string,
	sizes: readonly number[],
	lossLimit: number,
	kinds: readonly SystemKind[],
	limits: Readonly<Record<string, Limit>> = {},
): Case {
	return {
		name,
		run: (conditions) => oneWayRows({name, sizes, lossLimit, kinds, limits}, LOOPBACK, conditions),
	};
}

interface OneWay {
	readonly name: string;
	readonly sizes: readonly number[];
	readonly lossLimit: number;
	readonly kinds: readonly SystemKind[];
	readonly limits: Readonly<Record<string, Limit>>;
}

function oneWayRows(
	{name, sizes, lossLimit, kinds, limits}: OneWay,
	scene: Scene,
	conditions: Conditions,
): Promise<Row[]> {
	return withBench(Bench.start(scene, kinds, conditions.style, conditions.warn), async (bench) => {
		const plans = bench.systems.map((system) => ({
			system,
			sizes,
			lossLimit: system.name === DIRECT.name ? GENERATOR_LOSS : lossLimit,
		}));
		const found = await highestRates(bench, plans, conditions.repeats, conditions.millis);
		return rows(name, plans, found, limits);
	});
}

function rows(
	name: string,
	plans: readonly SearchPlan[],
	found: readonly (readonly Best[])[],
	limits: Readonly<Record<string, Limit>>,
): Row[] {
	const all: Row[] = [];
	const alone = plans.findIndex(({system}) => system.name === DIRECT.name);
	const ceiling = Math.max(...(found[alone] ?? []).map(({rate}) => rate));
	for (const [i, {system, sizes}] of plans.entries()) {
		const bytes = sizes.reduce((sum, size) => sum + size, 0) / sizes.length;
		const reference = all.find((row) => row.system === SOCAT.name);
		const row = {measurement: NAME, case: name, system: system.name, unit: PACKETS};
		const runs = found[i]!.map(({carried}) => carried);
		const {median} = spread(found[i]!.map(({rate}) => rate));
		const invalid =
			i !== alone && alone >= 0 && median > ceiling
				? 'generator -> sink alone loses more than 0.05 % at this rate'
				: undefined;
		const plain = makeRow({...row, runs, reference, limit: limits[system.name], invalid});
		const note = `${(plain.spread.median * bytes * 8e-6).toFixed(0)} Mbit/s`;
		const limited = found[i]!.every((best) => best.limited) ? ', the generator sent no more' : '';
		all.push({...plain, note: note + limited});
	}
	return all;
}

async function bothWays(name: string, conditions: Conditions): Promise<readonly Row[]> {
	const {style, warn, repeats, millis} = conditions;
	const start = Bench.start(LOOPBACK, [DIRECT, SOCAT, TUNNEL], style, warn);
	return withBench(start, async (bench) => {
		const plans = bench.systems.flatMap((system): SearchPlan[] =>
			[false, true].map((both) => ({system, sizes: [1200], lossLimit: ONE_PERCENT, both})),
		);
		const found = await highestRates(bench, plans, repeats, millis);
		const all: Row[] = [];
		for (const [i, {system, both}] of plans.entries()) {
			const oneWayRow = both ? all.at(-1) : undefined;
			const limit =
				oneWayRow !== undefined && system.name === TUNNEL.name
					? ofReference(BOTH_WAYS_PART, oneWayRow.spread.median)
					: undefined;
			const reference = all.find(
				(row) => row.system === `${SOCAT.name}${both ? ', each way' : ''}`,
			);
			all.push(
				makeRow({
					measurement: NAME,
					case: name,
					system: `${system.name}${both ? ', each way' : ''}`,
					unit: PACKETS,
					runs: found[i]!.map(({carried}) => carried),
					reference,
					limit,
				}),
			);
		}
		return all;
	});
}

async function bridged(name: string, conditions: Conditions): Promise<readonly Row[]> {
	const {style, warn, repeats, millis} = conditions;
	const start = Bench.start(LOOPBACK, [THREE_SOCATS, BRIDGED_TUNNEL], style, warn);
	return withBench(start, async (bench) => {
		const plans = bench.systems.map((system) => ({system, sizes: [1200], lossLimit: ONE_PERCENT}));
		const found = await highestRates(bench, plans, repeats, millis);
		const [relays, tunnel] = rows(name, plans, found, {});
		if (relays === undefined || tunnel === undefined) return [];
		const limit = ofReference(BRIDGED_PART, relays.spread.median);
		return [relays, {...makeRow({...tunnel, limit, note: tunnel.note})}];
	});
}

function named(
	name: string,
	run: (name: string, conditions: Conditions) => Promise<readonly Row[]>,
): Case {
	return {name, run: (conditions) => run(name, conditions)};
}

const VPN: OneWay = {
	name: 'other tunnels over veth, 1200 B at <= 1 %',
	sizes: [1200],
	lossLimit: ONE_PERCENT,
	kinds: [SOCAT, TUNNEL, OPENVPN],
	limits: {},
};

/** How much is carried. */
export const GOODPUT_MEASUREMENT: Measurement = {
	name: NAME,
	title: 'goodput',
	reference: 'socat',
	cases: [
		oneWay('ceiling: generator -> sink alone, 1200 B at <= 0.05 %', [1200], GENERATOR_LOSS, [
			DIRECT,
		]),
		oneWay('ceiling: generator -> sink alone, 100 B at <= 0.05 %', [100], GENERATOR_LOSS, [DIRECT]),
		oneWay('1200 B at <= 1 %', [1200], ONE_PERCENT, [DIRECT, SOCAT, TUNNEL], {
			[TUNNEL.name]: to1200,
		}),
		oneWay('1200 B at <= 0.1 %', [1200], 0.001, [DIRECT, SOCAT, TUNNEL]),
		oneWay('100 B at <= 1 %', [100], ONE_PERCENT, [DIRECT, SOCAT, TUNNEL], {
			[TUNNEL.name]: SMALL_GOODPUT,
		}),
		named('1200 B at <= 1 %, both directions at once', bothWays),
		oneWay('64, 576, 1200 B as 7:4:1 at <= 1 %', MIXED_SIZES, ONE_PERCENT, [DIRECT, SOCAT, TUNNEL]),
		named('1200 B at <= 1 % through three socats', bridged),
		oneWay('back ends, 1200 B at <= 1 %', [1200], ONE_PERCENT, [SOCAT, ...TUNNELS], {
			'tunnel noble dgram': PORTABLE_GOODPUT,
		}),
		oneWay('other tunnels, 1200 B at <= 1 %', [1200], ONE_PERCENT, [
			SOCAT,
			TUNNEL,
			SHADOWSOCKS,
			...peerKinds(),
		]),
		{
			name: VPN.name,
			run: (conditions) => withCable(true, (scene) => oneWayRows(VPN, scene, conditions)),
		},
	],
};
