import type {LaneStatus, PathStatus, SessionStatus} from '../../core/events.ts';
import {residualText} from '../../fec/residual.ts';
import {escapeText} from '../../text/escape-text.ts';
import {
	countFigure,
	formatAge,
	formatShare,
	millisFigure,
	shareFigure,
} from '../../text/figures.ts';
import {textTable} from '../../text/table.ts';
import {cutMiddle, wrapParts} from '../../text/width.ts';
import {factorWords, obstacleWords} from './lane-words.ts';
import {reasonOf} from './path-table.ts';
import {isConnected, nameOf, type StatusSnapshot} from './status.ts';

/** One line of at most 80 columns, without control characters. */
export interface LiveLine {
	readonly text: string;
	/** Absent: it neither warns nor reassures. */
	readonly tone?: 'good' | 'doubtful' | 'bad';
}

const HEADER: readonly (readonly string[])[] = [
	['path', 'state', 'rtt', 'jitter', 'loss', 'loss', 'queue', 'out', 'in'],
	['', '', 'ms', 'ms', 'out %', 'in %', 'out ms', 'pkt/s', 'pkt/s'],
];
const FIGURES = new Set([2, 3, 4, 5, 6, 7, 8]);

/** Columns for the name of a user in a line of other words. */
const USER_WIDTH = 40;

const TONES = {up: 'good', new: undefined, suspect: 'doubtful', down: 'bad'} as const;

/**
 * A short table of a running program: each path a line, each lane a line, rates since the snapshot
 * `before`. What was not measured is `-`, as are all rates without `before`.
 */
export function liveTable(
	now: StatusSnapshot,
	before: StatusSnapshot | undefined,
): readonly LiveLine[] {
	const since = before?.pid === now.pid && before.uptime < now.uptime ? before : undefined;
	return [
		headLine(now),
		...now.sessions.flatMap((session) => sessionLines(session, now, since)),
		...(now.sessions.length === 0 && now.program === 'mpclient' ? absentLines(now) : []),
	];
}

function headLine(snapshot: StatusSnapshot): LiveLine {
	const {program, version, pid, uptime, sessions, places, connection} = snapshot;
	const head = `${program} ${version}, pid ${pid}, up ${formatAge(uptime)}`;
	if (program === 'mpserver') return {text: `${head}, clients ${sessions.length}`};
	const up = sessions.flatMap(({paths}) => paths).filter(({state}) => state === 'up').length;
	const paths = `${head}, ${up} of ${places.length} paths up`;
	if (isConnected(snapshot)) return {text: paths, tone: up < places.length ? 'doubtful' : 'good'};
	const age = connection === undefined ? '' : ` for ${formatAge(connection.for)}`;
	return {text: `${paths}, NO CONNECTION${age}`, tone: 'bad'};
}

/** The paths of a client that has no session. */
function absentLines(snapshot: StatusSnapshot): readonly LiveLine[] {
	const {connection, places} = snapshot;
	const reason = connection?.up === false ? escapeText(connection.reason) : '';
	const named = places.flatMap((place) =>
		reasonOf(undefined, place).map((why) => `${escapeText(place.name)} ${why}`),
	);
	return ['no session', reason, ...named]
		.filter((part) => part !== '')
		.flatMap((part) => wrapParts([part], {first: '  ', indent: '      '}))
		.map((text) => ({text}));
}

function sessionLines(
	session: SessionStatus,
	now: StatusSnapshot,
	before: StatusSnapshot | undefined,
): readonly LiveLine[] {
	const {session: id, user, state, age, flows, residualLoss} = session;
	const earlier = before?.sessions.find((other) => other.session === id);
	const span = now.uptime - (before?.uptime ?? now.uptime);
	const who = user === '' ? 'tunnel' : `tunnel of ${cutMiddle(escapeText(user), USER_WIDTH)}`;
	const parts = [
		`${who}: ${state} for ${formatAge(age)}`,
		`sent/s ${perSecond(session.datagramsSent, earlier?.datagramsSent, span)}`,
		`received/s ${perSecond(session.datagramsReceived, earlier?.datagramsReceived, span)}`,
		`flows ${countFigure(flows)}`,
		`residual loss in ${formatShare(residualLoss)}`,
	];
	return [
		...wrapParts(parts).map((text) => ({text})),
		...pathLines(session.paths, earlier?.paths, span, now),
		...session.lanes.flatMap(laneLines),
	];
}

function pathLines(
	paths: readonly PathStatus[],
	before: readonly PathStatus[] | undefined,
	span: number,
	now: StatusSnapshot,
): readonly LiveLine[] {
	if (paths.length === 0) return [];
	const rows = paths.map((path) => {
		const earlier = before?.find(({id}) => id === path.id);
		return pathRow(path, earlier, span, nameOf(path, now));
	});
	const lines = textTable([...HEADER, ...rows], FIGURES, '  ');
	return [
		...lines.slice(0, HEADER.length).map((text) => ({text})),
		...paths.flatMap((path, index) => {
			const tone = TONES[path.state];
			const toned = tone === undefined ? {} : {tone};
			const place = now.places.find(({id}) => id === path.id);
			const why = wrapParts(reasonOf(path, place), {first: '    ', indent: '      '});
			return [lines[HEADER.length + index]!, ...why].map((text) => ({text, ...toned}));
		}),
	];
}

function pathRow(
	path: PathStatus,
	before: PathStatus | undefined,
	span: number,
	name: string,
): readonly string[] {
	const {sending, receiving} = path;
	return [
		escapeText(name),
		path.state,
		millisFigure(path.rtt),
		millisFigure(path.jitter),
		shareFigure(sending.dataLoss ?? sending.loss),
		shareFigure(receiving.loss),
		millisFigure(sending.queueing),
		perSecond(sending.packets, before?.sending.packets, span),
		perSecond(receiving.packets, before?.receiving.packets, span),
	];
}

/** A rate of a counter over milliseconds; `-` where there is nothing to compare with. */
function perSecond(count: number, before: number | undefined, span: number): string {
	if (before === undefined || span <= 0 || count < before) return '-';
	const rate = ((count - before) * 1000) / span;
	if (rate === 0) return '0';
	if (rate < 0.1) return '<0.1';
	return rate < 10 ? rate.toFixed(1) : countFigure(Math.round(rate));
}

function laneLines({policy, obstacle, sending, receiving}: LaneStatus): readonly LiveLine[] {
	const wrapped = (parts: readonly string[]) =>
		wrapParts(parts, {first: `  lane ${escapeText(policy)}: `, indent: '    '});
	if (obstacle !== undefined) {
		return wrapped([obstacleWords(obstacle)]).map((text) => ({text, tone: 'doubtful' as const}));
	}
	if (sending === undefined) return wrapped(['not coded']).map((text) => ({text}));
	const {residual} = sending.promise;
	const back = receiving === undefined ? '-' : residualText(receiving.residual, residual);
	return wrapped([
		`traffic ${factorWords(sending.traffic)}`,
		`lost or late out ${residualText(sending.residual, residual)}`,
		`in ${back}`,
	]).map((text) => ({text}));
}
