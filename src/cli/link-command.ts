import {randomInt} from 'node:crypto';
import {readdirSync, readFileSync} from 'node:fs';
import {isIP} from 'node:net';
import process from 'node:process';
import {fileURLToPath} from 'node:url';
import {Command, CommanderError} from 'commander';
import {createLogger} from '../app/observe/logger.ts';
import {LOCALHOST} from '../config/host-port.ts';
import {type Flag, flagName} from '../config/option.ts';
import {type LinkProxy, type LinkProxyCounts, startLinkProxy} from '../net/link/proxy.ts';
import type {LinkCounts} from '../sim/link.ts';
import {
	IMPAIRMENT_KEYS,
	type ImpairmentKey,
	type Impairments,
	ProfileError,
	parseImpairments,
	type RawProfile,
	readProfile,
} from '../sim/profiles.ts';
import {countFigure, formatCount} from '../text/figures.ts';
import {textTable} from '../text/table.ts';
import {parseDuration} from '../text/units.ts';
import {wrapParts} from '../text/width.ts';
import {addFlags, type ParsedFlag} from './flags.ts';

/** The link profiles that are part of the package, seen from the compiled file. */
const PROFILE_FOLDER = fileURLToPath(new URL('../../../fixtures/links/', import.meta.url));

/** The flags of `mptunnel link`, the impairments apart. */
export const LINK_FLAGS: Readonly<Record<string, ParsedFlag>> = {
	listen: {
		value: '[address:]port',
		help: 'where clients send to; localhost without address',
		required: true,
	},
	to: {value: '[host:]port', help: 'where the link ends; 127.0.0.1 without host', required: true},
	profile: {
		value: 'name|file',
		help: `start from a known kind of link (${profileNames().join(', ')})`,
	},
	seed: {value: 'text', help: 'lose the same datagrams again', otherwise: 'random, and printed'},
	idle: {value: 'time', help: 'forget a client after this much silence', default: '60s'},
	clients: {
		value: 'number',
		help: 'serve at most this many clients at once',
		default: '1024',
		more: 'One more takes the place of one that the target never answered',
	},
};

/** The flags of the impairments; each also exists with the prefix `--up-` or `--down-`. */
export const IMPAIRMENT_FLAGS: Readonly<Record<ImpairmentKey, Flag>> = {
	loss: {value: 'percent', help: 'lose datagrams, for example `10%`'},
	burst: {value: 'length', help: 'losses come in runs of this mean length'},
	lossTrace: {
		value: 'digits',
		help: 'lose by a recorded sequence, 1 = lost, repeated: `0001000011`',
	},
	delay: {value: 'time', help: 'one-way delay, for example `40ms`'},
	jitter: {value: 'time', help: 'vary the delay by up to this much; the order is kept'},
	jitterReorders: {help: 'let jitter change the order'},
	rate: {value: 'rate', help: 'bottleneck, for example `20mbit`; 28 header bytes are counted'},
	queue: {
		value: 'time|size',
		help: 'what may wait for the bottleneck, a time or a size such as `64kB`',
		otherwise: '`100ms`',
	},
	police: {value: 'rate', help: 'drop what exceeds this rate, without a queue'},
	policeBurst: {
		value: 'size',
		help: 'what the policer lets pass at once',
		otherwise: '50 ms of its rate',
	},
	reorder: {value: 'percent', help: 'hold datagrams back so that later ones overtake them'},
	reorderBy: {value: 'time', help: 'how long to hold them back', otherwise: '`10ms`'},
	duplicate: {value: 'percent', help: 'deliver datagrams twice'},
	corrupt: {value: 'percent', help: 'flip one bit'},
	outage: {
		value: 'from..until',
		help: 'lose everything sent in this window after the start, such as `10s..12s`',
		repeatable: true,
	},
};

const HELP_FOOTER = `
Every impairment holds for both directions. With the prefix --up- (from clients to the target) or
--down- (back) it holds for one and wins there: --up-loss 10% --down-loss 2%.

Times: 80us 250ms 10s 2m 1h. Rates: 500kbit 20mbit 1gbit. Sizes: 1500B 64kB 64KiB 2MB.
All clients share the one link. It stops on SIGINT or SIGTERM and prints what it did.`;

/** Options from commander: the flags below, and those of the impairments by their names. */
interface Options extends Readonly<Record<string, unknown>> {
	readonly listen: string;
	readonly to: string;
	readonly profile?: string;
	readonly seed?: string;
	readonly idle: string;
	readonly clients: string;
	readonly down?: readonly string[];
}

function toPascal(name: string): string {
	return name.charAt(0).toUpperCase() + name.slice(1);
}

