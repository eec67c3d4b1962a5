import {quoteText} from '../text/escape-text.ts';
import {isConfiguredHostName} from '../text/host-name.ts';
import {ValueError} from '../text/value-error.ts';
import type {ProblemList} from './errors.ts';
import {type HostPort, isLocal, LOCALHOST} from './host-port.ts';
import type {Table, Type} from './option.ts';
import {LISTEN, many, quoted, SWITCH} from './types.ts';
import {readListenAddress} from './values.ts';

/** The options of the live page. */
export interface PageSettings {
	/** The place where it is served; `undefined`: it is off. */
	readonly page: HostPort | undefined;
	/** True: it may be served beyond loopback. */
	readonly pageOpen: boolean;
	/** Host names at which browsers may ask for it, beside IP addresses and `localhost`. */
	readonly pageName: readonly string[] | undefined;
}

/** A place to serve something at; where none is given, `port` of 127.0.0.1. */
export function servedAt(port: number): Type<HostPort> {
	const usual = {host: '127.0.0.1', port};
	const parse = (text: string) => {
		if (text === '') return usual;
		const place = readListenAddress(text);
		return place.host === LOCALHOST ? {...usual, port: place.port} : place;
	};
	return {
		parse,
		read(value, place) {
			if (typeof value !== 'boolean') return place.text(value, parse);
			// Nothing is what is meant where no source has anything.
			return value ? usual : undefined;
		},
		schema: {anyOf: [{type: 'boolean'}, LISTEN.schema]},
	};
}

function readName(text: string): string {
	if (isConfiguredHostName(text)) return text;
	throw new ValueError('a host name', quoteText(text));
}

/** The descriptors of {@link PageSettings} with the port of a program's own. */
export function pageTable(port: number): Table<PageSettings> {
	return {
		page: {
			type: servedAt(port),
			value: 'ADDR:PORT',
			bare: true,
			help: `serve a live page of paths, promises and flows, at \`127.0.0.1:${port}\` by default`,
			more: 'The log has its whole address, with a secret in it',
			field: 'as `--page`, or `true` for its usual place',
		},
		pageOpen: {
			type: SWITCH,
			help: 'let the page be served beyond loopback',
			default: false,
			more: 'Its address is a secret that anybody on the way can read then',
		},
		pageName: {
			type: many(quoted(readName)),
			value: 'NAME',
			help: 'a host name in the address of the page',
			otherwise: '`localhost` and IP addresses only',
		},
	};
}

/** Reports a page that others could reach without that being meant. */
export function checkPage({page, pageOpen}: PageSettings, problems: ProblemList): void {
	if (page === undefined || pageOpen || isLocal(page)) return;
	const reason =
		`the page could be asked for at ${page.host} by other machines: ` +
		'serve it on 127.0.0.1 or ::1, or say --page-open';
	problems.add('', '', reason);
}
