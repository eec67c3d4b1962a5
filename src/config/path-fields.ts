import type {Millis} from '../bytes/time.ts';
import type {Given, Option, Table} from './option.ts';
import type {PathDraft, RateOptions} from './paths.ts';
import {readKeepAlive, readRate, readRates} from './quantities.ts';
import {mapping, quantity, quoted, SWITCH, text, textOr, wholeNumber} from './types.ts';
import {type Bind, NO_BIND, readBind, readHost, readMark, readName} from './values.ts';

/** The fields of a path, and the words of a path line. */
interface PathFields {
	readonly host: string | undefined;
	/** Of the bridge. */
	readonly port: number | undefined;
	readonly name: string | undefined;
	readonly bind: Bind | undefined;
	readonly mark: number | undefined;
	readonly localPort: number | undefined;
	readonly rate: RateOptions | undefined;
	readonly keepalive: Millis | undefined;
	readonly metered: boolean | undefined;
	readonly backup: boolean | undefined;
}

interface RateFields {
	readonly up: number | undefined;
	readonly down: number | undefined;
}

const RATES: Table<RateFields> = {
	up: {type: quantity(readRate), help: 'client to server'},
	down: {type: quantity(readRate), help: 'server to client'},
};

const PORT = wholeNumber(1, 65_535);
const HOST = text(readHost);

/** The descriptors of {@link PathFields}. */
export const PATH: Table<PathFields> = {
	host: {type: HOST, help: 'the bridge, or the server itself'},
	port: {type: PORT, help: 'its port'},
	name: {
		type: quoted(readName),
		help: 'for logs and tables; else paths are called 1, 2, 3...',
		example: 'lte',
	},
	bind: {
		type: text(readBind),
		help: 'send from this local address; with `batch` sockets (Linux) also `bind=eth1`: through this network interface',
		example: '192.168.8.2',
	},
	mark: {
		type: text(readMark, {type: ['integer', 'string']}),
		help: 'mark the packets for `ip rule` (`batch` sockets, and root or CAP_NET_ADMIN)',
		example: '51820',
	},
	localPort: {
		type: PORT,
		word: 'port',
		help: 'send from this local port and no other; else the one used before',
		example: '40001',
	},
	rate: {
		type: textOr(
			text(readRates, {pattern: '^[0-9.]+[A-Za-z]+(/[0-9.]+[A-Za-z]+)?$'}),
			mapping(RATES, ['up', 'down'], ({up, down}) =>
				up === undefined || down === undefined ? undefined : {up, down},
			),
		),
		help: 'never send more; up and down apart are `rate=5mbit/20mbit`',
		field: 'as `rate=`, or a mapping of the two below',
		example: '20mbit',
	},
	keepalive: {
		type: quantity(readKeepAlive),
		help: 'send something at least so often, 1 s to 10 min, for a NAT that forgets the path sooner',
		example: '25s',
	},
	metered: {
		type: SWITCH,
		help: 'probe as rarely as possible: once a minute when idle (25 kB an hour, IP headers and new keys included); every 25 s (44 kB an hour) while it is the only path and there are flows, which a NAT would cut off',
	},
	backup: {type: SWITCH, help: 'use this path only while too few others are up'},
};

/** The options of a path by the words of a line. */
export const PATH_WORDS: ReadonlyMap<string, readonly [field: string, option: Option<unknown>]> =
	new Map(
		Object.entries<Option<unknown>>(PATH)
			.filter(([name]) => name !== 'host' && name !== 'port')
			.map(([name, option]) => [option.word ?? name, [name, option]]),
	);

/** A path without the place that it was read from. */
export type PathLine = Omit<PathDraft, 'where' | 'field'>;

/** The path of those fields; `undefined`: host or port is missing. */
export function pathOf(given: Given<PathFields>): PathLine | undefined {
	const {host, port, bind, keepalive, ...rest} = given;
	if (host === undefined || port === undefined) return undefined;
	const {name, mark, localPort, rate, metered = false, backup = false} = rest;
	const {bind: address, device} = bind ?? NO_BIND;
	const options = {name, bind: address, device, mark, localPort, rate};
	return {host, port, ...options, keepAlive: keepalive, metered, backup};
}
