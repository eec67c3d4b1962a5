import {
	MOST_TRAFFIC,
	readDeadline,
	readFloor,
	readResidual,
	readTraffic,
	USUAL_FLOOR,
	USUAL_TRAFFIC,
} from '../policy/limits.ts';
import type {CodedPolicy} from '../policy/policy.ts';
import {quoteText} from '../text/escape-text.ts';
import {formatAddress} from '../text/ip.ts';
import {
	type PortRange,
	parsePortRange,
	parseTargetPattern,
	type TargetPattern,
} from '../text/target-pattern.ts';
import {ValueError} from '../text/value-error.ts';
import type {HostPort} from './host-port.ts';
import type {Given, Table, Type} from './option.ts';
import type {Location} from './place.ts';
import {readRate} from './quantities.ts';
import {
	LISTEN,
	type Located,
	located,
	many,
	mapping,
	quantity,
	quoted,
	SWITCH,
	text,
} from './types.ts';
import {readChoice} from './values.ts';

/** A policy of a file without its name; its paths are not looked up yet. */
export interface PolicyDraft {
	readonly policy: Omit<CodedPolicy, 'name'>;
	/** Place of the names of its paths. */
	readonly paths: Location;
}

/** A rule of a file, each value valid by itself. */
export interface RuleDraft extends Location {
	readonly ports: readonly PortRange[];
	readonly listen: readonly HostPort[];
	readonly targets: readonly TargetPattern[];
	readonly users: readonly string[];
	readonly policy: Located<string>;
	/** Conditions in words. */
	readonly text: string;
	/** Places of two conditions. */
	readonly places: {readonly listen: Location; readonly user: Location};
}

interface PolicyFields {
	readonly residual: number | undefined;
	readonly within: number | undefined;
	readonly traffic: number | undefined;
	readonly floor: number | undefined;
	readonly rate: number | undefined;
	readonly cheap: boolean | undefined;
	readonly paths: readonly string[] | undefined;
}

interface RuleFields {
	readonly port: readonly PortRange[] | undefined;
	readonly listen: readonly HostPort[] | undefined;
	readonly target: readonly TargetPattern[] | undefined;
	readonly user: readonly string[] | undefined;
	readonly protocol: 'udp' | undefined;
	readonly policy: Located<string> | undefined;
}

const FACTOR_SCHEMA = {
	type: ['number', 'string'],
	minimum: 1,
	maximum: MOST_TRAFFIC,
	pattern: '^[0-9.]+$',
};

/** A limit of a traffic factor. */
export const FACTOR: Type<number> = text(readFloor, FACTOR_SCHEMA);

const POLICY_FIELDS: Table<PolicyFields> = {
	residual: {
		type: text(readResidual, {pattern: '^[0-9.]+%$'}),
		help: 'the share of datagrams that may be lost or late, 0.00001% to 50%',
		example: '0.01%',
	},
	within: {
		type: quantity(readDeadline),
		help: 'how late a datagram may be, 1ms to 10s',
		example: '40ms',
	},
	traffic: {
		type: text(readTraffic, FACTOR_SCHEMA),
		help: 'the most that may be sent, times the datagrams themselves, up to 4',
		otherwise: '2, or 4 with a `rate`',
	},
	floor: {
		type: FACTOR,
		help: 'what is sent at all times, for what begins to be lost of a sudden',
		otherwise: '1.125',
	},
	rate: {
		type: quantity(readRate),
		help: 'the most that may be sent on all paths together',
		example: '20mbit',
	},
	cheap: {
		type: SWITCH,
		help: '`true`: least traffic, and a gap when a path dies',
	},
	paths: {
		type: many(text(readWord('a path'))),
		help: 'the names of the paths that it may use, one or a list',
		otherwise: 'all',
	},
};

