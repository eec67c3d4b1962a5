import {resolve} from 'node:path';
import type {Millis} from '../bytes/time.ts';
import {CONGESTION_CONTROLS, type CongestionControl} from '../core/congestion-control.ts';
import {AEAD_BACK_ENDS, type AeadName} from '../crypto/aead.ts';
import {quoteText} from '../text/escape-text.ts';
import {attempt, type ProblemList} from './errors.ts';
import {type IoName, readIoName} from './io-name.ts';
import type {KeyEntry, KeySource} from './keys.ts';
import {LOG_FORMATS, LOG_LEVELS, type LogFormat, type LogLevel} from './logging.ts';
import type {FieldReader, Place} from './place.ts';
import {readHold, readInterval, readMemory} from './quantities.ts';
import {readChoice, readFilePath} from './values.ts';

/** What one source says of the settings that both programs have; undefined = it says nothing. */
export interface SharedSettings {
	readonly keys: KeySource | undefined;
	readonly encrypt: boolean | undefined;
	/** Absolute. */
	readonly state: string | undefined;
	readonly crypto: AeadName | undefined;
	readonly io: IoName | undefined;
	readonly busyPoll: boolean | undefined;
	/** In bytes. */
	readonly streamMemory: number | undefined;
	/** How long datagrams wait for a session or a path. */
	readonly hold: Millis | undefined;
	readonly congestionControl: CongestionControl | undefined;
	readonly stats: Millis | undefined;
	readonly logLevel: LogLevel | undefined;
	readonly logFormat: LogFormat | undefined;
}

/** The flags that both programs have, as text and without defaults. */
export interface SharedFlags {
	readonly config?: string | undefined;
	readonly keyFile?: readonly string[] | undefined;
	readonly state?: string | undefined;
	readonly crypto?: string | undefined;
	readonly io?: string | undefined;
	readonly busyPoll?: boolean | undefined;
	readonly streamMemory?: string | undefined;
	readonly hold?: string | undefined;
	readonly congestionControl?: string | undefined;
	readonly stats?: string | undefined;
	readonly logLevel?: string | undefined;
	readonly logFormat?: string | undefined;
}

/** The variables that are looked at; `process.env` is one. */
export interface Environment {
	readonly MPTUNNEL_KEY?: string | undefined;
	readonly MPTUNNEL_ENCRYPT?: string | undefined;
}

/** Where a program was started. */
export interface Surroundings {
	readonly env: Environment;
	/** Absolute; relative paths on the command line start here. */
	readonly cwd: string;
}

/** Options and what the user should be warned of: sentences, escaped. */
export interface Resolved<T> {
	readonly options: T;
	readonly warnings: readonly string[];
}

/** The defaults of the settings that both programs have. */
export const SHARED_DEFAULTS = {
	encrypt: true,
	busyPoll: false,
	streamMemory: 268_435_456,
	hold: 500,
	congestionControl: 'bbr',
	logLevel: 'info',
	logFormat: 'text',
} as const;

/** Reads the text of one flag; a bad one is a problem of that flag. */
export function readFlag<T>(
	flag: string,
	text: string | undefined,
	problems: ProblemList,
	read: (text: string) => T,
): T | undefined {
	if (text === undefined) return undefined;
	return attempt(
		() => read(text),
		(error) => problems.add('', flag, error.message),
	);
}

/** Reads the flags that both programs have. */
export function readSharedFlags(
	flags: SharedFlags,
	cwd: string,
	problems: ProblemList,
): SharedSettings {
	const read = <T>(flag: string, text: string | undefined, reader: (text: string) => T) =>
		readFlag(flag, text, problems, reader);
	const state = read('--state', flags.state, readFilePath);
	return {
		keys: flags.keyFile === undefined ? undefined : keyFlags(flags.keyFile, cwd),
		encrypt: undefined,
		state: state === undefined ? undefined : resolve(cwd, state),
		crypto: read('--crypto', flags.crypto, readBackEnd),
		io: read('--io', flags.io, readIoName),
		busyPoll: flags.busyPoll,
		streamMemory: read('--stream-memory', flags.streamMemory, readMemory),
		hold: read('--hold', flags.hold, readHold),
		congestionControl: read('--congestion-control', flags.congestionControl, readCongestionControl),
		stats: read('--stats', flags.stats, readInterval),
		logLevel: read('--log-level', flags.logLevel, readLogLevel),
		logFormat: read('--log-format', flags.logFormat, readLogFormat),
	};
}

