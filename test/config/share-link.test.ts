import test from 'ava';
import fc from 'fast-check';
import {resolveClientOptions} from '../../src/config/client.ts';
import {LINK_WORDS} from '../../src/config/client-link.ts';
import {ConfigError, ProblemList} from '../../src/config/errors.ts';
import {PATH_LIMIT} from '../../src/config/paths.ts';
import {
	formatLink,
	isLink,
	LINK_SCHEME,
	parseLink,
	type ShareLink,
} from '../../src/config/share-link.ts';
import {formatKey} from '../../src/crypto/keys.ts';
import {escapeControls} from '../../src/text/escape-text.ts';
import {example, readDocument, sectionOf} from '../support/documents/document.ts';

const DOCUMENT = 'src/config/README.md';
const KEY = 'J8lxw9epJDJpQT72hUeEjw/hDcb1cAfzZdy42OGqNmU=';
const SECRET = 'J8lxw9epJDJpQT72hUeEjw_hDcb1cAfzZdy42OGqNmU';
const LINK = `mptunnel://${SECRET}@vpn.example.net:2000`;

function resolve(link: string, env: Record<string, string> = {}) {
	return resolveClientOptions({link}, {env, cwd: '/'});
}

/** The problems of a link, as they are printed. */
function problemsOf(link: string): readonly string[] {
	try {
		resolve(link);
		return [];
	} catch (error) {
		if (!(error instanceof ConfigError)) throw error;
		return error.message.split('\n');
	}
}

test('a link has all that a client starts from', (t) => {
	const {options, warnings} = resolve(
		`${LINK};name=dsl;rate=5mbit%2F20mbit,198.51.100.7:4000;name=lte;metered;backup;keepalive=25s,` +
			'[2001:db8::7]:4001/?policy=fec%201.5&copies=2&hold=1s&encrypt=off&listen=off&socks=off#note',
	);
	t.deepEqual(warnings, []);
	const [dsl, lte, six] = options.paths;
	t.like(dsl, {host: 'vpn.example.net', port: 2000, name: 'dsl', rate: {up: 5e6, down: 20e6}});
	t.like(lte, {host: '198.51.100.7', port: 4000, metered: true, backup: true, keepAlive: 25_000});
	t.like(six, {host: '2001:db8::7', port: 4001, name: '3'});
	t.is(options.policies.otherwise.name, 'fec 1.5');
	t.like(options, {copies: 2, hold: 1000, encrypt: false, listen: undefined, socks: false});
	t.false(options.keys.keyless);
	if (!options.keys.keyless) t.is(formatKey(options.keys.users[0].psk), KEY);
});

test('the environment and flags win over a link, which has the defaults of a file', (t) => {
	const plain = resolve(LINK).options;
	t.like(plain, {encrypt: true, hold: 500, copies: undefined});
	t.is(plain.listen?.port, 3000);
	const other = formatKey(new Uint8Array(32).fill(7));
	const {options} = resolve(LINK, {MPTUNNEL_KEY: other});
	if (!options.keys.keyless) t.is(formatKey(options.keys.users[0].psk), other);
	const flags = resolveClientOptions({link: `${LINK}?hold=1s`, hold: '2s'}, {env: {}, cwd: '/'});
	t.is(flags.options.hold, 2000);
});

test('a link names its state by its key, and shows nothing of it', (t) => {
	const {configFile} = resolve(LINK).options;
	t.regex(configFile, /^link [0-9a-f]{16}$/);
	t.is(resolve(`${LINK},other.example.net:1?hold=1s`).options.configFile, configFile);
	t.not(resolve(LINK.replace('J8', 'J9')).options.configFile, configFile);
});

test('what is unknown is ignored with a warning', (t) => {
	const {options, warnings} = resolve(
		`${LINK};mark=1;bind=eth0;port=1;future;name=a?keyFile=%2Fetc%2Fpasswd&state=x&v2=`,
	);
	t.deepEqual(
		warnings,
		['mark', 'bind', 'port', 'future']
			.map((name) => `the word "${name}" of the link is not known here and ignored`)
			.concat(
				['keyFile', 'state', 'v2'].map(
					(name) => `the option "${name}" of the link is not known here and ignored`,
				),
			)
			.toSorted((a, b) => Number(a.includes('word')) - Number(b.includes('word'))),
	);
	t.like(options.paths[0], {name: 'a', mark: undefined, device: undefined, localPort: undefined});
	t.is(options.state, undefined);
});

