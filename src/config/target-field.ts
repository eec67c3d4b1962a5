import type {HostPort} from './host-port.ts';
import type {Table, Type} from './option.ts';
import {mapping, text, textOr, wholeNumber} from './types.ts';
import {readHost, readTarget} from './values.ts';

const FIELDS: Table<{readonly [K in keyof HostPort]: HostPort[K] | undefined}> = {
	host: {type: text(readHost), help: 'the fixed target'},
	port: {type: wholeNumber(1, 65_535), help: 'its port'},
};

/** A fixed target: `HOST PORT`, or a mapping of `host` and `port`. */
export const TARGET: Type<HostPort> = textOr(
	text(readTarget, {pattern: '^\\s*\\S+\\s+[0-9]+\\s*$'}),
	mapping(FIELDS, ['host', 'port'], ({host, port}) =>
		host === undefined || port === undefined ? undefined : {host, port},
	),
);
