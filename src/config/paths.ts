import {isIP} from 'node:net';
import type {Millis} from '../bytes/time.ts';
import {quoteText} from '../text/escape-text.ts';
import {canonicalAddress} from '../text/ip.ts';
import type {ProblemList} from './errors.ts';
import type {HostPort} from './host-port.ts';

/** The limits of a path in bits per second of UDP payload + 28 bytes, each direction its own. */
export interface RateOptions {
	/** Client to server. */
	readonly up: number;
	/** Server to client. */
	readonly down: number;
}

/** The mark of a path's packets. */
export interface PathMark {
	/** SO_MARK of Linux, 1 to 2^32 - 1. */
	readonly value: number;
	/** Place in the configuration, for messages about it. */
	readonly place: string;
}

/** One path: a bridge (or the server itself) and how to reach it. */
export interface PathOptions extends HostPort {
	/**
	 * Unique in the configuration: the `name=` word, else the position counted from 1 (`1`, `2`…).
	 */
	readonly name: string;
	/** The local IP literal that this path's socket is bound to; undefined = the system chooses. */
	readonly bind: string | undefined;
	/** The network interface that it is bound to; never beside `bind`. */
	readonly device: string | undefined;
	/** Mark of the packets, for the rules of routing. `undefined`: none. */
	readonly mark: PathMark | undefined;
	/** The local port asked for; undefined = the one kept in the state folder, else any. */
	readonly localPort: number | undefined;
	/** Undefined = unlimited. */
	readonly rate: RateOptions | undefined;
	/** The longest time between two packets on it; undefined = the program chooses. */
	readonly keepAlive: Millis | undefined;
	/** True = probe as rarely as possible. */
	readonly metered: boolean;
	/** True = gets copies only while fewer than `copies` other paths are up. */
	readonly backup: boolean;
}

/** The most paths of one client; a path id is a small number on the wire. */
export const PATH_LIMIT = 16;

/**
 * One path as a file gives it, each value valid by itself; the place is where problems are shown.
 */
export interface PathDraft {
	readonly where: string;
	readonly field: string;
	readonly host: string;
	readonly port: number;
	readonly name: string | undefined;
	readonly bind: string | undefined;
	readonly device: string | undefined;
	readonly mark: number | undefined;
	readonly localPort: number | undefined;
	readonly rate: RateOptions | undefined;
	readonly keepAlive: Millis | undefined;
	readonly metered: boolean;
	readonly backup: boolean;
}

/**
 * Checks what only all paths together can violate (their number, equal names, equal local sockets)
 * and names the unnamed by their position. `where` is the file.
 */
export function resolvePaths(
	drafts: readonly PathDraft[],
	where: string,
	problems: ProblemList,
): readonly PathOptions[] {
	if (drafts.length > PATH_LIMIT) {
		const reason = `${drafts.length} paths, at most ${PATH_LIMIT} are possible`;
		problems.add(where, '', reason);
	}
	const names = new Map<string, PathDraft>();
	const sockets = new Map<string, PathDraft>();
	for (const draft of drafts) {
		checkFamilies(draft, problems);
		if (draft.name !== undefined) {
			const report = (other: string) =>
				problems.add(
					draft.where,
					draft.field,
					`name ${quoteText(draft.name ?? '')} is taken${other}`,
				);
			claim(names, draft.name, draft, report);
		}
		if (draft.localPort !== undefined) {
			const bind = canonicalAddress(draft.bind ?? '') ?? draft.device ?? '';
			const report = (other: string) =>
				problems.add(draft.where, draft.field, `local port ${draft.localPort} is taken${other}`);
			claim(sockets, `${bind} ${draft.localPort}`, draft, report);
		}
	}
	return drafts.map(({where: place, field, ...path}, index) => ({
		...path,
		mark: path.mark === undefined ? undefined : {value: path.mark, place: placeOf(place, field)},
		name: path.name ?? String(index + 1),
	}));
}

function claim(
	taken: Map<string, PathDraft>,
	key: string,
	draft: PathDraft,
	report: (other: string) => void,
): void {
	const owner = taken.get(key);
	if (owner === undefined) taken.set(key, draft);
	else report(` by ${placeOf(owner.where, owner.field)}`);
}

function placeOf(where: string, field: string): string {
	return [where, field].filter((part) => part !== '').join(': ');
}

function checkFamilies(draft: PathDraft, problems: ProblemList): void {
	const {host, bind} = draft;
	if (bind === undefined || isIP(host) === 0 || isIP(host) === isIP(bind)) return;
	const reason = `bind ${quoteText(bind)} cannot reach ${quoteText(host)}: IPv4 and IPv6 do not mix`;
	problems.add(draft.where, draft.field, reason);
}