test('each mistake is a line with its place', (t) => {
	const at = `mptunnel://${SECRET}@`;
	for (const [link, ...expected] of [
		['http://a', 'link: does not begin with mptunnel://'],
		[`mptunnel:${SECRET}@a:1`, 'link: does not begin with mptunnel://'],
		['mptunnel://', 'link: key: is missing: mptunnel://KEY@HOST:PORT'],
		[`mptunnel://${SECRET}`, 'link: key: is missing: mptunnel://KEY@HOST:PORT'],
		['mptunnel://@a:1', 'link: key: is 43 characters of base64url before the @, this has 0'],
		[
			`mptunnel://${SECRET}=@a:1`,
			'link: key: is 43 characters of base64url before the @, this is wrong at character 44',
		],
		[
			`mptunnel://${SECRET.slice(0, -1)}V@a:1`,
			'link: key: a key is 44 characters of base64, this has a last character that no key has',
		],
		[`mptunnel://${'A'.repeat(43)}@a:1`, 'link: key: a key of zeros is no secret'],
		[`${at}`, 'link: path 1: not HOST:PORT ([ADDR]:PORT for IPv6): ""'],
		[`${at}a:1,b`, 'link: path 2: not HOST:PORT ([ADDR]:PORT for IPv6): "b"'],
		[`${at}a:0`, 'link: path 1: not 1 to 65535: "0"'],
		[`${at}a:1;name`, 'link: path 1: "name" needs a value: name=…'],
		[
			`${at}a:1;rate=5`,
			'link: path 1: rate "5" is not a rate such as 20mbit, or UP/DOWN such as 5mbit/20mbit',
		],
		[`${at}a:1;;`, 'link: path 1: has a word that is empty or has a space in it'],
		[`${at}a:1;name=a%20bind=b`, 'link: path 1: has a word that is empty or has a space in it'],
		[`${at}a:1;name=%ff`, 'link: path 1: has a % that is not that of UTF-8 in %XX'],
		[`${at}a:1;name=x,b:1;name=x`, 'link: path 2: name "x" is taken by link: path 1'],
		[`${at}a:1?listen=3000`, 'link: listen: not off: "3000"'],
		[`${at}a:1?socks=0.0.0.0%3A1080`, 'link: socks: not off: "0.0.0.0:1080"'],
		[`${at}a:1?encrypt=on`, 'link: encrypt: not off: "on"'],
		[`${at}a:1?hold`, 'link: option 1: is not NAME=VALUE'],
		[`${at}a:1?hold=1s&hold=2s`, 'link: hold: is given twice'],
		[`${at}a:1?hold=1`, 'link: hold: not a duration of 10ms to 10s such as 500ms: "1"'],
		[`${at}a:1?hold=%`, 'link: option 1: has a % that is not that of UTF-8 in %XX'],
		[`${at}a:1?copies=17`, 'link: copies: not 1 to 16: "17"'],
		[`${at}a:1 b:2`, 'link: has a space or another character that must be written as %XX'],
		[`${at}${'a:1,'.repeat(1100)}`, 'link: is longer than 4096 characters'],
		[`${at}${'a:1,'.repeat(16)}b:1`, 'link: 17 paths, at most 16 are possible'],
		[
			`${at}a:x,b:y`,
			'link: path 1: not HOST:PORT ([ADDR]:PORT for IPv6): "a:x"',
			'link: path 2: not HOST:PORT ([ADDR]:PORT for IPv6): "b:y"',
		],
	]) {
		t.deepEqual(problemsOf(link!), expected, link);
	}
});

