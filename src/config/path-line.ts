import {isIPv6} from 'node:net';
import {didYouMean} from '../text/did-you-mean.ts';
import {quoteText} from '../text/escape-text.ts';
import {attempt} from './errors.ts';
import type {Type} from './option.ts';
import {PATH, PATH_WORDS, type PathLine, pathOf} from './path-fields.ts';

type ReportProblem = (reason: string) => void;

/**
 * Reads `HOST PORT` and the words behind them, apart by white space: `name=NAME`, `metered` and the
 * others of {@link PATH}. Every bad word is reported; `undefined`: there was one.
 */
export function readPathLine(text: string, report: ReportProblem): PathLine | undefined {
	let bad = false;
	const refuse: ReportProblem = (reason) => {
		bad = true;
		report(reason);
	};
	const [hostText = '', portText, ...words] = text.trim().split(/\s+/);
	if (portText === undefined) {
		refuse(`no port after ${quoteText(hostText)}${colonHint(hostText)}`);
		return undefined;
	}
	const values = new Map<string, unknown>([
		['host', parseWord(PATH.host.type, 'host', hostText, refuse)],
		['port', parseWord(PATH.port.type, 'port', portText, refuse)],
	]);
	const seen = new Set<string>();
	for (const word of words) {
		const [key = '', value] = splitWord(word);
		if (seen.has(key)) refuse(`${quoteText(key)} is given twice`);
		seen.add(key);
		readWord(values, key, value, refuse);
	}
	return bad ? undefined : pathOf(Object.fromEntries(values));
}

function readWord(
	values: Map<string, unknown>,
	key: string,
	value: string | undefined,
	refuse: ReportProblem,
): void {
	const [field, option] = PATH_WORDS.get(key) ?? [];
	if (field === undefined || option === undefined) {
		refuse(`unknown word ${quoteText(key)}${didYouMean(key, [...PATH_WORDS.keys()])}`);
	} else if (option.type.parse === undefined) {
		if (value === undefined) values.set(field, true);
		else refuse(`"${key}" takes no value`);
	} else if (value === undefined || value === '') {
		refuse(`"${key}" needs a value: ${key}=…`);
	} else {
		values.set(field, parseWord(option.type, key === 'port' ? 'local port' : key, value, refuse));
	}
}

function parseWord(
	type: Type<unknown>,
	word: string,
	value: string,
	refuse: ReportProblem,
): unknown {
	return attempt(
		() => type.parse?.(value),
		({shown, expected}) =>
			refuse([word, shown, `is not ${expected}`].filter((part) => part !== '').join(' ')),
	);
}

function splitWord(word: string): [string, string | undefined] {
	const at = word.indexOf('=');
	return at === -1 ? [word, undefined] : [word.slice(0, at), word.slice(at + 1)];
}

// The commonest slip: every other program writes an address with a colon.
function colonHint(text: string): string {
	const [, host, port] = (isIPv6(text) ? null : /^(.+):([0-9]{1,5})$/.exec(text)) ?? [];
	return host === undefined ? '' : ` (write ${quoteText(`${host} ${port}`)})`;
}