function impairmentFlags(): Readonly<Record<string, ParsedFlag>> {
	const all = Object.entries(IMPAIRMENT_FLAGS);
	const directions = ['up', 'down'].flatMap((direction) =>
		all.map(([key, flag]) => [`${direction}${toPascal(key)}`, {...flag, hidden: true}] as const),
	);
	// The first name of --outage, which reads like the beginning of --down-loss.
	const down = {...IMPAIRMENT_FLAGS.outage, hidden: true} as const;
	return {...IMPAIRMENT_FLAGS, ...Object.fromEntries(directions), down};
}

/** Reads `PORT`, `:PORT`, `HOST:PORT` or `[IPV6]:PORT`; `what` names the flag it is for. */
function parsePlace(
	text: string,
	what: string,
	leastPort: number,
	defaultHost: string,
): {host: string; port: number} {
	const match = /^(?:\[([\da-f:.]+)\]:|([^:[\]\s]*):)?(\d{1,5})$/i.exec(text);
	const host = match?.[1] || match?.[2] || defaultHost;
	const port = Number(match?.[3]);
	if (match === null || !(port >= leastPort && port <= 65_535)) {
		throw new ProfileError(what, `expected PORT or HOST:PORT, got ${JSON.stringify(text)}`);
	}
	return {host, port};
}

function parseCount(text: string): number | undefined {
	const count = Number(text);
	return /^\d{1,6}$/.test(text) && count > 0 ? count : undefined;
}

function profileNames(): string[] {
	return readdirSync(PROFILE_FOLDER)
		.filter((file) => file.endsWith('.json'))
		.map((file) => file.slice(0, -'.json'.length))
		.sort();
}

/** A profile of the package by its name, or a file when there is a dot or a slash in it. */
function loadProfile(name: string): RawProfile {
	const isFile = /[./\\]/.test(name);
	if (!isFile && !profileNames().includes(name)) {
		const names = profileNames().join(', ');
		throw new ProfileError('--profile', `expected ${names} or a file, got ${JSON.stringify(name)}`);
	}
	const file = isFile ? name : `${PROFILE_FOLDER}${name}.json`;
	try {
		return readProfile(JSON.parse(readFileSync(file, 'utf8')));
	} catch (error) {
		const reason = error instanceof Error ? error.message.replaceAll('\n', ' ') : String(error);
		throw new ProfileError(`--profile ${name}`, reason);
	}
}

function toImpairment(value: unknown): string | readonly string[] | undefined {
	if (typeof value === 'boolean') return String(value);
	if (typeof value === 'string') return value;
	return Array.isArray(value) ? value.map(String) : undefined;
}

function toList(value: string | readonly string[] | undefined): readonly string[] {
	return typeof value === 'string' ? [value] : (value ?? []);
}

/** The values of one direction: its own flags, else the flags for both, else the profile. */
function mergeImpairments(options: Options, direction: 'up' | 'down', profile: RawProfile) {
	const values: {[Key in ImpairmentKey]?: string | readonly string[]} = {...profile[direction]};
	const names = new Map<ImpairmentKey, string>();
	for (const key of IMPAIRMENT_KEYS) {
		const own = toImpairment(options[`${direction}${toPascal(key)}`]);
		const shared = toImpairment(options[key]);
		const value = own ?? shared;
		if (value !== undefined) values[key] = value;
		if (own !== undefined) names.set(key, flagName(`${direction}${toPascal(key)}`));
		else if (shared !== undefined) names.set(key, flagName(key));
	}
	// Two names of one list; a direction's own windows win over both.
	if (options.down !== undefined && options[`${direction}Outage`] === undefined) {
		values.outage = [...toList(names.has('outage') ? values.outage : undefined), ...options.down];
		if (!names.has('outage')) names.set('outage', '--down');
	}
	const impairments: Impairments = values;
	return parseImpairments(impairments, (key) => {
		const inProfile = impairments[key] !== undefined && !names.has(key);
		return names.get(key) ?? (inProfile ? `--profile: ${direction}.${key}` : flagName(key));
	});
}

