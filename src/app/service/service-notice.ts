import process from 'node:process';
import {escapeControls} from '../../text/escape-text.ts';
import {isConnected, type StatusSnapshot} from '../observe/status.ts';
import type {Notify} from './notify.ts';

/** Time between two looks at the status, whose words are sent when they change. */
const LOOK_MILLIS = 5000;

/** Inputs of {@link ServiceNotice}. */
export interface ServiceNoticeInit {
	readonly notify: Notify;
	readonly env: NodeJS.ProcessEnv;
	readonly pid: number;
}

/** The messages of a program to its service manager; see sd_notify(3). */
export class ServiceNotice {
	readonly #notify: Notify;
	readonly #watchdog: number | undefined;
	readonly #timers: NodeJS.Timeout[] = [];
	#words = '';

	constructor({notify, env, pid}: ServiceNoticeInit) {
		this.#notify = notify;
		this.#watchdog = watchdogInterval(env, pid);
	}

	/** The program listens; from now on its status and signs of life are sent. */
	ready(status: () => StatusSnapshot): void {
		this.#words = statusWords(status());
		this.#notify(`READY=1\nSTATUS=${this.#words}`);
		this.#every(LOOK_MILLIS, () => {
			const words = statusWords(status());
			if (words !== this.#words) this.#notify(`STATUS=${words}`);
			this.#words = words;
		});
		// A loop that stands still sends none, which is what the manager looks for.
		if (this.#watchdog !== undefined) this.#every(this.#watchdog, () => this.#notify('WATCHDOG=1'));
	}

	/** The program reads its configuration anew; {@link reloaded} ends that. */
	reloading(): void {
		const micros = process.hrtime.bigint() / 1000n;
		this.#notify(`RELOADING=1\nMONOTONIC_USEC=${micros}`);
	}

	/** The program works with the configuration that it has now, be it new or the one before. */
	reloaded(): void {
		this.#notify('READY=1');
	}

	/** The program ends. */
	stopping(): void {
		for (const timer of this.#timers) clearInterval(timer);
		this.#notify('STOPPING=1');
	}

	#every(millis: number, act: () => void): void {
		this.#timers.push(setInterval(act, millis).unref());
	}
}

/** Half of the time after which the manager takes this process for dead. `undefined`: never. */
function watchdogInterval(env: NodeJS.ProcessEnv, pid: number): number | undefined {
	const {WATCHDOG_USEC: micros = '', WATCHDOG_PID: watched = String(pid)} = env;
	if (!/^[1-9][0-9]{0,15}$/.test(micros) || watched !== String(pid)) return undefined;
	// Timers of Node overflow beyond 2^31 ms.
	return Math.min(Math.max(1, Math.floor(Number(micros) / 2000)), 2 ** 31 - 1);
}

/** A status in one line: `3 of 3 paths up`. */
export function statusWords(snapshot: StatusSnapshot): string {
	const {program, sessions, places, connection} = snapshot;
	if (program === 'mpserver') return `${sessions.length} clients`;
	const up = sessions.flatMap(({paths}) => paths).filter(({state}) => state === 'up').length;
	const words = `${up} of ${places.length} paths up`;
	if (isConnected(snapshot)) return words;
	const reason = connection?.reason ? `: ${escapeControls(connection.reason)}` : '';
	return `${words}, no connection${reason}`;
}
