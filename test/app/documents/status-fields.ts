import {EVENTS, eventNames} from '../../../src/app/observe/event-table.ts';
import type {Schema} from '../../../src/config/option.ts';
import {
	bytes,
	choice,
	count,
	type Fields,
	factor,
	flag,
	list,
	mapping,
	millis,
	named,
	number,
	object,
	optional,
	share,
	text,
	values,
} from './field.ts';

const SOURCES: Fields = {
	received: count('sources that arrived'),
	recovered: count('sources that repairs brought back'),
	missing: count('sources that never came'),
	late: count('sources of the first two that came later than promised'),
};

const RESIDUAL = mapping('what was lost or late of the last 5 minutes', {
	sources: count('sources outside of steps'),
	failed: count('of these, lost or late'),
	failedInSteps: count('lost or late in the first 3 s after a step'),
	steps: count('times that a path was lost, or its loss more than doubled'),
});

const DIRECTION: Fields = {
	packets: count('packets, copies included'),
	bytes: bytes('bytes of these on the wire, headers of IPv4 and UDP included'),
	streamBytes: bytes(
		'bytes of those with parts of TCP connections; when receiving, of the first copies alone',
	),
	loss: optional(share('loss over the last seconds of traffic'), 'not measured yet'),
	queueing: optional(
		millis('one-way delay above the smallest of the last 10 s'),
		'not measured yet',
	),
};

const PATHS = list('its paths', {
	id: number('', 'number of the path, from 0'),
	name: text('its name as it goes over the wire'),
	remote: text(
		'server: addresses at which it is reached, `HOST port PORT`, by commas; client: empty',
	),
	state: choice(['new', 'up', 'suspect', 'down'], 'verdict on the sending direction'),
	rtt: optional(millis('smoothed round trip time'), 'not measured yet'),
	jitter: optional(millis('mean deviation of it'), 'not measured yet'),
	sending: mapping('the direction from this end', {
		...DIRECTION,
		dataLoss: optional(
			share('loss of data alone: probes may arrive where data does not'),
			'not measured yet',
		),
	}),
	receiving: mapping('the direction to this end', DIRECTION),
	saturated: count('copies dropped at this end because the path cannot carry them'),
	mtu: bytes('largest packet that the path is known to carry, UDP payload'),
	backup: flag('a path for when others fail'),
	held: optional(flag('nothing goes there but probes, as was asked for'), 'it is not held'),
	metered: flag('a path whose traffic costs'),
	silence: optional(millis('time since the last packet came in on it'), 'none came'),
	down: optional(
		mapping('since when and why it is down', {
			age: millis('time for which it has been down'),
			reason: text('reason, in words'),
		}),
		'it is not down',
	),
});

const SENDING = mapping('this end’s direction of a coded lane', {
	promise: mapping('what its policy promises', {
		residual: share('share of the packets that may be lost or late'),
		within: millis('time in which they have to come'),
		traffic: factor('largest traffic factor'),
		floor: factor('least traffic factor'),
		rate: number('kbit/s', 'most on all paths together; 0: no limit'),
	}),
	coded: flag('false: sources go as copies, without repairs'),
	traffic: factor('traffic factor that is planned now'),
	meanTraffic: factor('traffic factor of all packets so far'),
	reason: choice(
		[
			...['fixed', 'floor', 'promise', 'survival', 'cap', 'rate', 'ceiling', 'copies'],
			...['climbing', 'falling', 'probe', 'no-path'],
		],
		'reason of the planned traffic factor',
	),
	explanation: text('the reason in words; they may change'),
	needed: optional(factor('traffic factor that the promise takes'), 'no factor is enough'),
	allowed: factor('largest traffic factor that is allowed now'),
	window: count('sources that a repair covers'),
	sources: count('packets with datagrams'),
	copies: count('further copies of these'),
	repairs: count('packets from which lost ones are recovered'),
	sourcePaths: values(text('names of the paths of sources')),
	repairPaths: values(text('names of the paths of repairs')),
	reported: mapping('fate of its sources, as the other end counts it', SOURCES),
	residual: RESIDUAL,
});

