import type {Millis} from '../bytes/time.ts';
import {parseDuration, parsePercentage, parseRate, parseSize} from '../text/units.ts';
import {checkLinkConfig, type LinkConfig, PERFECT_LINK} from './link-config.ts';
import {checkLoss, type LossConfig} from './loss.ts';

/** The impairments of one direction as a user writes them: every value is a text with its unit. */
export type Impairments = {readonly [Key in ImpairmentKey]?: string | readonly string[]};

/** The names of all impairments, in the order in which help texts list them. */
export const IMPAIRMENT_KEYS = [
	'loss',
	'burst',
	'lossTrace',
	'delay',
	'jitter',
	'jitterReorders',
	'rate',
	'queue',
	'police',
	'policeBurst',
	'reorder',
	'reorderBy',
	'duplicate',
	'corrupt',
	'outage',
] as const;

/** The name of an impairment. */
export type ImpairmentKey = (typeof IMPAIRMENT_KEYS)[number];

/** A value that a user wrote and that no link can have. */
export class ProfileError extends Error {
	/** The name of the value as the user wrote it. */
	readonly field: string;

	/** `reason`: the expected form and the text found. */
	constructor(field: string, reason: string) {
		super(`${field}: ${reason}`);
		this.name = 'ProfileError';
		this.field = field;
	}
}

/** Reads the values of one direction, each by its name, which `name` translates for messages. */
class ImpairmentReader {
	readonly #values: Impairments;
	readonly #name: (key: ImpairmentKey) => string;

	constructor(values: Impairments, name: (key: ImpairmentKey) => string) {
		this.#values = values;
		this.#name = name;
	}