/** Reads the environment variables: MPTUNNEL_KEY and MPTUNNEL_ENCRYPT. */
export function readEnvironment(
	env: Environment,
	problems: ProblemList,
): Pick<SharedSettings, 'keys' | 'encrypt'> {
	const key = env.MPTUNNEL_KEY;
	const field = 'MPTUNNEL_KEY';
	const entry = {where: '', field, name: undefined};
	return {
		keys: key === undefined ? undefined : {where: '', field, entries: [{...entry, from: {key}}]},
		encrypt: readEncrypt(env.MPTUNNEL_ENCRYPT, problems),
	};
}

function readEncrypt(text: string | undefined, problems: ProblemList): boolean | undefined {
	// An empty variable is what scripts leave behind: it says nothing, and nothing means on.
	if (text === undefined || text === '') return undefined;
	if (text === '0' || text === '1') return text === '1';
	problems.add('', 'MPTUNNEL_ENCRYPT', `not 0 (off) or 1 (on): ${quoteText(text)}`);
	return undefined;
}

/** Reads the fields that both programs have from a file in `folder`, where its paths start. */
export function readSharedFields(fields: FieldReader, folder: string): SharedSettings {
	const keys = readKeyFields(fields, folder);
	const state = fields.text('state', readFilePath);
	return {
		keys,
		encrypt: fields.boolean('encrypt'),
		state: state === undefined ? undefined : resolve(folder, state),
		crypto: fields.text('crypto', readBackEnd),
		io: fields.text('io', readIoName),
		busyPoll: fields.boolean('busyPoll'),
		streamMemory: fields.text('streamMemory', readMemory),
		hold: fields.text('hold', readHold),
		congestionControl: fields.text('congestionControl', readCongestionControl),
		stats: fields.text('stats', readInterval),
		logLevel: fields.text('logLevel', readLogLevel),
		logFormat: fields.text('logFormat', readLogFormat),
	};
}

/** Reads one value or a list of at least one, as `bind: 127.0.0.2` and `bind: [127.0.0.2, 127.0.0.3]`. */
export function readOneOrMany<T>(
	value: unknown,
	place: Place,
	read: (item: unknown, place: Place) => T | undefined,
): readonly T[] {
	if (Array.isArray(value)) return place.filledList(value, read);
	const one = read(value, place);
	return one === undefined ? [] : [one];
}

function readKeyFields(fields: FieldReader, folder: string): KeySource | undefined {
	let named = false;
	let where = '';
	let field = '';
	const note = (place: Place) => {
		named = true;
		where = place.where;
		field = place.field;
	};
	const inline = fields.read('key', (value, place) => {
		note(place);
		return readKeyText(value, place, undefined);
	});
	const files = fields.read('keyFile', (value, place) => {
		note(place);
		return readOneOrMany(value, place, (item, at) => readKeyPath(item, at, folder, undefined));
	});
	const entries = [...(inline === undefined ? [] : [inline]), ...(files ?? [])];
	return named ? {where, field, entries} : undefined;
}

/** Reads a key in a file's field; the text is checked later, and shown never. */
export function readKeyText(
	value: unknown,
	place: Place,
	name: string | undefined,
): KeyEntry | undefined {
	const {where, field} = place;
	if (typeof value === 'string') return {where, field, name, from: {key: value}};
	place.report('not a key: 44 characters of base64 belong here');
	return undefined;
}

/** Reads the path of a key file in a file's field. */
export function readKeyPath(
	value: unknown,
	place: Place,
	folder: string,
	name: string | undefined,
): KeyEntry | undefined {
	const {where, field} = place;
	const shown = place.text(value, readFilePath);
	if (shown === undefined) return undefined;
	return {where, field, name, from: {file: resolve(folder, shown), shown}};
}

/** The warning that a configuration file with a key in it can be read by others. */
export function inlineKeyWarnings(
	name: string,
	keys: KeySource | undefined,
	othersCanRead: boolean,
): readonly string[] {
	const holdsKey = keys?.entries.some((entry) => 'key' in entry.from) ?? false;
	if (!holdsKey || !othersCanRead) return [];
	return [
		`${quoteText(name)} holds a key and can be read by other users of this machine (chmod 600)`,
	];
}

function keyFlags(files: readonly string[], cwd: string): KeySource {
	const entries = files.map((shown) => ({
		where: '',
		field: '--key-file',
		name: undefined,
		from: {file: resolve(cwd, shown), shown},
	}));
	return {where: '', field: '--key-file', entries};
}

function readBackEnd(text: string): AeadName {
	return readChoice(text, AEAD_BACK_ENDS);
}

function readCongestionControl(text: string): CongestionControl {
	return readChoice(text, CONGESTION_CONTROLS);
}

function readLogLevel(text: string): LogLevel {
	return readChoice(text, LOG_LEVELS);
}

function readLogFormat(text: string): LogFormat {
	return readChoice(text, LOG_FORMATS);
}
