import type {TotalsStatus} from '../../core/totals.ts';
import {counter, gauge, type MetricKind, seconds} from './metric.ts';

/** Drops of packets that could not be opened, or whose key is not known. */
const FAILED_OPENS = ['bad-tag', 'unknown-epoch', 'flood', 'unknown-key', 'bad-handshake'];

const USER = ['user'] as const;
const EACH_WAY = ['user', 'direction'] as const;

function userCounter(
	name: string,
	help: string,
	value: (totals: TotalsStatus) => number,
): MetricKind {
	return counter(name, help, USER, (view, samples) => {
		for (const totals of view.snapshot.totals) {
			samples.add({user: view.user(totals.user)}, value(totals));
		}
	});
}

function eachWay(
	name: string,
	help: string,
	values: (totals: TotalsStatus) => readonly [out: number, into: number],
): MetricKind {
	return counter(name, help, EACH_WAY, (view, samples) => {
		for (const totals of view.snapshot.totals) {
			const user = view.user(totals.user);
			const [out, into] = values(totals);
			samples.add({user, direction: 'out'}, out).add({user, direction: 'in'}, into);
		}
	});
}

/** The metrics of users and their sessions. */
export const USER_METRICS: readonly MetricKind[] = [
	gauge('sessions', 'Sessions now', USER, (view, samples) => {
		for (const {user} of view.snapshot.totals) samples.add({user: view.user(user)}, 0);
		for (const {user, session, state} of view.snapshot.sessions) {
			const isUp = session > 0 && (state === 'up' || state === 'restarting');
			samples.add({user: view.user(user)}, isUp ? 1 : 0);
		}
	}),
	gauge('flows', 'Flows now', USER, (view, samples) => {
		for (const {user, flows} of view.snapshot.sessions) samples.add({user: view.user(user)}, flows);
	}),
	gauge('user_streams', 'TCP connections of a user now', USER, (view, samples) => {
		for (const {name, streams} of view.snapshot.users) {
			samples.add({user: view.user(name)}, streams.now);
		}
	}),
	gauge(
		'user_memory_bytes',
		'Memory of TCP connections and waiting datagrams',
		USER,
		(view, samples) => {
			for (const {name, memory} of view.snapshot.users)
				samples.add({user: view.user(name)}, memory);
		},
	),
	userCounter('sessions_opened', 'Sessions that came up', ({sessions}) => sessions),
	userCounter('rekeys', 'Times that the keys of a session were replaced', ({rekeys}) => rekeys),
	eachWay('datagrams', 'Datagrams of applications, into the tunnel and out of it', (totals) => [
		totals.datagramsSent,
		totals.datagramsReceived,
	]),
	userCounter('datagrams_split', 'Datagrams that went out in parts', (t) => t.datagramsSplit),
	userCounter('streams_opened', 'TCP connections opened or accepted', (t) => t.streamsOpened),
	eachWay('stream_bytes', 'Bytes of TCP connections, into the tunnel and out of it', (totals) => [
		totals.streamBytesSent,
		totals.streamBytesReceived,
	]),
	counter(
		'refusals',
		'Flows, connections and sessions refused',
		['user', 'reason'],
		(view, samples) => {
			for (const {name, refused} of view.snapshot.users) {
				const user = view.user(name);
				for (const [reason, count] of Object.entries(refused)) samples.add({user, reason}, count);
			}
		},
	),
];

/** The metrics of a program as a whole. */
export const PROGRAM_METRICS: readonly MetricKind[] = [
	gauge(
		'connection_up',
		'Client: a session exists that some path carries: 1 or 0',
		[],
		(view, samples) => {
			const {connection} = view.snapshot;
			if (connection !== undefined) samples.add({}, connection.up ? 1 : 0);
		},
	),
	gauge('half_open_sessions', 'Sessions that no packet has come for yet', [], (view, samples) => {
		samples.add({}, view.snapshot.halfOpen);
	}),
	gauge('streams', 'TCP connections through the tunnel now', [], (view, samples) => {
		samples.add({}, view.snapshot.streams);
	}),
	gauge('waiting_datagrams', 'Datagrams that wait for a session or a path', [], (view, samples) => {
		samples.add({}, view.snapshot.waiting);
	}),
	counter('drops', 'Packets and datagrams dropped', ['reason'], (view, samples) => {
		for (const [reason, count] of Object.entries(view.snapshot.drops)) samples.add({reason}, count);
	}),
	counter(
		'failed_opens',
		'Packets dropped because they cannot be opened',
		['reason'],
		(view, samples) => {
			for (const reason of FAILED_OPENS) samples.add({reason}, view.snapshot.drops[reason] ?? 0);
		},
	),
	counter('events', 'Events, by the names of their table', ['reason'], (view, samples) => {
		for (const [reason, count] of Object.entries(view.snapshot.events))
			samples.add({reason}, count);
	}),
	gauge('uptime_seconds', 'Time since the program began', [], (view, samples) => {
		samples.add({}, seconds(view.snapshot.uptime));
	}),
	gauge(
		'event_loop_delay_seconds',
		'Largest delay of the event loop since the scrape before',
		[],
		(view, samples) => {
			samples.add({}, view.process.delay);
		},
	),
	counter(
		'event_loop_busy_seconds',
		'Time for which the event loop was busy',
		[],
		(view, samples) => {
			samples.add({}, view.process.busy);
		},
	),
	counter('process_cpu_seconds', 'Time of processors, user and system', [], (view, samples) => {
		samples.add({}, view.process.cpu);
	}),
	gauge('process_resident_memory_bytes', 'Memory of the process', [], (view, samples) => {
		samples.add({}, view.process.resident);
	}),
	gauge('process_heap_bytes', 'Memory of JavaScript in use', [], (view, samples) => {
		samples.add({}, view.process.heap);
	}),
	gauge('process_start_time_seconds', 'Start of the process, since 1970', [], (view, samples) => {
		samples.add({}, view.process.started);
	}),
];