const ROUTED = mapping('this end’s direction of a lane that is not coded', {
	datagrams: count('datagrams sent'),
	packets: count('packets that they made'),
	copies: count('further copies of these'),
	traffic: factor('traffic factor of all packets so far'),
	paths: values(text('names of the paths that it takes now')),
	loss: optional(
		share('share of the data that is lost on its path'),
		'not measured yet, or it takes several paths',
	),
});

const LANES = list('policies in use; plain copies on all paths only beside others', {
	lane: number('', 'number by which the other end knows it; 0: it knows of none'),
	policy: text('name of the policy'),
	obstacle: optional(
		choice(
			['unknown-to-peer', 'too-many', 'not-recovered', 'not-counted'],
			'reason why copies go out in its place',
		),
		'it is had',
	),
	sending: optional(SENDING, 'it is not coded'),
	receiving: optional(
		mapping('the other end’s direction of a coded lane', {
			...SOURCES,
			residual: RESIDUAL,
			recovers: flag('false: nothing is recovered, as there is no SIMD or no memory'),
		}),
		'it is not coded, or nothing of it came',
	),
	routed: optional(ROUTED, 'it is coded, or its flows are in another lane'),
});

const STREAMS: Fields = {
	now: count('connections now, those being refused included'),
	opened: count('connections opened or accepted so far'),
	sent: bytes('bytes of applications put into the tunnel'),
	received: bytes('bytes of applications that came out of it'),
};

const SESSIONS = list('sessions now; of a client one, also while it has none', {
	session: number('', 'number of the session since the start; 0: none'),
	user: text('name of its key; empty at a client and without a key'),
	state: choice(['connecting', 'up', 'restarting', 'quiet', 'closed'], 'state of the client'),
	age: millis('age of the session'),
	flows: count('flows now'),
	datagramsSent: count('datagrams of applications sent into the tunnel'),
	datagramsReceived: count('datagrams of applications delivered out of it'),
	datagramsSplit: count('datagrams of those sent that went out in parts'),
	residualLoss: optional(
		share('packets that never arrived here, of all that the other end sent, without repairs'),
		'not measured yet',
	),
	rekeys: count('times that the keys were replaced'),
	keyAge: millis('age of the present keys'),
	streams: optional(mapping('its TCP connections', STREAMS), 'it carries none'),
	paths: PATHS,
	lanes: LANES,
});

const TRAFFIC: Fields = {
	packets: count('packets, copies included'),
	bytes: bytes('bytes of these on the wire'),
	streamBytes: bytes('bytes of those with parts of TCP connections'),
};

const TOTALS = list('counts of each user since the start, over all its sessions; none ever falls', {
	user: text('name of its key; empty at a client and without a key'),
	sessions: count('sessions that came up'),
	rekeys: count('times that keys were replaced'),
	datagramsSent: count('datagrams of applications sent into the tunnel'),
	datagramsReceived: count('datagrams of applications delivered out of it'),
	datagramsSplit: count('datagrams of those sent that went out in parts'),
	streamsOpened: count('TCP connections opened or accepted'),
	streamBytesSent: bytes('bytes of their applications put into the tunnel'),
	streamBytesReceived: bytes('bytes of their applications that came out of it'),
	paths: list('by the names of paths; those beyond 16 names are one, `other`', {
		name: text('name of the path'),
		sending: mapping('the direction from this end', TRAFFIC),
		receiving: mapping('the direction to this end', TRAFFIC),
		saturated: count('copies dropped at this end because the path cannot carry them'),
	}),
	lanes: list('by policies; those beyond 16 names are one, `other`', {
		policy: text('name of the policy'),
		datagrams: count('datagrams sent'),
		sending: mapping('what they became', {
			sources: count('packets with datagrams'),
			copies: count('further copies of these'),
			repairs: count('packets from which lost ones are recovered'),
			sourceBytes: bytes('bytes of `sources` on the wire'),
			extraBytes: bytes('bytes of `copies` and `repairs` on the wire'),
		}),
		reported: mapping('coded lanes: fate of `sources`, as the other end counts it', SOURCES),
		receiving: mapping('coded lanes: fate of the other end’s sources', SOURCES),
	}),
});

