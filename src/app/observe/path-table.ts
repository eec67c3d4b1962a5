import type {PathStatus, SessionStatus} from '../../core/events.ts';
import {escapeText} from '../../text/escape-text.ts';
import {
	formatAge,
	formatBytes,
	formatCount,
	millisFigure,
	shareFigure,
} from '../../text/figures.ts';
import {textTable} from '../../text/table.ts';
import {cutMiddle, wrapParts} from '../../text/width.ts';
import {findingWords, type PathVerdict} from './path-finding.ts';
import {nameOf, type PathPlace, type StatusSnapshot} from './status.ts';

/** The name of a column in two lines, the second with its unit. */
const HEADER: readonly (readonly string[])[] = [
	['path', 'state', 'rtt', 'jitter', 'loss', 'loss', 'queue', 'queue'],
	['', '', 'ms', 'ms', 'out %', 'in %', 'out ms', 'in ms'],
];
const FIGURES = new Set([2, 3, 4, 5, 6, 7]);

/** The longest IPv6 address with a port fits. */
const ADDRESS_WIDTH = 56;

/** Verdicts that are less specific than the session's reason for holding the path for down. */
const VAGUE: ReadonlySet<PathVerdict> = new Set<PathVerdict>(['silent', 'untried']);

/** A row of the table and the lines below it. */
interface PathLines {
	readonly cells: readonly string[];
	readonly notes: readonly (readonly string[])[];
}

/**
 * The paths of a session, and those of a client that it does not have: a line of figures each, and
 * below it where it leads and further remarks.
 */
export function pathTable(
	session: SessionStatus | undefined,
	snapshot: StatusSnapshot,
): readonly string[] {
	const paths = session?.paths ?? [];
	const idle = snapshot.places.filter((place) => !paths.some(({id}) => id === place.id));
	const hasStreams = (session?.streams?.opened ?? 0) > 0;
	const rows = [
		...paths.map((path) => pathLines(path, snapshot, hasStreams)),
		...idle.map((place) => idleLines(place)),
	];
	if (rows.length === 0) return [];
	const lines = textTable([...HEADER, ...rows.map(({cells}) => cells)], FIGURES, '  ');
	return [
		...lines.slice(0, HEADER.length),
		...rows.flatMap(({notes}, index) => [
			lines[HEADER.length + index]!,
			...notes.flatMap((parts) => wrapParts(parts, {first: '    ', indent: '      '})),
		]),
	];
}

function pathLines(path: PathStatus, snapshot: StatusSnapshot, hasStreams: boolean): PathLines {
	const {sending, receiving, mtu, silence} = path;
	const place = snapshot.places.find(({id}) => id === path.id);
	const marks = [
		path.held ? 'held' : '',
		path.backup ? 'backup' : '',
		path.metered ? 'metered' : '',
	].filter(Boolean);
	const about = [
		...marks,
		place === undefined
			? `to ${path.remote.split(', ').map(shorten).join(' ') || '-'}`
			: addressOf(place),
		`mtu ${mtu}`,
		`saturated ${formatCount(path.saturated)}`,
		silence === undefined ? 'no packet yet' : `last packet ${formatAge(silence)} ago`,
	];
	const tcp = [
		`TCP sent ${formatBytes(sending.streamBytes)}`,
		`received ${formatBytes(receiving.streamBytes)}`,
	];
	return {
		cells: [
			escapeText(nameOf(path, snapshot)),
			path.state,
			millisFigure(path.rtt),
			millisFigure(path.jitter),
			shareFigure(sending.dataLoss ?? sending.loss),
			shareFigure(receiving.loss),
			millisFigure(sending.queueing),
			millisFigure(receiving.queueing),
		],
		notes: [about, hasStreams ? tcp : [], reasonOf(path, place)],
	};
}

/** A path of a client that has no session yet, or none over it. */
function idleLines(place: PathPlace): PathLines {
	const cells = HEADER[0]!.map((_, column) => (column === 0 ? escapeText(place.name) : '-'));
	return {cells, notes: [[addressOf(place)], reasonOf(undefined, place)]};
}

/**
 * Reasons why it carries nothing, each once: the session and the signs around it may give the same
 * one.
 */
export function reasonOf(
	path: PathStatus | undefined,
	place: PathPlace | undefined,
): readonly string[] {
	const down = path?.down;
	const finding = place?.finding;
	if (finding !== undefined && (!down?.reason || !VAGUE.has(finding.verdict))) {
		const since = down === undefined ? `not up for ${formatAge(finding.for)}` : downFor(down);
		return [`${since}: ${escapeText(findingWords(finding))}`];
	}
	return down === undefined ? [] : [`${downFor(down)}: ${escapeText(down.reason)}`];
}

function downFor({age}: NonNullable<PathStatus['down']>): string {
	return `down for ${formatAge(age)}`;
}

function addressOf({remotes, target, localPorts}: PathPlace): string {
	const to = remotes.length === 0 ? shorten(target) : remotes.map(shorten).join(' ');
	return `to ${to} from ${localPorts.join(',') || '-'}`;
}

function shorten(text: string): string {
	return cutMiddle(escapeText(text), ADDRESS_WIDTH);
}
