import type {Millis} from '../../bytes/time.ts';
import type {SessionStatus, StreamTotals, TrafficStatus} from '../../core/events.ts';
import {escapeText} from '../../text/escape-text.ts';
import {countFigure, formatAge, formatBytes, formatCount, formatShare} from '../../text/figures.ts';
import {textTable} from '../../text/table.ts';
import {cutMiddle, wrapParts} from '../../text/width.ts';
import {laneLines} from './lane-lines.ts';
import {factorWords} from './lane-words.ts';
import {pathTable} from './path-table.ts';
import type {StatusSnapshot, UserLine} from './status.ts';

/** They are replaced every two minutes: older ones show that something prevents it. */
const OLD_KEYS: Millis = 300_000;

/** Columns for names and targets of users in a line of other words; the JSON has them whole. */
const SHOWN_WIDTH = 60;

/**
 * The tables for people, several lines of at most 80 columns, each ended by a line feed; outside
 * text is escaped, and cut where it is too long.
 */
export function formatStatus(snapshot: StatusSnapshot): string {
	const {sessions, drops, waiting} = snapshot;
	const lines = [...headLines(snapshot), ...placeLines(snapshot)];
	if (sessions.length === 0) lines.push('no session', ...pathTable(undefined, snapshot));
	for (const session of sessions) {
		lines.push('', ...sessionLines(session), ...pathTable(session, snapshot));
		lines.push(...laneLines(session.lanes));
	}
	lines.push(...connectionLines(snapshot), ...userTable(snapshot));
	const dropped = Object.entries(drops).map(([reason, count]) => `${reason} ${formatCount(count)}`);
	const shown = dropped.length === 0 ? ['nothing'] : dropped;
	lines.push('', ...wrapParts(shown, {first: 'dropped: '}));
	if (waiting > 0) lines.push(`waiting: ${formatCount(waiting)}`);
	return `${lines.join('\n')}\n`;
}

function headLines(snapshot: StatusSnapshot): readonly string[] {
	const {program, version, pid, uptime, crypto, io, keyless, encrypt} = snapshot;
	const parts = [`${program} ${version}`, `pid ${pid}`, `up ${formatAge(uptime)}`];
	parts.push(`crypto ${crypto}`, `io ${io}`);
	if (keyless) parts.push('NO KEY');
	if (!encrypt) parts.push('NOT ENCRYPTED');
	return wrapParts(parts);
}

function placeLines(snapshot: StatusSnapshot): readonly string[] {
	const {listening, target, exit, socks, forwards, streams} = snapshot;
	const listen = listening.length === 0 ? 'not listening' : `listening on ${listening.join(', ')}`;
	const parts = target === undefined ? [listen] : [listen, `target ${shorten(target)}`];
	if (exit) parts.push('clients may choose targets');
	if (socks !== undefined) {
		const {associations} = socks;
		parts.push(
			`SOCKS5 on ${socks.listening.join(', ')}, associations ${formatCount(associations)}`,
		);
	}
	for (const forward of forwards) {
		const {protocol, listening: place} = forward;
		parts.push(`forward ${protocol} ${place.join(', ')} to ${shorten(forward.target)}`);
	}
	if (streams > 0) parts.push(`TCP connections ${formatCount(streams)}`);
	return wrapParts(parts, {separator: ';'});
}

function sessionLines(session: SessionStatus): readonly string[] {
	const {user, state, age, flows, residualLoss, keyAge, streams} = session;
	const {datagramsSent, datagramsReceived, datagramsSplit} = session;
	const split = datagramsSplit > 0 ? ` (${formatCount(datagramsSplit)} of them split)` : '';
	const who = user === '' ? 'tunnel' : `tunnel of ${shorten(user)}`;
	const parts = [
		`${who}: ${state} for ${formatAge(age)}`,
		`sent ${formatCount(datagramsSent)}${split}`,
		`received ${formatCount(datagramsReceived)}`,
		`residual loss in ${formatShare(residualLoss)}`,
		`flows ${formatCount(flows)}`,
	];
	if (keyAge > OLD_KEYS) parts.push(`KEYS ${formatAge(keyAge)} OLD`);
	return [...wrapParts(parts), ...streamLines(streams, '  ')];
}

/** The TCP connections, where there were any. */
function streamLines(streams: StreamTotals | undefined, indent: string): readonly string[] {
	if (streams === undefined || streams.opened === 0) return [];
	const {now, opened, sent, received} = streams;
	const connections = `TCP: ${formatCount(now)} connections of ${formatCount(opened)}`;
	const parts = [connections, `sent ${formatBytes(sent)}`, `received ${formatBytes(received)}`];
	return wrapParts(parts, {first: indent, indent: `${indent}  `});
}

/** Lines for the time in which nothing has come through. */
function connectionLines({connection}: StatusSnapshot): readonly string[] {
	if (connection?.up !== false) return [];
	const {for: age, reason} = connection;
	const why = reason === '' ? '' : `: ${escapeText(reason)}`;
	return ['', ...wrapParts([`no connection for ${formatAge(age)}${why}`])];
}

const USER_COLUMNS = ['user', 'sessions', 'flows', 'sent', 'received'];
const USER_FIGURES = new Set([1, 2, 3, 4]);

/**
 * Table of users; empty for one user only, for whom the lines above are enough, unless something
 * was refused.
 */
function userTable({users}: StatusSnapshot): readonly string[] {
	if (users.length < 2 && users.every(({refused}) => Object.keys(refused).length === 0)) return [];
	const rows = users.map(({name, sessions, flows, datagramsSent, datagramsReceived}) => [
		escapeText(name) || '-',
		...[sessions, flows, datagramsSent, datagramsReceived].map(countFigure),
	]);
	const [head = '', ...lines] = textTable([USER_COLUMNS, ...rows], USER_FIGURES, '  ');
	return ['', head, ...users.flatMap((user, index) => [lines[index]!, ...userLines(user)])];
}

function userLines({target, exit, refused, streams, traffic}: UserLine): readonly string[] {
	const targets = target === undefined ? [] : [`target ${shorten(target)}`];
	if (exit) targets.push('chosen targets');
	const refusals = Object.entries(refused).map(
		([reason, count]) => `${reason} ${formatCount(count)}`,
	);
	return [
		...wrapParts(targets, {first: '    ', indent: '      '}),
		...wrapParts(refusals, {first: '    refused: ', indent: '      '}),
		...streamLines(streams, '    '),
		...trafficLines(traffic),
	];
}

/** The traffic of a user, where there was any. */
function trafficLines(traffic: TrafficStatus | undefined): readonly string[] {
	if (traffic === undefined || traffic.packetsSent + traffic.packetsReceived === 0) return [];
	const {sources, copies, repairs, factor} = traffic;
	const inAll = (packets: number, bytes: number) =>
		`${formatCount(packets)} packets, ${formatBytes(bytes)}`;
	const sent = inAll(traffic.packetsSent, traffic.bytesSent);
	const received = inAll(traffic.packetsReceived, traffic.bytesReceived);
	const datagrams = [
		`with datagrams ${formatCount(sources)}`,
		`copies ${formatCount(copies)}`,
		`repairs ${formatCount(repairs)}`,
		`traffic ${factorWords(factor)}`,
	];
	const indent = '      ';
	return [
		...wrapParts([`sent ${sent}`, `received ${received}`], {first: '    all paths: ', indent}),
		...wrapParts(datagrams, {first: '    sent: ', indent}),
	];
}

function shorten(text: string): string {
	return cutMiddle(escapeText(text), SHOWN_WIDTH);
}
