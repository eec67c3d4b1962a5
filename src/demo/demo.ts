import type {Logger} from '../app/observe/logger.ts';
import type {Millis} from '../bytes/time.ts';
import {DemoTunnel} from './demo-tunnel.ts';
import {DEMO_LINKS} from './links.ts';
import {allUp, heldCopies, sharedDelay} from './measurement.ts';
import {type LiveFigures, liveTable, type RunFigures, summary} from './report.ts';
import {Application, EchoTarget} from './traffic.ts';

/** Settings of a run. */
export interface DemoInit {
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
	const echo = await EchoTarget.open();
	try {
		const tunnel = await DemoTunnel.start(echo.port, init.logger);
		try {
			// The first datagrams shall find all paths, or the loss of the start would be counted too.
			await pathsUp(tunnel, stop);
			return await runTraffic(tunnel, echo, stop, init);
		} finally {
			await tunnel.close();
		}
	} finally {
		echo.close();
	}
}

async function pathsUp(tunnel: DemoTunnel, stop: Stop): Promise<void> {
	const end = performance.now() + START_LIMIT;
	while (!stop.asked && !allUp(tunnel.measure(), DEMO_LINKS.length)) {
		if (performance.now() > end) throw new Error('the paths of the demo did not come up');
		await stop.orAfter(START_STEP);
	}
}

async function runTraffic(
	tunnel: DemoTunnel,
	echo: EchoTarget,
	stop: Stop,
	{rate: wantedRate, duration, show}: DemoInit,
): Promise<readonly string[]> {
	const application = await Application.start(tunnel.classicPort, echo, wantedRate);
	const live = (): LiveFigures => ({
		elapsed: application.duration,
		rate: application.rate,
		wantedRate,
		limited: application.limited,
		measurement: tunnel.measure(),
	});
	const strain = setInterval(watchStrain(tunnel, application), STRAIN_INTERVAL);
	const table = setInterval(() => show(liveTable(live())), TABLE_INTERVAL);
	try {
		await stop.orAfter(duration);
		await application.stop();
		const figures: RunFigures = {
			...live(),
			traffic: application.counts,
			links: (await tunnel.linkCounts()).map((counts, index) => ({
				link: DEMO_LINKS[index]!,
				counts,
			})),
		};
		return summary(figures);
	} finally {
		clearInterval(strain);
		clearInterval(table);
		application.close();
	}
}

/**
 * Slows the application down when many copies are held back, or packets are late on all paths for
 * two windows in a row; a machine that only stalls now and then is not faster with less to do.
 */
function watchStrain(tunnel: DemoTunnel, application: Application): () => void {
	let heldBefore = 0;
	let sentBefore = 0;
	let wasLate = false;
	return () => {
		const measurement = tunnel.measure();
		if (measurement === undefined) return;
		const held = heldCopies(measurement);
		const [{sent}] = application.counts;
		const isLate = sharedDelay(measurement) > STRAIN_DELAY;
		const copies = 2 * DEMO_LINKS.length * (sent - sentBefore);
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
