import {type Millis, NEVER} from '../../bytes/time.ts';
import type {EndpointEvent} from '../../core/events.ts';
import {formatAge} from '../../text/figures.ts';
import {formatAddress} from '../../text/ip.ts';
import {
	type ConnectionStatus,
	ConnectionWatch,
	type ConnectionWatchInit,
	type IdleFinding,
} from './connection-watch.ts';
import type {Logger} from './logger.ts';
import {findingWords} from './path-finding.ts';

/** A path as the user wrote it. */
interface ReportedPath {
	readonly name: string;
	readonly host: string;
	readonly port: number;
}

/** The parts of a client that the report uses. */
export interface ConnectionReportInit extends Pick<ConnectionWatchInit, 'troubleOf'> {
	/** The paths as the user wrote them. */
	readonly paths: readonly ReportedPath[];
	readonly logger: Logger;
	readonly now: () => Millis;
}

/** Logs, while a client has no connection, what it knows of each path; a timer runs only then. */
export class ConnectionReport {
	readonly #init: ConnectionReportInit;
	readonly #watch: ConnectionWatch;
	/** By the ids of the paths. */
	#paths: ReadonlyMap<number, ReportedPath>;
	#timer: NodeJS.Timeout | undefined;
	#closed = false;

	constructor(init: ConnectionReportInit) {
		this.#init = init;
		const {paths, troubleOf, now} = init;
		this.#paths = new Map(paths.entries());
		this.#watch = new ConnectionWatch({paths: paths.length, troubleOf, now: now()});
		this.#arm();
	}

	/** Takes other paths by their ids. */
	reconfigure(paths: ReadonlyMap<number, ReportedPath>): void {
		this.#paths = paths;
		this.#watch.reconfigure(new Set(paths.keys()), this.#init.now());
		this.#arm();
	}

	/** Takes an event of the endpoint. */
	event(event: EndpointEvent): void {
		this.#watch.event(event, this.#init.now());
		this.#arm();
	}

	/** Takes the system's error for packets to where a path leads. */
	refused(path: number, reason: string): void {
		this.#watch.refused(path, reason, this.#init.now());
	}

	status(): ConnectionStatus {
		return this.#watch.status(this.#init.now());
	}

	/** Returns the reason why a path carries nothing. `undefined`: it does or is about to. */
	finding(path: number): IdleFinding | undefined {
		return this.#watch.finding(path, this.#init.now());
	}

	close(): void {
		this.#closed = true;
		clearTimeout(this.#timer);
	}

	#arm(): void {
		clearTimeout(this.#timer);
		const next = this.#watch.nextTimeout();
		if (next === NEVER || this.#closed) return;
		const pause = Math.max(0, next - this.#init.now());
		this.#timer = setTimeout(() => this.#due(), Math.ceil(pause)).unref();
	}

	#due(): void {
		if (this.#watch.handleTimeout(this.#init.now())) this.#report();
		this.#arm();
	}

	#report(): void {
		const {logger} = this.#init;
		const {for: age, reason} = this.status();
		for (const [id, {name, host, port}] of this.#paths) {
			const finding = this.finding(id);
			if (finding === undefined) continue;
			logger.warn('no connection', {
				for: formatAge(age),
				because: reason || undefined,
				path: name,
				to: formatAddress(host, port),
				finding: findingWords(finding),
			});
		}
	}
}
