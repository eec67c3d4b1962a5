import {once} from 'node:events';
import {Worker} from 'node:worker_threads';
import type {Millis} from '../bytes/time.ts';
import type {LinkProxyCounts} from '../net/link/proxy.ts';

/** A simulated link; the same both ways. */
export interface DemoLink {
	readonly name: string;
	readonly loss: number;
	readonly delay: Millis;
	readonly jitter: Millis;
}

/** A link with its dice. */
export interface SeededLink extends DemoLink {
	readonly seed: number;
}

/** Settings for the thread of the links. */
export interface LinksInit {
	readonly links: readonly SeededLink[];
	/** The port of 127.0.0.1 where all links end. */
	readonly target: number;
}

/** Messages from it: its ports at the start, then the counts whenever it is asked. */
export type LinksMessage = readonly number[] | readonly LinkProxyCounts[];

/** The three links of the demo, with their usual loss. */
export const DEMO_LINKS: readonly DemoLink[] = [
	{name: 'near', loss: 0.1, delay: 12, jitter: 2},
	{name: 'middle', loss: 0.1, delay: 15, jitter: 2},
	{name: 'far', loss: 0.1, delay: 18, jitter: 3},
];

/** Simulated links, running. */
export class Links {
	readonly #worker: Worker;
	/** Port of each link on 127.0.0.1. */
	readonly ports: readonly number[];

	private constructor(worker: Worker, ports: readonly number[]) {
		this.#worker = worker;
		this.ports = ports;
	}

	/**
	 * Starts them on free ports.
	 * @param links with their seeds: those of the same seed lose the same of their packets
	 * @param target port of 127.0.0.1 where they end
	 */
	static async start(links: readonly SeededLink[], target: number): Promise<Links> {
		const workerData: LinksInit = {links, target};
		const worker = new Worker(new URL('./links-worker.js', import.meta.url), {workerData});
		const [ports] = (await once(worker, 'message')) as [readonly number[]];
		return new Links(worker, ports);
	}

	/** Asks the thread for the counts. */
	async counts(): Promise<readonly LinkProxyCounts[]> {
		const answer = once(this.#worker, 'message');
		this.#worker.postMessage('counts');
		const [counts] = (await answer) as [readonly LinkProxyCounts[]];
		return counts;
	}

	async close(): Promise<void> {
		await this.#worker.terminate();
	}
}
