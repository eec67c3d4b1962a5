import {type Limit, STREAM_LINKS, STREAM_ONE, STREAM_THREE} from '../limits.ts';
import {makeRow, type Row} from '../row.ts';
import {StreamEnds} from '../streams/ends.ts';
import {
	DANTED,
	NO_PROXY,
	type Route,
	type RouteKind,
	SS_LOCAL,
	tunnelRoute,
} from '../streams/routes.ts';
import {MissingError} from '../systems/system.ts';
import type {Case, Conditions, Measurement} from './measurement.ts';

const NAME = 'streams';
/** As many times as long as a run of datagrams: before it counts, and in all. */
const WARM_UP = 2;
const WHOLE = 6;
/** Over links with a delay it takes longer to find the rate. */
const LINKS_WARM_UP = 3;
const LINKS_WHOLE = 10;

interface Plan {
	readonly name: string;
	readonly kinds: readonly RouteKind[];
	readonly limits: Readonly<Record<string, Limit>>;
	readonly warmUp: number;
	readonly whole: number;
}

async function openRoutes(
	kinds: readonly RouteKind[],
	warn: Conditions['warn'],
): Promise<Map<string, Route>> {
	const routes = new Map<string, Route>();
	for (const {name, open} of kinds) {
		try {
			routes.set(name, await open());
		} catch (error) {
			if (!(error instanceof MissingError)) throw error;
			warn(`without ${name}: ${error.message}`);
		}
	}
	return routes;
}

async function measure(plan: Plan, {repeats, millis, warn}: Conditions): Promise<Row[]> {
	const ends = new StreamEnds();
	const routes = await openRoutes(plan.kinds, warn);
	const cells = [...routes].flatMap(([name, route]) =>
		(['download', 'upload'] as const).map((direction) => ({
			name,
			route,
			direction,
			runs: [] as number[],
		})),
	);
	try {
		for (let repeat = 0; repeat < repeats; repeat++) {
			for (const {route, direction, runs} of cells) {
				runs.push(
					await ends.run(route.proxy, direction, plan.warmUp * millis, plan.whole * millis),
				);
			}
		}
	} finally {
		await Promise.all([...routes.values()].map((route) => route.stop()));
		await ends.stop();
	}
	const rows: Row[] = [];
	for (const {name, direction, runs} of cells) {
		rows.push(
			makeRow({
				measurement: NAME,
				case: plan.name,
				system: `${name}, ${direction}`,
				unit: 'Mbit/s',
				runs,
				reference: rows.find(({system}) => system === `${DANTED.name}, ${direction}`),
				limit: plan.limits[name],
			}),
		);
	}
	return rows;
}

function asCase(plan: Plan): Case {
	return {name: plan.name, run: (conditions) => measure(plan, conditions)};
}

const ONE = 'tunnel over one direct path';
const THREE = 'tunnel over three direct paths';
const LINKS = 'tunnel over three links';
const BAD_LINK = ['--rate', '100mbit', '--loss', '10%', '--delay', '25ms', '--queue', '50ms'];

/** How much one TCP connection carries through SOCKS5 CONNECT. */
export const STREAMS_MEASUREMENT: Measurement = {
	name: NAME,
	title: 'one TCP connection through CONNECT',
	reference: 'danted',
	cases: [
		asCase({
			name: 'loopback',
			kinds: [
				NO_PROXY,
				DANTED,
				SS_LOCAL,
				tunnelRoute(ONE, {paths: 1}),
				tunnelRoute(THREE, {}),
				tunnelRoute('tunnel noble dgram, three direct paths', {
					flags: ['--crypto', 'noble', '--io', 'dgram'],
				}),
			],
			limits: {[ONE]: STREAM_ONE, [THREE]: STREAM_THREE},
			warmUp: WARM_UP,
			whole: WHOLE,
		}),
		asCase({
			name: 'links of 100 Mbit/s, 50 ms round trip, 10 % loss',
			kinds: [
				tunnelRoute('tunnel over one link', {through: [BAD_LINK]}),
				tunnelRoute(LINKS, {through: [BAD_LINK, BAD_LINK, BAD_LINK]}),
			],
			limits: {[LINKS]: STREAM_LINKS},
			warmUp: LINKS_WARM_UP,
			whole: LINKS_WHOLE,
		}),
	],
};
