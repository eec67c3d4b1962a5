import type {Millis} from '../bytes/time.ts';
import type {EndpointContext} from './context.ts';
import type {EndpointEvent} from './events.ts';
import type {RemoteAddress} from './remote-address.ts';

/** Subject of a warning. */
export type WarningCode = Extract<EndpointEvent, {type: 'warning'}>['code'];

const INTERVAL: Millis = 1000;

/**
 * Emits warnings that attackers can cause with every packet: of each code the first at once, then
 * one a second at most, with the number of those that it stands for.
 */
export class Warnings {
	readonly #context: EndpointContext;
	readonly #codes = new Map<WarningCode, {times: number; emitted: Millis}>();

	constructor(context: EndpointContext) {
		this.#context = context;
	}

	/** Emits or counts a warning. @param where place that it is about: an address or a word */
	warn(code: WarningCode, where: RemoteAddress | string, text: string, now: Millis): void {
		let entry = this.#codes.get(code);
		if (entry === undefined) {
			entry = {times: 0, emitted: Number.NEGATIVE_INFINITY};
			this.#codes.set(code, entry);
		}
		entry.times++;
		if (now - entry.emitted < INTERVAL) return;
		const {times} = entry;
		entry.times = 0;
		entry.emitted = now;
		const place = typeof where === 'string' ? where : `${where.host} port ${where.port}`;
		this.#context.emit({type: 'warning', code, where: place, text, times});
	}
}