test('no problem shows the key, wherever it stands', (t) => {
	for (const link of [
		`mptunnel://a:1,${SECRET}`,
		`mptunnel://${SECRET}@${SECRET}`,
		`mptunnel://${SECRET}@a:1;${SECRET}=1?${SECRET}=2&hold=${SECRET}`,
		`mptunnel://${SECRET} @a:1`,
	]) {
		const lines = problemsOf(link);
		t.true(lines.length > 0);
		for (const line of lines) t.false(line.includes(SECRET), line);
	}
});

const texts = fc.string({unit: 'binary', minLength: 1, maxLength: 20});
const word = texts.filter((text) => !/\s/.test(text) && !/\p{Cs}/u.test(text));
const links: fc.Arbitrary<ShareLink> = fc.record({
	key: fc.uint8Array({minLength: 32, maxLength: 32}).map(formatKey),
	paths: fc.array(
		fc.record({
			host: fc.oneof(fc.constantFrom('a', 'x-1.example.net'), fc.ipV4(), fc.ipV6()),
			port: fc.integer({min: 1, max: 65_535}),
			words: fc.array(word, {maxLength: 3}),
		}),
		{minLength: 1, maxLength: 4},
	),
	options: fc
		.dictionary(fc.stringMatching(/^[a-z][A-Za-z0-9]{0,9}$/), fc.string({unit: 'grapheme'}), {
			maxKeys: 4,
		})
		.map((options) => new Map(Object.entries(options))),
});

test('every link comes back as it was', (t) => {
	fc.assert(
		fc.property(links, (link) => {
			const text = formatLink(link);
			if (text.length > 4096) return;
			t.regex(text, /^[!-~]+$/);
			t.true(isLink(text));
			const problems = new ProblemList();
			t.deepEqual(parseLink(text, problems), link);
			t.is(problems.length, 0);
		}),
		{numRuns: 300},
	);
});

const pieces = fc.constantFrom(
	...[
		'mptunnel://',
		'MPTUNNEL://',
		SECRET,
		'@',
		':',
		';',
		',',
		'/',
		'?',
		'&',
		'=',
		'#',
		'%',
		'%41',
	],
	...['a', 'a:1', '[::1]:1', '[', ']', 'name', 'rate=1mbit', 'listen=off', 'policy=', 'copies=1'],
	...[' ', '\n', '\0', '\ud800', '路'],
);
const attacks = fc.oneof(
	fc.string({unit: 'binary'}),
	fc.array(pieces, {maxLength: 20}).map((all) => all.join('')),
	fc.array(pieces, {maxLength: 12}).map((all) => `${LINK}${all.join('')}`),
);

test('whatever the text is, it is a client or a ConfigError with a place', (t) => {
	fc.assert(
		fc.property(attacks, (text) => {
			for (const line of problemsOf(text)) {
				t.regex(line, /^link: .|^(?:--\S+|"[^"]*"): ./);
				t.false(line.includes(SECRET), line);
				t.is(line, escapeControls(line));
			}
		}),
		{numRuns: 2000},
	);
});

const VALUES = new Map([
	['policy', 'best'],
	['copies', '2'],
	['hold', '1s'],
]);

test('the names of the grammar are those of the reader', (t) => {
	const grammar = example(DOCUMENT, 'grammar');
	t.true(grammar.startsWith(`link     = "${LINK_SCHEME}//" key "@" path`));
	const prose = sectionOf(readDocument(DOCUMENT), '## Links');
	for (const name of LINK_WORDS) t.true(prose.includes(`\`${name}\``), name);
	for (const option of ['policy', 'copies', 'hold', 'encrypt=off', 'listen=off', 'socks=off']) {
		t.true(prose.includes(`\`${option}\``), option);
		const [name = '', given] = option.split('=');
		const value = given ?? VALUES.get(name);
		t.deepEqual(resolve(`${LINK}?${name}=${value}`).warnings, []);
	}
	t.true(prose.includes('4,096 characters') && prose.includes(`1 to ${PATH_LIMIT} paths`));
});

test('a link is recognized by its scheme, whatever is behind it', (t) => {
	for (const text of ['mptunnel:', 'MPTunnel://x', ' mptunnel://x']) t.true(isLink(text), text);
	for (const text of ['', 'mptunnel', 'mptunnel.conf', './mptunnel:x']) t.false(isLink(text), text);
});