function readOptions(options: Options): Parameters<typeof startLinkProxy>[0] {
	const profile: RawProfile =
		options.profile === undefined
			? {description: '', source: '', up: {}, down: {}}
			: loadProfile(options.profile);
	const listen = parsePlace(options.listen, '--listen', 0, LOCALHOST);
	if (listen.host !== LOCALHOST && isIP(listen.host) === 0) {
		throw new ProfileError('--listen', `expected an IP address, got "${listen.host}"`);
	}
	const idleTimeout = parseDuration(options.idle);
	if (idleTimeout === undefined || idleTimeout === 0) {
		throw new ProfileError('--idle', `expected a duration such as 60s, got "${options.idle}"`);
	}
	const maxClients = parseCount(options.clients);
	if (maxClients === undefined) {
		throw new ProfileError('--clients', `expected 1 to 999999, got "${options.clients}"`);
	}
	return {
		listen: {address: listen.host, port: listen.port},
		target: parsePlace(options.to, '--to', 1, '127.0.0.1'),
		up: mergeImpairments(options, 'up', profile),
		down: mergeImpairments(options, 'down', profile),
		seed: options.seed ?? String(randomInt(2 ** 32)),
		idleTimeout,
		maxClients,
	};
}

function formatPlace({address, port}: {address: string; port: number}): string {
	return isIP(address) === 6 ? `[${address}]:${port}` : `${address}:${port}`;
}

const SUMMARY_COLUMNS = [
	'received',
	'delivered',
	'lost',
	'queue-dropped',
	'duplicated',
	'corrupted',
];
const SUMMARY_FIGURES = new Set([1, 2, 3, 4, 5, 6]);

function summaryRow(name: string, counts: LinkCounts): readonly string[] {
	const {sent, delivered, lost, outage, dropped, duplicated, corrupted} = counts;
	const figures = [sent, delivered, lost + outage, dropped, duplicated, corrupted];
	return [name, ...figures.map(countFigure)];
}

/**
 * Formats the counts of each direction, a line each below the names of the columns, and of clients
 * for which there was no room, if there were any.
 */
export function linkSummary(counts: LinkProxyCounts): readonly string[] {
	const {up, down, replaced, refused} = counts;
	const rows = [['', ...SUMMARY_COLUMNS], summaryRow('up', up), summaryRow('down', down)];
	const lines = textTable(rows, SUMMARY_FIGURES);
	if (replaced + refused === 0) return lines;
	const crowd = [
		`replaced ${formatCount(replaced)} that the target never answered`,
		`ignored ${formatCount(refused)} datagrams`,
	];
	return [...lines, ...wrapParts(crowd, {first: 'more than --clients: '})];
}

/** Resolves at the first SIGINT or SIGTERM; a second one ends the process as usual. */
function stopSignal(): Promise<void> {
	return new Promise((done) => {
		const stop = () => {
			process.off('SIGINT', stop);
			process.off('SIGTERM', stop);
			done();
		};
		process.on('SIGINT', stop);
		process.on('SIGTERM', stop);
	});
}

async function run(options: Options, command: Command): Promise<void> {
	const sink = command.configureOutput().writeErr ?? ((text) => process.stderr.write(text));
	const logger = createLogger({level: 'info', format: 'text', now: Date.now, sink});
	let proxyOptions: ReturnType<typeof readOptions>;
	try {
		proxyOptions = readOptions(options);
	} catch (error) {
		if (!(error instanceof ProfileError)) throw error;
		command.error(`error: ${error.message}`, {exitCode: 2, code: 'mptunnel.usage'});
	}
	let proxy: LinkProxy;
	try {
		proxy = await startLinkProxy(proxyOptions);
	} catch (error) {
		const reason = error instanceof Error ? error.message : String(error);
		command.error(`error: ${reason}`, {exitCode: 1, code: 'mptunnel.start'});
	}
	const stopped = stopSignal();
	const listening = proxy.addresses.join(', ');
	const target = formatPlace(proxy.target);
	logger.info(`listening on ${listening}, relaying to ${target}`, {seed: proxyOptions.seed});
	await stopped;
	await proxy.close();
	sink(`${linkSummary(proxy.counts).join('\n')}\n`);
}

/**
 * The subcommand `link`: a UDP relay that behaves like one bad link, until SIGINT or SIGTERM. It
 * never exits by itself: a failure is printed and then thrown as a CommanderError, whose exitCode
 * is 2 for bad flags, 1 when the relay cannot start, 0 after --help.
 */
export function linkCommand(): Command {
	const command = new Command('link')
		.description('relay UDP through a simulated bad link')
		.addHelpText('after', HELP_FOOTER)
		.showSuggestionAfterError(false)
		.allowExcessArguments(false)
		.exitOverride((error) => {
			// The parser's own errors carry 1, which here means that the relay could not start.
			const isUsage = error.code.startsWith('commander.') && error.exitCode !== 0;
			throw new CommanderError(isUsage ? 2 : error.exitCode, error.code, error.message);
		})
		.action((options: Options) => run(options, command));
	addFlags(command, {...LINK_FLAGS, ...impairmentFlags()});
	return command;
}
