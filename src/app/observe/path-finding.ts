import type {EndpointEvent} from '../../core/events.ts';
import type {PathTrouble} from '../../net/tunnel/client-path.ts';

/** State of a path, as far as one end can know. */
export type PathVerdict =
	| 'reachable'
	| 'refused'
	| 'no-route'
	| 'silent'
	| 'untried'
	| 'unresolved'
	| 'no-socket'
	| 'other-version'
	| 'encryption-differs'
	| 'full'
	| 'user-full';

/** A verdict and what belongs to it. */
export interface PathFinding {
	readonly verdict: PathVerdict;
	/** More about it; outside text. */
	readonly detail: string;
}

/** Warning of a server that refuses a session. */
export type ServerWarning = Pick<Extract<EndpointEvent, {type: 'warning'}>, 'code' | 'text'>;

/** Signs around a path over which no answer comes. */
export interface PathSigns {
	readonly trouble: PathTrouble | undefined;
	/** The server's last answer. */
	readonly warning: ServerWarning | undefined;
	/** The system's last error for packets to there. */
	readonly refusal: string | undefined;
}

const WORDS: Readonly<Record<PathVerdict, string>> = {
	reachable: 'reachable',
	refused: 'refused: nothing listens there',
	'no-route': 'no route',
	silent: 'silent: no server, wrong key or blocked',
	untried: 'not tried yet',
	unresolved: 'the name cannot be resolved',
	'no-socket': 'no socket',
	'other-version': 'the server uses another version',
	'encryption-differs': 'MPTUNNEL_ENCRYPT differs between the two ends',
	full: 'the server has no room for another session',
	'user-full': 'a limit of this key is reached',
};

/**
 * Returns the meaning of the signs of a path without answers. A wrong key and a firewall look the
 * same: a server answers no client without its key.
 */
export function judgeSigns({trouble, warning, refusal}: PathSigns): PathFinding {
	if (trouble !== undefined) return {verdict: trouble.kind, detail: trouble.reason};
	if (warning !== undefined && isVerdict(warning.code)) {
		return {verdict: warning.code, detail: warning.text};
	}
	if (refusal === undefined) return {verdict: 'silent', detail: ''};
	const route = /^no route \((.*)\)$/.exec(refusal);
	if (route !== null) return {verdict: 'no-route', detail: route[1] ?? ''};
	return {verdict: 'refused', detail: ''};
}

// An answer in place of a session is a verdict; other warnings are not about sessions.
function isVerdict(code: string): code is PathVerdict {
	return Object.hasOwn(WORDS, code);
}

/** A finding in words; holds outside text. */
export function findingWords({verdict, detail}: PathFinding): string {
	const words = WORDS[verdict];
	return detail === '' ? words : `${words}: ${detail}`;
}
