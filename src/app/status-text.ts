import {escapeText} from '../config/escape-text.ts';
import type {PathStatus, SessionStatus, StreamTotals} from '../core/events.ts';
import type {Millis} from '../core/time.ts';
import {formatAge, formatBytes, formatCount, formatMillis, formatShare} from './figures.ts';
import {findingWords} from './path-finding.ts';
import {nameOf, type PathPlace, type StatusSnapshot} from './status.ts';

/** They are replaced every two minutes: older ones show that something prevents it. */
const OLD_KEYS: Millis = 300_000;

/** The table for people, several lines, each ended by a line feed; outside text is escaped. */
export function formatStatus(snapshot: StatusSnapshot): string {
	const lines = [headLine(snapshot), placeLine(snapshot)];
	if (snapshot.sessions.length === 0) lines.push('no session');
	for (const session of snapshot.sessions) {
		lines.push('', sessionLine(session), ...streamLines(session, snapshot));
		lines.push(...pathTable(session, snapshot));
		lines.push(...downLines(session, snapshot));
	}
	lines.push(...connectionLines(snapshot), ...userTable(snapshot));
	const drops = Object.entries(snapshot.drops);
	const shown = drops.map(([reason, count]) => `${reason} ${formatCount(count)}`).join(', ');
	lines.push('', `dropped: ${shown === '' ? 'nothing' : shown}`);
	if (snapshot.waiting > 0) lines.push(`waiting: ${formatCount(snapshot.waiting)}`);
	return `${lines.join('\n')}\n`;
}

function headLine(snapshot: StatusSnapshot): string {
	const {program, version, pid, uptime, crypto, io, keyless, encrypt} = snapshot;
	const words = [`crypto ${crypto}`, `io ${io}`];
	if (keyless) words.push('NO KEY');
	if (!encrypt) words.push('NOT ENCRYPTED');
	return `${program} ${version}, pid ${pid}, up ${formatAge(uptime)}, ${words.join(', ')}`;
}

function placeLine(snapshot: StatusSnapshot): string {
	const {listening, target, exit, socks, forwards = [], streams = 0} = snapshot;
	const listen = listening.length === 0 ? 'not listening' : `listening on ${listening.join(', ')}`;
	const parts = target === undefined ? [listen] : [listen, `target ${escapeText(target)}`];
	if (exit) parts.push('clients may choose targets');
	if (socks !== undefined) {
		const {associations} = socks;
		parts.push(
			`SOCKS5 on ${socks.listening.join(', ')}, associations ${formatCount(associations)}`,
		);
	}
	for (const forward of forwards) {
		const {protocol, listening: place} = forward;
		parts.push(`forward ${protocol} ${place.join(', ')} to ${escapeText(forward.target)}`);
	}
	if (streams > 0) parts.push(`TCP connections ${formatCount(streams)}`);
	return parts.join('; ');
}

function sessionLine(session: SessionStatus): string {
	const {user, state, age, flows, residualLoss} = session;
	const {datagramsSent, datagramsReceived, datagramsSplit} = session;
	const split = datagramsSplit > 0 ? ` (${formatCount(datagramsSplit)} of them split)` : '';
	const keys = session.keyAge > OLD_KEYS ? `, KEYS ${formatAge(session.keyAge)} OLD` : '';
	const who = user === '' ? 'tunnel' : `tunnel of ${escapeText(user)}`;
	return (
		`${who}: ${state} for ${formatAge(age)}, sent ${formatCount(datagramsSent)}${split}, ` +
		`received ${formatCount(datagramsReceived)}, ` +
		`residual loss in ${formatShare(residualLoss)}, flows ${formatCount(flows)}${keys}`
	);
}

/** The TCP connections of a session, where there were any, and what of their bytes each path had. */
function streamLines(session: SessionStatus, snapshot: StatusSnapshot): readonly string[] {
	const {streams, paths} = session;
	if (streams === undefined || streams.opened === 0) return [];
	const shares = paths.map((path) => {
		const {sending, receiving} = path;
		const out = formatBytes(sending.streamBytes ?? 0);
		const into = formatBytes(receiving.streamBytes ?? 0);
		return `    TCP over ${escapeText(nameOf(path, snapshot))}: sent ${out}, received ${into}`;
	});
	return [`  ${streamWords(streams)}`, ...shares];
}

function streamWords({now, opened, sent, received}: StreamTotals): string {
	const connections = `TCP: ${formatCount(now)} connections of ${formatCount(opened)}`;
	return `${connections}, sent ${formatBytes(sent)}, received ${formatBytes(received)}`;
}