	refuse(key: ImpairmentKey, reason: string): never {
		throw new ProfileError(this.#name(key), reason);
	}

	text(key: ImpairmentKey): string | undefined {
		const value = this.#values[key];
		if (value === undefined || typeof value === 'string') return value;
		return this.refuse(key, 'expected one value, got a list');
	}

	read<T>(key: ImpairmentKey, parse: (text: string) => T | undefined, form: string, absent: T): T {
		const text = this.text(key);
		if (text === undefined) return absent;
		const value = parse(text);
		if (value === undefined) this.refuse(key, `expected ${form}, got ${JSON.stringify(text)}`);
		return value;
	}

	share(key: ImpairmentKey, absent: number): number {
		return this.read(key, parsePercentage, 'a percentage such as 10%', absent);
	}

	duration(key: ImpairmentKey, absent: Millis): Millis {
		return this.read(key, parseDuration, 'a duration such as 40ms', absent);
	}

	rate(key: ImpairmentKey): number | undefined {
		const parsePositive = (text: string) => parseRate(text) || undefined;
		return this.read<number | undefined>(key, parsePositive, 'a rate such as 20mbit', undefined);
	}

	list(key: ImpairmentKey): readonly string[] {
		const value = this.#values[key] ?? [];
		return typeof value === 'string' ? [value] : value;
	}

	/** A value that refines another one is a mistake without it. */
	needs(key: ImpairmentKey, other: ImpairmentKey): void {
		if (this.#values[key] !== undefined && this.#values[other] === undefined) {
			this.refuse(key, `has no effect without ${this.#name(other)}`);
		}
	}
}

function parseNumber(text: string): number | undefined {
	return /^\d+(\.\d+)?$/.test(text) ? Number(text) : undefined;
}

function parseBoolean(text: string): boolean | undefined {
	return text === 'true' ? true : text === 'false' ? false : undefined;
}

function parseTrace(text: string): readonly boolean[] | undefined {
	return /^[01]+$/.test(text) ? Array.from(text, (digit) => digit === '1') : undefined;
}

function parseQueue(text: string): LinkConfig['queue'] | undefined {
	const millis = parseDuration(text);
	if (millis !== undefined) return {millis};
	const bytes = parseSize(text);
	return bytes === undefined ? undefined : {bytes};
}

/** '10s..12s', or '10s..' for an outage without end. */
function parseOutage(text: string): {from: Millis; until: Millis} | undefined {
	const [first, second, ...rest] = text.split('..');
	if (first === undefined || second === undefined || rest.length > 0) return undefined;
	const from = parseDuration(first);
	const until = second === '' ? Number.POSITIVE_INFINITY : parseDuration(second);
	if (from === undefined || until === undefined || until < from) return undefined;
	return {from, until};
}

function readLoss(reader: ImpairmentReader): LossConfig {
	const lost = reader.read('lossTrace', parseTrace, 'digits 0 (arrives) and 1 (lost)', undefined);
	if (lost !== undefined) {
		if (reader.text('loss') !== undefined) reader.refuse('lossTrace', 'excludes a loss rate');
		return {kind: 'trace', lost};
	}
	reader.needs('burst', 'loss');
	const loss = reader.share('loss', 0);
	const meanBurst = reader.read('burst', parseNumber, 'a number such as 5', undefined);
	if (meanBurst === undefined) return loss === 0 ? {kind: 'none'} : {kind: 'random', loss};
	const config: LossConfig = {kind: 'burst', loss, meanBurst};
	try {
		checkLoss(config);
	} catch {
		const least = Math.max(1, loss / (1 - loss)).toFixed(2);
		reader.refuse('burst', `expected at least ${least} at this loss, got "${meanBurst}"`);
	}
	return config;
}

function readPolicer(reader: ImpairmentReader): LinkConfig['policer'] {
	reader.needs('policeBurst', 'police');
	const rate = reader.rate('police');
	if (rate === undefined) return undefined;
	// Without a word: 50 ms of the rate, and never less than two full packets.
	const usual = Math.max(3000, (rate * 0.05) / 8);
	const parsePositive = (text: string) => parseSize(text) || undefined;
	return {rate, burst: reader.read('policeBurst', parsePositive, 'a size such as 64kB', usual)};
}

/**
 * One direction from what a user wrote; what is missing is as in PERFECT_LINK. Throws a
 * ProfileError that names the value through `name` (a flag, a key of a file).
 */
export function parseImpairments(
	values: Impairments,
	name: (key: ImpairmentKey) => string,
): LinkConfig {
	const reader = new ImpairmentReader(values, name);
	reader.needs('queue', 'rate');
	reader.needs('reorderBy', 'reorder');
	reader.needs('jitterReorders', 'jitter');
	const usual = PERFECT_LINK;
	const config: LinkConfig = {
		loss: readLoss(reader),
		delay: reader.duration('delay', usual.delay),
		jitter: reader.duration('jitter', usual.jitter),
		jitterReorders: reader.read('jitterReorders', parseBoolean, 'true or false', false),
		rate: reader.rate('rate') ?? usual.rate,
		queue: reader.read('queue', parseQueue, 'a duration (100ms) or a size (64kB)', usual.queue),
		policer: readPolicer(reader),
		reorder: reader.share('reorder', usual.reorder),
		reorderBy: reader.duration('reorderBy', usual.reorderBy),
		duplicate: reader.share('duplicate', usual.duplicate),
		corrupt: reader.share('corrupt', usual.corrupt),
		outages: reader.list('outage').map((text) => {
			const outage = parseOutage(text);
			if (outage !== undefined) return outage;
			return reader.refuse('outage', `expected a window such as 10s..12s, got "${text}"`);
		}),
	};
	checkLinkConfig(config);
	return config;
}

/** The parts of a profile as they stand in its file, checked for form but not yet for values. */
export interface RawProfile {
	/** One sentence for people, empty when there is none. */
	readonly description: string;
	/** Source of the numbers; empty when not given. */
	readonly source: string;
	readonly up: Impairments;
	readonly down: Impairments;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
	return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function readImpairments(value: unknown, where: string): Impairments {
	if (value === undefined) return {};
	if (!isObject(value)) throw new ProfileError(where, 'expected an object');
	const known: readonly string[] = IMPAIRMENT_KEYS;
	const values: Record<string, string | readonly string[]> = {};
	for (const [key, entry] of Object.entries(value)) {
		const field = `${where}.${key}`;
		if (!known.includes(key)) throw new ProfileError(field, 'unknown key');
		if (typeof entry === 'boolean' || typeof entry === 'number') values[key] = String(entry);
		else if (typeof entry === 'string') values[key] = entry;
		else if (Array.isArray(entry) && entry.every((item) => typeof item === 'string')) {
			values[key] = entry;
		} else throw new ProfileError(field, 'expected a text');
	}
	return values;
}

function readText(value: unknown, field: string): string {
	if (value === undefined) return '';
	if (typeof value === 'string') return value;
	throw new ProfileError(field, 'expected a text');
}

/**
 * Reads the object of a profile file: `both` holds for the two directions, `up` and `down` win
 * over it key by key. Throws a ProfileError for anything unknown.
 */
export function readProfile(value: unknown): RawProfile {
	if (!isObject(value)) throw new ProfileError('profile', 'expected an object');
	const known = ['description', 'source', 'both', 'up', 'down'];
	for (const key of Object.keys(value)) {
		if (!known.includes(key)) throw new ProfileError(key, 'unknown key');
	}
	const {description, source, both, up, down} = value;
	const shared = readImpairments(both, 'both');
	return {
		description: readText(description, 'description'),
		source: readText(source, 'source'),
		up: {...shared, ...readImpairments(up, 'up')},
		down: {...shared, ...readImpairments(down, 'down')},
	};
}
