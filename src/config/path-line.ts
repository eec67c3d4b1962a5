import {isIPv6} from 'node:net';
import {didYouMean} from '../text/did-you-mean.ts';
import {quoteText} from '../text/escape-text.ts';
import type {ValueError} from '../text/value-error.ts';
import {attempt} from './errors.ts';
import type {PathDraft} from './paths.ts';
import {readKeepAlive, readRates} from './quantities.ts';
import {NO_BIND, readBind, readHost, readMark, readName, readPort} from './values.ts';

/** What a path line says; the words that were bad are left out. */
export type PathLine = Omit<PathDraft, 'where' | 'field'>;

const WORDS_WITH_VALUE = ['name', 'bind', 'mark', 'port', 'rate', 'keepalive'] as const;
const FLAGS = ['metered', 'backup'] as const;
const WORDS: readonly string[] = [...WORDS_WITH_VALUE, ...FLAGS];

type Mutable<T> = {-readonly [K in keyof T]: T[K]};
type Report = (reason: string) => void;

/**
 * Reads `HOST PORT [name=NAME] [bind=ADDR|INTERFACE] [mark=MARK] [port=LOCALPORT] [rate=RATE | rate=UP/DOWN]
 * [keepalive=TIME] [metered] [backup]`, words apart by white space. Every bad word is reported; undefined when any was.
 */
export function readPathLine(text: string, report: Report): PathLine | undefined {
	let bad = false;
	const refuse: Report = (reason) => {
		bad = true;
		report(reason);
	};
	const [hostText = '', portText, ...words] = text.trim().split(/\s+/);
	const attemptWord = <T>(word: string, read: () => T): T | undefined =>
		attempt(read, (error) => refuse(describe(word, error)));
	if (portText === undefined) {
		refuse(`no port after ${quoteText(hostText)}${colonHint(hostText)}`);
		return undefined;
	}
	const line: Mutable<PathLine> = {
		host: attemptWord('host', () => readHost(hostText)) ?? '',
		port: attemptWord('port', () => readPort(portText)) ?? 0,
		name: undefined,
		...NO_BIND,
		mark: undefined,
		localPort: undefined,
		rate: undefined,
		keepAlive: undefined,
		metered: false,
		backup: false,
	};
	const seen = new Set<string>();
	for (const word of words) {
		const [key = '', value] = splitWord(word);
		if (seen.has(key)) refuse(`${quoteText(key)} is given twice`);
		seen.add(key);
		readWord(line, key, value, refuse);
	}
	return bad ? undefined : line;
}

function readWord(
	line: Mutable<PathLine>,
	key: string,
	value: string | undefined,
	refuse: Report,
): void {
	const flag = FLAGS.find((candidate) => candidate === key);
	if (flag !== undefined) {
		if (value === undefined) line[flag] = true;
		else refuse(`"${flag}" takes no value`);
		return;
	}
	const known = WORDS_WITH_VALUE.find((candidate) => candidate === key);
	if (known === undefined) {
		refuse(`unknown word ${quoteText(key)}${didYouMean(key, WORDS)}`);
	} else if (value === undefined || value === '') {
		refuse(`"${known}" needs a value: ${known}=…`);
	} else {
		attempt(
			() => readValue(line, known, value),
			(error) => refuse(describe(known === 'port' ? 'local port' : known, error)),
		);
	}
}

function readValue(
	line: Mutable<PathLine>,
	word: (typeof WORDS_WITH_VALUE)[number],
	value: string,
): void {
	switch (word) {
		case 'name':
			line.name = readName(value);
			break;
		case 'bind':
			Object.assign(line, readBind(value));
			break;
		case 'mark':
			line.mark = readMark(value);
			break;
		case 'port':
			line.localPort = readPort(value);
			break;
		case 'rate':
			line.rate = readRates(value);
			break;
		case 'keepalive':
			line.keepAlive = readKeepAlive(value);
			break;
	}
}

function splitWord(word: string): [string, string | undefined] {
	const at = word.indexOf('=');
	return at === -1 ? [word, undefined] : [word.slice(0, at), word.slice(at + 1)];
}

function describe(word: string, error: ValueError): string {
	return [word, error.shown, `is not ${error.expected}`].filter((part) => part !== '').join(' ');
}

// The commonest slip: every other program writes an address with a colon.
function colonHint(text: string): string {
	const [, host, port] = (isIPv6(text) ? null : /^(.+):([0-9]{1,5})$/.exec(text)) ?? [];
	return host === undefined ? '' : ` (write ${quoteText(`${host} ${port}`)})`;
}
