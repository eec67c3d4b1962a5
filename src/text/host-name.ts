// Names of hosts, from the widest grammar to the narrowest: what a frame carries, what is looked
// up, what may stand in a configuration.

/** The longest name in characters, without a dot at its end (RFC 1035). */
const NAME_LIMIT = 253;

const LABEL = /^[a-z0-9_-]{1,63}$/;

/**
 * True for text that a frame and a SOCKS5 request carry as a name. Above all neither NUL nor bytes
 * that a resolver might fold to others; a colon occurs in literals of IPv6 only.
 */
export function isNameOnWire(text: string): boolean {
	return text.length <= NAME_LIMIT && /^[A-Za-z0-9\-_.]+$/.test(text);
}

/**
 * Returns a host name in the spelling that it is looked up and compared by: lower case, no dot at
 * the end. `undefined`: no host name. A last label that is a number makes it none: `0177.0.0.1`,
 * `2130706433`, `0x7f.1` and `127.1` are addresses to some resolvers, which would read them after
 * every check here.
 */
export function hostName(text: string): string | undefined {
	// Longer text is not even converted, and only ASCII is: "K" (Kelvin) must not become a k.
	if (text.length > NAME_LIMIT + 1) return undefined;
	const lower = text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
	const name = lower.endsWith('.') ? lower.slice(0, -1) : lower;
	if (name.length > NAME_LIMIT) return undefined;
	const labels = name.split('.');
	if (!labels.every((label) => LABEL.test(label))) return undefined;
	return endsInNumber(name) ? undefined : name;
}

/**
 * True for a host name that a person may write in a configuration. Resolvers take a hyphen at the
 * edge of a label (some names in use have one); in a configuration it is a mistyped option.
 */
export function isConfiguredHostName(text: string): boolean {
	return hostName(text) !== undefined && !/(?:^|\.)-|-(?:\.|$)/.test(text);
}

/** True when the last label is a number in any spelling that a reader of addresses takes. */
export function endsInNumber(text: string): boolean {
	return /(?:^|\.)(?:[0-9]+|0x[0-9a-f]*)\.?$/i.test(text);
}