const USERS = list('server: its users, in the order of their keys', {
	name: text('name of the key; empty without one'),
	sessions: count('sessions now'),
	flows: count('flows now'),
	datagramsSent: count('datagrams sent into the tunnel for it'),
	datagramsReceived: count('datagrams delivered out of it'),
	streams: mapping('its TCP connections', STREAMS),
	traffic: mapping('its traffic on all paths so far', {
		packetsSent: count('packets sent, copies included'),
		bytesSent: bytes('bytes of these on the wire'),
		packetsReceived: count('packets received, copies included'),
		bytesReceived: bytes('bytes of these on the wire'),
		sources: count('of those sent: packets with datagrams'),
		copies: count('further copies of these'),
		repairs: count('packets from which lost ones are recovered'),
		factor: factor('traffic factor of these three together'),
	}),
	memory: bytes('memory that its TCP connections and waiting datagrams take now'),
	target: optional(text('its fixed target, `HOST:PORT`'), 'it has none'),
	exit: flag('it may choose targets'),
	refused: named(count('refusals so far, by reason')),
});

const PLACES = list('client: its paths, also those that no session has', {
	id: number('', 'number of the path, from 0'),
	name: text('its name as the user wrote it'),
	target: text('where it leads, as the user wrote it, `HOST:PORT`'),
	remotes: values(text('addresses in use; several while they are tried')),
	localPorts: values(number('', 'local ports')),
	finding: optional(
		mapping('why it carries nothing', {
			verdict: choice(
				[
					...['reachable', 'refused', 'no-route', 'silent', 'untried', 'unresolved'],
					...['no-socket', 'other-version', 'encryption-differs', 'full', 'user-full'],
				],
				'the reason',
			),
			detail: text('more about it; may be empty'),
			for: millis('time for which it has carried nothing'),
		}),
		'it carries packets, or is about to',
	),
});

/** The fields of a snapshot in the order of its type. */
export const STATUS_FIELDS: Fields = {
	format: choice([1], 'version of this format: raised when a field changes or goes'),
	program: choice(['mpclient', 'mpserver'], 'the program'),
	version: text('its version'),
	pid: number('', 'its process id'),
	state: optional(text('its state folder'), 'it has none'),
	time: number('ms', 'wall clock, since 1970'),
	uptime: millis('time since the start'),
	crypto: text('cipher back end'),
	io: text('socket back end'),
	keyless: flag('it runs without a key'),
	encrypt: flag('false with `MPTUNNEL_ENCRYPT=0`'),
	listening: values(text('client: addresses of the classic port; server: where clients reach it')),
	socks: optional(
		mapping('client: its SOCKS5 listener', {
			listening: values(text('addresses')),
			associations: count('UDP associations now'),
		}),
		'it is shut',
	),
	forwards: list('client: the ports of `--forward`', {
		protocol: choice(['udp', 'tcp'], 'protocol'),
		listening: values(text('addresses')),
		target: text('where it leads, `HOST:PORT`'),
	}),
	streams: count('TCP connections through the tunnel now'),
	target: optional(text('server: the fixed target, `HOST:PORT`'), 'there is none'),
	exit: flag('server: clients may choose targets'),
	places: PLACES,
	connection: optional(
		mapping('client: its connection', {
			up: flag('there is a session that some path carries'),
			for: millis('time since that changed'),
			reason: text('why the last session ended; may be empty'),
		}),
		'it is a server',
	),
	sessions: SESSIONS,
	halfOpen: count('server: sessions that no packet has come for yet'),
	users: USERS,
	totals: TOTALS,
	events: named(
		count('events so far, by their names, see [below](#events)'),
		eventNames().filter((name) => EVENTS[name].counts),
	),
	drops: named(count('packets and datagrams dropped so far, by reason')),
	waiting: count('datagrams that wait for a session or a path'),
};

/** The schema of a snapshot. */
export const STATUS_SCHEMA: Schema = {
	$schema: 'http://json-schema.org/draft-07/schema#',
	title: 'The status of mpclient or mpserver: a line of `mptunnel status --json`',
	...object(STATUS_FIELDS),
	anyOf: [{properties: {program: {const: 'mpserver'}}}, {required: ['connection']}],
};
