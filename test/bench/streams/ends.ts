import {Helper, pause} from '../processes.ts';
import {NEAR_HOST} from '../systems/system.ts';
import type {
	ApplicationCommand,
	ApplicationResult,
	OriginCommand,
	OriginResult,
} from './messages.ts';

/** Until what a former connection left behind is gone. */
const REST_MILLIS = 500;

/** Where the ends of a connection are, and where its origin listens. */
export interface Place {
	readonly nearWrapper: readonly string[];
	readonly farWrapper: readonly string[];
	readonly host: string;
}

const HERE: Place = {nearWrapper: [], farWrapper: [], host: NEAR_HOST};

/** The two ends of TCP connections. */
export class StreamEnds {
	readonly #host: string;
	readonly #origin: Helper<OriginCommand, OriginResult>;
	readonly #application: Helper<ApplicationCommand, ApplicationResult>;

	constructor({nearWrapper, farWrapper, host}: Place = HERE) {
		this.#host = host;
		this.#origin = new Helper('streams/origin-main', [host], farWrapper);
		this.#application = new Helper('streams/application-main', [], nearWrapper);
	}

	/** One connection; megabits a second. */
	async run(
		proxy: number | undefined,
		direction: 'download' | 'upload',
		warmUpMillis: number,
		millis: number,
	): Promise<number> {
		await pause(REST_MILLIS);
		const {port: origin} = await this.#count();
		const command = {direction, proxy, host: this.#host, origin, warmUpMillis, millis};
		const done = this.#application.ask(command);
		if (direction === 'download') {
			const result = await done;
			return (result.bytes * 8e-3) / result.millis;
		}
		await pause(warmUpMillis);
		const from = await this.#count();
		await done;
		const until = await this.#count();
		return ((until.received - from.received) * 8e-3) / (until.at - from.at);
	}

	#count(): Promise<OriginResult> {
		return this.#origin.ask({type: 'count'});
	}

	async stop(): Promise<void> {
		await Promise.all([this.#origin.stop(), this.#application.stop()]);
	}
}