/** Why paths carry nothing, and how long nothing has come through at all. */
function connectionLines({connection, places}: StatusSnapshot): readonly string[] {
	const lines = places.flatMap(({name, finding}) =>
		finding === undefined
			? []
			: [
					`  ${escapeText(name)}: ${escapeText(findingWords(finding))}, ` +
						`for ${formatAge(finding.for)}`,
				],
	);
	if (connection?.up === false) {
		const why = connection.reason === '' ? '' : `: ${escapeText(connection.reason)}`;
		lines.unshift(`no connection for ${formatAge(connection.for)}${why}`);
	}
	return lines.length === 0 ? [] : ['', ...lines];
}

const USER_COLUMNS = [
	'user',
	'sessions',
	'flows',
	'sent',
	'received',
	'target',
	'refused',
] as const;

/** Of a server with one user the lines above say it all, unless something was refused. */
function userTable({users = []}: StatusSnapshot): readonly string[] {
	if (users.length < 2 && users.every(({refused}) => Object.keys(refused).length === 0)) return [];
	const rows = users.map((user) => [
		escapeText(user.name) || '-',
		formatCount(user.sessions),
		formatCount(user.flows),
		formatCount(user.datagramsSent),
		formatCount(user.datagramsReceived),
		[user.target === undefined ? '' : escapeText(user.target), user.exit ? 'chosen' : '']
			.filter(Boolean)
			.join(', '),
		Object.entries(user.refused)
			.map(([reason, count]) => `${reason} ${formatCount(count)}`)
			.join(', ') || '-',
	]);
	const connections = users.flatMap(({name, streams}) =>
		streams === undefined || streams.opened === 0
			? []
			: [`  ${escapeText(name) || '-'}: ${streamWords(streams)}`],
	);
	return ['', ...alignColumns([[...USER_COLUMNS], ...rows]), ...connections];
}

function alignColumns(rows: readonly (readonly string[])[]): readonly string[] {
	const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
	return rows.map((row) =>
		`  ${row.map((cell, column) => cell.padEnd(widths[column]!)).join('  ')}`.trimEnd(),
	);
}

const COLUMNS = [
	'path',
	'state',
	'rtt',
	'jitter',
	'loss out',
	'loss in',
	'queue out',
	'queue in',
	'saturated',
	'mtu',
	'heard',
	'address',
] as const;

function pathTable(session: SessionStatus, snapshot: StatusSnapshot): readonly string[] {
	const {paths} = session;
	const idle = snapshot.places.filter((place) => !paths.some(({id}) => id === place.id));
	const rows = [
		[...COLUMNS],
		...paths.map((path) => pathRow(path, snapshot)),
		...idle.map((place) => idleRow(place)),
	];
	return alignColumns(rows);
}

function downLines({paths}: SessionStatus, snapshot: StatusSnapshot): readonly string[] {
	return paths.flatMap((path) => {
		if (path.down === undefined) return [];
		const {age, reason} = path.down;
		const name = escapeText(nameOf(path, snapshot));
		return [`  ${name} is down for ${formatAge(age)}: ${escapeText(reason)}`];
	});
}

function pathRow(path: PathStatus, snapshot: StatusSnapshot): string[] {
	const marks = [path.backup ? 'backup' : '', path.metered ? 'metered' : ''].filter(Boolean);
	const place = snapshot.places.find(({id}) => id === path.id);
	return [
		escapeText([nameOf(path, snapshot), ...marks].join(' ')),
		path.state,
		formatMillis(path.rtt),
		formatMillis(path.jitter),
		formatShare(path.sending.dataLoss ?? path.sending.loss),
		formatShare(path.receiving.loss),
		formatMillis(path.sending.queueing),
		formatMillis(path.receiving.queueing),
		formatCount(path.saturated),
		String(path.mtu),
		path.silence === undefined ? 'never' : `${formatAge(path.silence)} ago`,
		escapeText(place === undefined ? path.remote : addressOf(place)),
	];
}

/** A path of a client that has no session yet. */
function idleRow(place: PathPlace): string[] {
	const cells = COLUMNS.map(() => '-');
	return [escapeText(place.name), ...cells.slice(1, -1), escapeText(addressOf(place))];
}

function addressOf({remotes, target, localPorts}: PathPlace): string {
	return `${remotes.join(' ') || target} from ${localPorts.join(',') || '-'}`;
}