/** A policy of `policies:`. */
export const POLICY: Type<PolicyDraft> = mapping(
	POLICY_FIELDS,
	['residual', 'within'],
	(given, place) => {
		const {residual, within, cheap = false, paths = []} = given;
		const rate = given.rate === undefined ? 0 : Math.ceil(given.rate / 1000);
		const traffic = given.traffic ?? (rate === 0 ? USUAL_TRAFFIC : MOST_TRAFFIC);
		const floor = given.floor ?? Math.min(USUAL_FLOOR, traffic);
		if (floor > traffic) {
			place.child('floor').report(`${floor} is more than traffic allows, ${traffic}`);
			return undefined;
		}
		if (residual === undefined || within === undefined) return undefined;
		const all = {residual, within, traffic, floor, cheap, rate};
		const policy = {kind: 'fec', ...all, paths: [...new Set(paths)]} as const;
		return {policy, paths: place.child('paths').location};
	},
);

const PROTOCOL: Type<'udp'> = {
	read(value, place) {
		if (value !== 'tcp') return place.text(value, (word) => readChoice(word, ['udp']));
		place.report('rules do not touch TCP: what is lost of it is always sent again');
		return undefined;
	},
	schema: {enum: ['udp']},
};

/** The name of a policy, looked up later. */
export const POLICY_NAME: Type<Located<string>> = located(quoted(readWord('a policy')));

const RULE_FIELDS: Table<RuleFields> = {
	port: {
		type: many(
			text(parsePortRange, {
				type: ['integer', 'string'],
				minimum: 1,
				maximum: 65_535,
				pattern: '^[0-9]+(-[0-9]+)?$',
			}),
		),
		help: 'ports of the target, `53` or `27000-27100`, one or a list',
	},
	listen: {
		type: many(LISTEN),
		help: 'where the application sends to: a `listen`, `socks` or `forward` address, one or a list',
	},
	target: {
		type: many(quoted(parseTargetPattern)),
		help: 'targets as for `--allow`, and `*.example.net` for all names below one; one or a list',
	},
	user: {
		type: many(quoted(readWord('a login'))),
		help: 'logins at SOCKS5, one or a list',
	},
	protocol: {type: PROTOCOL, help: '`udp`; rules do not touch TCP'},
	policy: {type: POLICY_NAME, help: 'the policy of what meets all of these'},
};

const RULE: Type<RuleDraft> = mapping(RULE_FIELDS, ['policy'], (given, place, fields) => {
	const {port = [], listen = [], target = [], user = [], policy} = given;
	const conditions = ['port', 'listen', 'target', 'user'];
	if (fields.isMapping && !conditions.some((name) => fields.has(name))) {
		place.report(`has no condition (${conditions.join(', ')}): for all the rest there is default`);
		return undefined;
	}
	if (policy === undefined) return undefined;
	const lists = {ports: port, listen, targets: target, users: user};
	const places = {listen: place.child('listen').location, user: place.child('user').location};
	return {...place.location, ...lists, policy, text: conditionsText(given), places};
});

/** The items of `rules:`. */
export const RULES: Type<Located<readonly RuleDraft[]>> = located<readonly RuleDraft[]>({
	read: (value, place) => place.list(value, RULE.read),
	schema: {type: 'array', items: RULE.schema},
	...(RULE.fields && {fields: RULE.fields}),
	listed: true,
});

function conditionsText({port, listen, target, user}: Given<RuleFields>): string {
	const lists = [
		['port', port?.map(formatRange)],
		['listen', listen?.map((place) => formatAddress(place.host, place.port))],
		['target', target?.map((pattern) => pattern.text)],
		['user', user?.map(quoteText)],
	] as const;
	return lists
		.flatMap(([name, items]) => (items === undefined ? [] : [`${name} ${items.join(' or ')}`]))
		.join(', ');
}

function formatRange({firstPort, lastPort}: PortRange): string {
	return firstPort === lastPort ? String(firstPort) : `${firstPort}-${lastPort}`;
}

/** Returns a reader of text that is not empty. */
function readWord(expected: string): (text: string) => string {
	return (word) => {
		if (word.trim() !== '') return word;
		throw new ValueError(expected, quoteText(word));
	};
}
