/** The most characters of one outside text that a message shows, in UTF-16 units after escaping. */
export const TEXT_LIMIT = 255;

// C0, DEL, C1, line and paragraph separators, and the bidirectional controls that reorder a line
// on a terminal; lone surrogates because they cannot be written as UTF-8.
const UNSAFE =
	// biome-ignore lint/suspicious/noControlCharactersInRegex: finding control characters is the point
	/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;
const SHORT: ReadonlyMap<string, string> = new Map([
	['\n', '\\n'],
	['\r', '\\r'],
	['\t', '\\t'],
]);

/**
 * Replaces what could break or reorder a line (control characters, line separators, bidirectional
 * controls, lone surrogates) by `\n`-like or `\u001b`-like escapes; nothing is cut, and what is
 * already safe comes back unchanged.
 */
export function escapeControls(text: string): string {
	return text.replace(
		UNSAFE,
		(unit) => SHORT.get(unit) ?? `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
	);
}

/**
 * Makes text from outside safe inside a message or log line: control characters, quotes and
 * backslashes are escaped, and the result is at most {@link TEXT_LIMIT} characters long, a cut one
 * ending in an ellipsis. Never throws.
 */
export function escapeText(text: string): string {
	// Escaping only lengthens, so what lies beyond the limit can never be shown.
	const head = text.slice(0, TEXT_LIMIT + 1);
	const parts: string[] = [];
	let length = 0;
	let partsWithEllipsis = 0;
	for (const character of head) {
		const escaped = escapeCharacter(character);
		length += escaped.length;
		if (length > TEXT_LIMIT) return `${parts.slice(0, partsWithEllipsis).join('')}…`;
		parts.push(escaped);
		if (length < TEXT_LIMIT) partsWithEllipsis = parts.length;
	}
	return parts.join('');
}

/**
 * Quotes outside text for a message: {@link escapeText} between double quotes. What looks like a
 * key is not shown, because keys end up in wrong places (`mpclient tunnel.key`, `--key-file KEY`).
 */
export function quoteText(text: string): string {
	return LONE_KEY.test(text) ? '(looks like a key)' : `"${escapeText(maskKeys(text))}"`;
}

/** Replaces every key inside a text by `(key)`, and every link with one by `(link)`. */
export function maskKeys(text: string): string {
	return text.replaceAll(LINK_INSIDE, '(link)').replaceAll(KEY_INSIDE, '(key)');
}

// 32 bytes in base64, or in base64url in a link; a lone word of nearly that length is a key with a
// letter lost or added.
const LINK_INSIDE = /mptunnel:[^\s'"]+/gi;
const KEY_INSIDE = /[A-Za-z0-9+/]{43}=/g;
const LONE_KEY = /^(?=.*[A-Z])(?=.*[a-z])(?=.*[0-9])[A-Za-z0-9+/_-]{40,46}={0,2}$/;

function escapeCharacter(character: string): string {
	return character === '"' || character === '\\' ? `\\${character}` : escapeControls(character);
}
