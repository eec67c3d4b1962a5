import type {Logger} from '../app/observe/logger.ts';
import type {Millis} from '../bytes/time.ts';
import {SystemRandom} from '../crypto/system-random.ts';
import type {LinkProxyCounts} from '../net/link/proxy.ts';
import type {Policy} from '../policy/policy.ts';
import {DemoTunnel} from './demo-tunnel.ts';
import type {DemoLink} from './links.ts';
import {allUp, heldCopies, sharedDelay} from './measurement.ts';
import {type LiveFigures, liveTable, type RunFigures, summary} from './report.ts';
import {Application} from './traffic.ts';

/** Settings of a run. */
export interface DemoInit {
	/** Policies to compare, each of a tunnel of its own. */
	readonly policies: readonly Policy[];
	/** Those of each tunnel. */
	readonly links: readonly DemoLink[];
	/** Datagrams per second. */
	readonly rate: number;
	/** Duration of the traffic. `undefined`: until `stopped`. */
	readonly duration: Millis | undefined;
	/** Resolves when the user has seen enough. */
	readonly stopped: Promise<void>;
	readonly logger: Logger;
	/** Gets the live table once a second. */
	readonly show: (lines: readonly string[]) => void;
}

const TABLE_INTERVAL: Millis = 1000;

/**
 * Interval at which it is checked that the machine keeps up; the delay and the share that show it
 * does not.
 */
const STRAIN_INTERVAL: Millis = 250;
const STRAIN_DELAY: Millis = 50;
const STRAIN_SHARE = 0.02;

/** Longest wait for the paths to come up; at 20 % loss each way it takes a fraction of a second. */
const START_LIMIT: Millis = 15_000;
const START_STEP: Millis = 20;

/** Runs the demo from beginning to end; resolves with the lines of its summary. */
export async function runDemo(init: DemoInit): Promise<readonly string[]> {
	const stop = new Stop(init.stopped);
	const random = new SystemRandom();
	const links = init.links.map((link) => ({...link, seed: random.uint32()}));
	const tunnels: DemoTunnel[] = [];
	try {
		for (const policy of init.policies) {
			tunnels.push(await DemoTunnel.start({policy, links, logger: init.logger}));
		}
		// The first datagrams shall find all paths, or the loss of the start would be counted too.
		await pathsUp(tunnels, links.length, stop);
		return await runTraffic(tunnels, stop, init);
	} finally {
		for (const tunnel of tunnels) await tunnel.close();
	}
}

async function pathsUp(tunnels: readonly DemoTunnel[], paths: number, stop: Stop): Promise<void> {
	const end = performance.now() + START_LIMIT;
	const isUp = (tunnel: DemoTunnel) => allUp(tunnel.measure(), paths);
	while (!stop.asked && !tunnels.every(isUp)) {
		if (performance.now() > end) throw new Error('the paths of the demo did not come up');
		await stop.orAfter(START_STEP);
	}
}

async function runTraffic(
	tunnels: readonly DemoTunnel[],
	stop: Stop,
	{links, rate: wantedRate, duration, show}: DemoInit,
): Promise<readonly string[]> {
	const before = await allLinkCounts(tunnels);
	const application = await Application.start(tunnels, wantedRate);
	const live = (): LiveFigures => ({
		elapsed: application.duration,
		rate: application.rate,
		wantedRate,
		limited: application.limited,
		tunnels: application.counts.map((traffic, index) => {
			const tunnel = tunnels[index]!;
			return {policy: tunnel.policy, measurement: tunnel.measure(), traffic};
		}),
	});
	const strain = setInterval(watchStrain(tunnels, application, links.length), STRAIN_INTERVAL);
	const table = setInterval(() => show(liveTable(live())), TABLE_INTERVAL);
	try {
		await stop.orAfter(duration);
		await application.stop();
		return summary(withLinks(live(), links, [before, await allLinkCounts(tunnels)]));
	} finally {
		clearInterval(strain);
		clearInterval(table);
		application.close();
	}
}

/** Adds what the links counted, at the beginning of the traffic and now. */
function withLinks(
	live: LiveFigures,
	links: readonly DemoLink[],
	[before, after]: readonly [readonly Counts[], readonly Counts[]],
): RunFigures {
	const tunnels = live.tunnels.map((figures, index) => ({
		...figures,
		bytes: bytesOf(after[index]!) - bytesOf(before[index]!),
		links: after[index]!.map((counts, at) => ({link: links[at]!, counts})),
	}));
	return {...live, tunnels};
}

/** Counts of the links of one tunnel. */
type Counts = readonly LinkProxyCounts[];

function allLinkCounts(tunnels: readonly DemoTunnel[]): Promise<readonly Counts[]> {
	return Promise.all(tunnels.map((tunnel) => tunnel.linkCounts()));
}

/** Returns the bytes in both directions of all links of a tunnel. */
function bytesOf(links: Counts): number {
	return links.reduce((sum, {up, down}) => sum + up.bytes + down.bytes, 0);
}

/**
 * Slows the application down when many copies are held back, or packets are late on all paths for
 * two windows in a row; a machine that only stalls now and then is not faster with less to do.
 */
function watchStrain(
	tunnels: readonly DemoTunnel[],
	application: Application,
	paths: number,
): () => void {
	let heldBefore = 0;
	let sentBefore = 0;
	let wasLate = false;
	return () => {
		const measurements = tunnels.flatMap((tunnel) => tunnel.measure() ?? []);
		const held = measurements.reduce((sum, one) => sum + heldCopies(one), 0);
		const isLate = measurements.some((one) => sharedDelay(one) > STRAIN_DELAY);
		const sent = application.counts.reduce((sum, [up]) => sum + up.sent, 0);
		const copies = 2 * paths * (sent - sentBefore);
		if (held - heldBefore > STRAIN_SHARE * copies || (isLate && wasLate)) application.strained();
		heldBefore = held;
		sentBefore = sent;
		wasLate = isLate;
	};
}

/** The user's wish to stop, to be waited for besides a time. */
class Stop {
	asked = false;
	readonly #stopped: Promise<void>;

	constructor(stopped: Promise<void>) {
		this.#stopped = stopped.then(() => {
			this.asked = true;
		});
	}

	/** Resolves after a time (undefined = never), at once when asked to stop. */
	async orAfter(time: Millis | undefined): Promise<void> {
		if (time === undefined) return this.#stopped;
		let timer: NodeJS.Timeout | undefined;
		const passed = new Promise<void>((resolve) => {
			timer = setTimeout(resolve, time);
		});
		await Promise.race([passed, this.#stopped]);
		clearTimeout(timer);
	}
}
