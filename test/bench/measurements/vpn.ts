import {execFileSync} from 'node:child_process';
import {VPN_PART} from '../limits.ts';
import {makeRow, type Row} from '../row.ts';
import {StreamEnds} from '../streams/ends.ts';
import {withCable} from '../systems/cable.ts';
import {startInnerOpenVpn} from '../systems/openvpn.ts';
import {MissingError, type Scene} from '../systems/system.ts';
import {Tunnel} from '../systems/tunnel.ts';
import type {StartVpn, Vpn} from '../systems/vpn.ts';
import {startWireGuard} from '../systems/wireguard.ts';
import type {Case, Conditions, Measurement} from './measurement.ts';

const NAME = 'vpn';
/** As many times as long as a run of datagrams: before it counts, and in all. */
const WARM_UP = 4;
const WHOLE = 12;
/** The congestion control that random loss hurts most. */
const CONTROL = 'cubic';

const DELAY = ['--delay', '20ms'];
const LINKS = [1, 2, 3];

/** The ways through the tunnel, the one that the others are held against first. */
const WAYS = [
	{name: 'fec 2, no loss', flags: DELAY, policy: 'fec 2'},
	{name: 'fec 2, 10 % loss', flags: [...DELAY, '--loss', '10%'], policy: 'fec 2'},
	{name: 'redundant, 10 % loss', flags: [...DELAY, '--loss', '10%'], policy: 'redundant'},
] as const;

type Way = (typeof WAYS)[number];

/** A VPN through a tunnel over three links, and the two ends of its connections. */
class VpnRoute {
	readonly runs: number[] = [];
	readonly way: Way;
	readonly #tunnel: Tunnel;
	readonly #vpn: Vpn;
	readonly #ends: StreamEnds;

	private constructor(way: Way, tunnel: Tunnel, vpn: Vpn, ends: StreamEnds) {
		this.way = way;
		this.#tunnel = tunnel;
		this.#vpn = vpn;
		this.#ends = ends;
	}

	static async open(way: Way, scene: Scene, start: StartVpn): Promise<VpnRoute> {
		let tunnel: Tunnel | undefined;
		const connect = async (port: number): Promise<number> => {
			const through = LINKS.map((link) => [...way.flags, '--seed', `${link}`]);
			const place = {scene, through, policy: way.policy};
			tunnel = await Tunnel.start({name: way.name, ...place}, port);
			return tunnel.ports[0]!;
		};
		const vpn = await start(scene, connect).catch(async (error: unknown) => {
			await tunnel?.stop();
			throw error;
		});
		if (tunnel === undefined) throw new Error('a VPN without a tunnel');
		setControl(scene, vpn.host);
		return new VpnRoute(way, tunnel, vpn, new StreamEnds({...scene, host: vpn.host}));
	}

	async run(warmUp: number, whole: number): Promise<void> {
		this.runs.push(await this.#ends.run(undefined, 'upload', warmUp, whole));
	}

	async stop(): Promise<void> {
		await this.#ends.stop();
		await this.#vpn.stop();
		await this.#tunnel.stop();
	}
}

/** Gives connections to an address their congestion control: a namespace may have another. */
function setControl({nearWrapper}: Scene, host: string): void {
	const ip = (...words: readonly string[]): string => {
		const [file = '', ...argv] = [...nearWrapper, 'ip', 'route', ...words];
		return execFileSync(file, argv, {stdio: ['ignore', 'pipe', 'pipe']}).toString();
	};
	const device = /dev (\S+)/.exec(ip('get', host))?.[1] ?? '';
	try {
		ip('replace', `${host}/32`, 'dev', device, 'congctl', CONTROL);
	} catch (error) {
		throw new MissingError(`TCP cannot have ${CONTROL}: ${error}`);
	}
}

/** Opens a route for each way, each between hosts of its own, and calls `use`. */
function withRoutes<T>(
	start: StartVpn,
	ways: readonly Way[],
	routes: readonly VpnRoute[],
	use: (routes: readonly VpnRoute[]) => Promise<T>,
): Promise<T> {
	const [way, ...others] = ways;
	if (way === undefined) return use(routes);
	return withCable(true, async (scene) => {
		const route = await VpnRoute.open(way, scene, start);
		try {
			return await withRoutes(start, others, [...routes, route], use);
		} finally {
			await route.stop();
		}
	});
}

function through(name: string, start: StartVpn): Case {
	const run = ({repeats, millis}: Conditions): Promise<readonly Row[]> =>
		withRoutes(start, WAYS, [], async (routes) => {
			for (let repeat = 0; repeat < repeats; repeat++) {
				for (const route of routes) await route.run(WARM_UP * millis, WHOLE * millis);
			}
			const rows: Row[] = [];
			for (const {way, runs} of routes) {
				rows.push(
					makeRow({
						...{measurement: NAME, case: name, system: way.name, unit: 'Mbit/s', runs},
						reference: rows[0],
						ratioLimit: way === WAYS[1] ? VPN_PART : undefined,
					}),
				);
			}
			return rows;
		});
	return {name, run};
}

/** One TCP connection inside a VPN inside a tunnel whose links lose much. */
export const VPN_MEASUREMENT: Measurement = {
	name: NAME,
	title: 'one TCP connection inside a VPN, over three links of 20 ms',
	reference: 'no loss',
	cases: [through('OpenVPN', startInnerOpenVpn), through('WireGuard', startWireGuard)],
};
