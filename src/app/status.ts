import {escapeText} from '../config/escape-text.ts';
import type {LogFormat} from '../config/logging.ts';
import type {PathStatus, SessionStatus, StreamTotals, UserStatus} from '../core/events.ts';
import type {Millis} from '../core/time.ts';
import type {ConnectionStatus, IdleFinding} from './connection-watch.ts';
import type {LogFields} from './logger.ts';
import {findingWords} from './path-finding.ts';

/** Where one path of a client leaves and leads. */
export interface PathPlace {
	readonly id: number;
	/** As the user wrote it. */
	readonly name: string;
	/** `host port` as the user wrote it. */
	readonly target: string;
	/** Addresses in use; several while they are tried, none while a name is not resolved. */
	readonly remotes: readonly string[];
	readonly localPorts: readonly number[];
	/** Why it carries nothing; undefined while it does or is about to. */
	readonly finding?: IdleFinding | undefined;
}

/** One user of a server, all its clients together. */
export interface UserLine extends Omit<UserStatus, 'refused'> {
	/** Its fixed target; undefined = it has none. */
	readonly target: string | undefined;
	/** Whether it may choose targets. */
	readonly exit: boolean;
	/** How often something was refused, by reason. */
	readonly refused: Readonly<Record<string, number>>;
}

/** A port that leads to one target. */
export interface ForwardLine {
	readonly protocol: 'udp' | 'tcp';
	readonly listening: readonly string[];
	readonly target: string;
}

/** Everything a running program tells of itself; also the JSON of `mptunnel status --json`. */
export interface StatusSnapshot {
	readonly program: 'mpclient' | 'mpserver';
	readonly version: string;
	readonly pid: number;
	readonly uptime: Millis;
	/** AEAD back end and socket back end. */
	readonly crypto: string;
	readonly io: string;
	readonly keyless: boolean;
	/** False with MPTUNNEL_ENCRYPT=0. */
	readonly encrypt: boolean;
	/** Client: the classic port; server: where clients reach it. */
	readonly listening: readonly string[];
	/** Client: the SOCKS5 listener; undefined = it is shut. */
	readonly socks?:
		| {readonly listening: readonly string[]; readonly associations: number}
		| undefined;
	/** Client: the ports of forwards and where each leads. */
	readonly forwards?: readonly ForwardLine[];
	/** TCP connections that go through the tunnel as streams. */
	readonly streams?: number;
	/** Server: the fixed target. */
	readonly target: string | undefined;
	/** Server: whether clients may choose their targets. */
	readonly exit?: boolean;
	/** Client only. */
	readonly places: readonly PathPlace[];
	/** Client: whether there is a session that a path carries. */
	readonly connection?: ConnectionStatus | undefined;
	readonly sessions: readonly SessionStatus[];
	/** Server only. */
	readonly users?: readonly UserLine[];
	/** Datagrams dropped by reason, the core's and the sockets'; none that are 0. */
	readonly drops: Readonly<Record<string, number>>;
	/** Datagrams that wait for a session or a path. */
	readonly waiting: number;
}

/** The fields that both programs fill in the same way. */
export function mergeDrops(
	...counters: readonly Readonly<Record<string, number>>[]
): Readonly<Record<string, number>> {
	return Object.fromEntries(
		counters.flatMap((counter) => Object.entries(counter).filter(([, count]) => count > 0)),
	);
}

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

/** Whether a program does what it is for: a client has a session that a path carries. */
export function isConnected({program, connection, sessions}: StatusSnapshot): boolean {
	if (program === 'mpserver') return true;
	return connection?.up ?? sessions.some(({state}) => state === 'up');
}

/** The same in one log line: compact words for text, a structure for JSON. */
export function statusFields(snapshot: StatusSnapshot, format: LogFormat): LogFields {
	if (format === 'json') {
		const {sessions, users, drops, waiting, uptime, socks, streams} = snapshot;
		return {uptime, sessions, users, socks, streams, drops, waiting};
	}
	const {sessions} = snapshot;
	const sum = (of: (session: SessionStatus) => number) =>
		sessions.reduce((total, session) => total + of(session), 0);
	const one = sessions.length === 1 ? sessions[0] : undefined;
	return {
		sessions: sessions.length,
		state: one?.state,
		flows: sum(({flows}) => flows),
		associations: snapshot.socks?.associations,
		streams: snapshot.streams,
		sent: sum(({datagramsSent}) => datagramsSent),
		received: sum(({datagramsReceived}) => datagramsReceived),
		residual: one === undefined ? undefined : formatShare(one.residualLoss),
		paths: one?.paths.map((path) => pathWord(path, nameOf(path, snapshot))).join(' '),
		drops: Object.values(snapshot.drops).reduce((total, count) => total + count, 0),
		waiting: snapshot.waiting,
	};
}

/** A share as per cent with as many digits as say something; `-` when it is not known. */
export function formatShare(share: number | undefined): string {
	if (share === undefined) return '-';
	const percent = share * 100;
	if (percent === 0) return '0%';
	return `${percent < 0.1 ? percent.toPrecision(2) : percent.toFixed(percent < 10 ? 2 : 1)}%`;
}

/** Milliseconds for people; `-` when not known. */
export function formatMillis(millis: Millis | undefined): string {
	return millis === undefined ? '-' : `${millis.toFixed(millis < 100 ? 1 : 0)}ms`;
}

/** A duration in its two largest units. */
export function formatAge(millis: Millis): string {
	const seconds = Math.floor(millis / 1000);
	const [days, hours, minutes] = [86_400, 3600, 60].map((unit) => Math.floor(seconds / unit));
	if (days! > 0) return `${days}d ${hours! % 24}h`;
	if (hours! > 0) return `${hours}h ${minutes! % 60}m`;
	return minutes! > 0 ? `${minutes}m ${seconds % 60}s` : `${seconds}s`;
}

function formatCount(count: number): string {
	return count.toLocaleString('en-US');
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

/** Bytes for people. */
function formatBytes(bytes: number): string {
	const units = ['B', 'kB', 'MB', 'GB', 'TB'];
	let value = bytes;
	let unit = 0;
	for (; value >= 1000 && unit < units.length - 1; unit++) value /= 1000;
	const digits = unit === 0 || value >= 100 ? 0 : value < 10 ? 2 : 1;
	return `${value.toFixed(digits)} ${units[unit]}`;
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

// The core knows names as they go over the wire: ASCII and cut.
function nameOf(path: PathStatus, {places}: StatusSnapshot): string {
	return places.find(({id}) => id === path.id)?.name ?? path.name;
}

function pathWord(path: PathStatus, name: string): string {
	const loss = `${formatShare(path.sending.dataLoss ?? path.sending.loss)}/${formatShare(path.receiving.loss)}`;
	return `${name}:${path.state},${formatMillis(path.rtt)},${loss}`;
}
