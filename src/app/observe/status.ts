import type {Millis} from '../../bytes/time.ts';
import type {LogFormat} from '../../config/logging.ts';
import type {PathStatus, SessionStatus, UserStatus} from '../../core/events.ts';
import {formatMillis, formatShare} from '../../text/figures.ts';
import type {ConnectionStatus, IdleFinding} from './connection-watch.ts';
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
	readonly target: string | undefined;
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

/** Status of a running program; also the JSON of `mptunnel status --json`. */
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
	/** Client: the SOCKS5 listener. `undefined`: it is shut. */
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

/** True while a program works: a client has a session that a path carries. */
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
