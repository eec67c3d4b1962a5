import type {Millis} from '../../bytes/time.ts';
import type {LogFormat} from '../../config/logging.ts';
import type {PathStatus, SessionStatus, UserStatus} from '../../core/events.ts';
import type {TotalsStatus} from '../../core/totals.ts';
import {formatMillis, formatShare} from '../../text/figures.ts';
import type {ConnectionStatus, IdleFinding} from './connection-watch.ts';
import type {EventCounts} from './event-table.ts';
import {laneWord} from './lane-words.ts';
import type {LogFields} from './log-fields.ts';

/** Local and far address of one path of a client. */
export interface PathPlace {
	readonly id: number;
	/** As the user wrote it. */
	readonly name: string;
	/** `host port` as the user wrote it. */
	readonly target: string;
	/** Addresses in use; several while they are tried, none while a name is not resolved. */
	readonly remotes: readonly string[];
	readonly localPorts: readonly number[];
	/** Reason why it carries nothing. `undefined`: it does or is about to. */
	readonly finding?: IdleFinding | undefined;
}

/** One user of a server, all its clients together. */
export interface UserLine extends Omit<UserStatus, 'refused'> {
	/** Its fixed target. `undefined`: it has none. */
	readonly target?: string | undefined;
	/** True when it may choose targets. */
	readonly exit: boolean;
	/** Refusals by reason. */
	readonly refused: Readonly<Record<string, number>>;
}

/** A port that leads to one target. */
export interface ForwardLine {
	readonly protocol: 'udp' | 'tcp';
	readonly listening: readonly string[];
	readonly target: string;
}

/**
 * Status of a running program: the one source of the table, of `mptunnel status --json` and of the
 * metrics. Every field stands in README.md and in fixtures/config/status.schema.json; its name and
 * its meaning stay while `format` is the same. What is not measured is absent, never 0.
 */
export interface StatusSnapshot {
	/** Version of the format: raised when a field changes its meaning or goes, not for new ones. */
	readonly format: 1;
	readonly program: 'mpclient' | 'mpserver';
	readonly version: string;
	readonly pid: number;
	/** Its state folder, absolute. `undefined`: it has none. */
	readonly state?: string | undefined;
	/** Wall clock when the snapshot was taken, in ms since 1970. */
	readonly time: number;
	readonly uptime: Millis;
	/** AEAD back end and socket back end. */
	readonly crypto: string;
	readonly io: string;
	readonly keyless: boolean;
	/** False with MPTUNNEL_ENCRYPT=0. */
	readonly encrypt: boolean;
	/** Client: the classic port; server: where clients reach it. */
	readonly listening: readonly string[];
	/** Client: the SOCKS5 listener. `undefined`: it is shut. */
	readonly socks?:
		| {readonly listening: readonly string[]; readonly associations: number}
		| undefined;
	/** Client: the ports of forwards and where each leads. */
	readonly forwards: readonly ForwardLine[];
	/** TCP connections that go through the tunnel as streams. */
	readonly streams: number;
	/** Server: the fixed target. */
	readonly target?: string | undefined;
	/** Server: true when clients may choose their targets. */
	readonly exit: boolean;
	/** Client: its paths, also those without a session. */
	readonly places: readonly PathPlace[];
	/** Client: state of its connection. */
	readonly connection?: ConnectionStatus | undefined;
	readonly sessions: readonly SessionStatus[];
	/** Server: sessions that no packet has come for yet. */
	readonly halfOpen: number;
	/** Server only. */
	readonly users: readonly UserLine[];
	/** Counts of each user since the program began; at a client of the only one. */
	readonly totals: readonly TotalsStatus[];
	/** Events by name, those that never occurred included. */
	readonly events: EventCounts;
	/** Datagrams dropped by reason, the core's and the sockets'; none that are 0. */
	readonly drops: Readonly<Record<string, number>>;
	/** Datagrams that wait for a session or a path. */
	readonly waiting: number;
}

/** Adds counters of drops by reason; those that are 0 are left out. */
export function mergeDrops(
	...counters: readonly Readonly<Record<string, number>>[]
): Readonly<Record<string, number>> {
	const sums = new Map<string, number>();
	for (const counter of counters) {
		for (const [reason, count] of Object.entries(counter)) {
			if (count > 0) sums.set(reason, (sums.get(reason) ?? 0) + count);
		}
	}
	return Object.fromEntries(sums);
}

/** True while a program works: a client has a session that a path carries. */
export function isConnected({program, connection, sessions}: StatusSnapshot): boolean {
	if (program === 'mpserver') return true;
	return connection?.up ?? sessions.some(({state}) => state === 'up');
}

/** The same in one log line: compact words for text, a structure for JSON. */
export function statusFields(snapshot: StatusSnapshot, format: LogFormat): LogFields {
	if (format === 'json') {
		const {sessions, users, drops, waiting, uptime, socks, streams, totals, events} = snapshot;
		return {uptime, sessions, users, socks, streams, totals, events, drops, waiting};
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
		lanes: one?.lanes.map(laneWord).join(' ') || undefined,
		drops: Object.values(snapshot.drops).reduce((total, count) => total + count, 0),
		waiting: snapshot.waiting,
	};
}

/** The name as its user wrote it; the core knows it as it goes over the wire: ASCII and cut. */
export function nameOf(path: PathStatus, {places}: StatusSnapshot): string {
	return places.find(({id}) => id === path.id)?.name ?? path.name;
}

function pathWord(path: PathStatus, name: string): string {
	const loss = `${formatShare(path.sending.dataLoss ?? path.sending.loss)}/${formatShare(path.receiving.loss)}`;
	return `${name}:${path.state},${formatMillis(path.rtt)},${loss}`;
}
