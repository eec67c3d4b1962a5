import test from 'ava';
import {EventLog} from '../../../src/app/observe/event-log.ts';
import {EventCounters} from '../../../src/app/observe/event-table.ts';
import {createLogger, type Logger} from '../../../src/app/observe/logger.ts';
import {writeUint32} from '../../../src/bytes/cursor.ts';
import type {EndpointEvent} from '../../../src/core/events.ts';
import {PacketType} from '../../../src/wire/constants.ts';
import {packetType} from '../../../src/wire/header.ts';
import {TunnelWorld} from '../../support/world/tunnel-world.ts';

/** A logger on a clock of the test's. */
function clockedLogger(): {
	readonly logger: Logger;
	readonly lines: string[];
	/** Lets time go on, and with it the logger's timers. */
	readonly advance: (millis: number) => void;
} {
	let now = 0;
	const lines: string[] = [];
	let timers: {readonly at: number; readonly action: () => void}[] = [];
	const logger = createLogger({
		level: 'debug',
		format: 'text',
		now: () => now,
		sink: (line) => lines.push(line.slice(25)),
		later: (millis, action) => timers.push({at: now + millis, action}),
	});
	const advance = (millis: number) => {
		now += millis;
		const due = timers.filter(({at}) => at <= now);
		timers = timers.filter(({at}) => at > now);
		for (const {action} of due) action();
	};
	return {logger, lines, advance};
}

test('10,000 INITs with random hints from changing ports are two lines at most, with their number', (t) => {
	const inits: Uint8Array[] = [];
	const world = new TunnelWorld({
		seed: 4711,
		links: [{delay: 10}],
		intercept: ({bytes}, _path, up) => {
			if (up && packetType(bytes, 0) === PacketType.INIT) inits.push(bytes);
			return true;
		},
	}).start();
	world.run(1000);
	const before = world.serverEvents.length;
	for (let i = 0; i < 10_000; i++) {
		world.run(1000 + i / 2);
		const forged = inits[0]!.slice();
		writeUint32(forged, 6, world.random.uint32());
		const [host, port] = ['203.0.113.9', 1024 + (i % 60_000)];
		world.inject('server', 0, forged, {key: `0|${host}|${port}`, socket: 0, host, port});
	}
	const events = world.serverEvents.slice(before);
	// The queue of the endpoint is no log of strangers either.
	t.true(events.length > 0 && events.length <= 6, `${events.length} events`);
	const {logger, lines, advance} = clockedLogger();
	const log = new EventLog(logger, new EventCounters());
	let last = 0;
	for (const {at, event} of events) {
		advance(at - last);
		last = at;
		log.log(event);
	}
	advance(60_000);
	t.is(lines.length, 2);
	t.regex(lines[0]!, /^warn handshake with an unknown key rejected/);
	t.regex(lines[1]!, /suppressed=\d{4} where="203\.0\.113\.9 port \d+"/);
});

/** Events that users, bridges and strangers can cause as often as they like. */
const FLOODS: Readonly<Record<string, (index: number) => EndpointEvent>> = {
	warning: (index) => ({
		type: 'warning',
		code: 'other-version',
		where: `192.0.2.1 port ${index}`,
		text: `a client speaks version ${index % 256}`,
		times: 1,
	}),
	'session-up': (session) => ({type: 'session-up', session, user: 'anna', resumed: false}),
	resume: () => ({type: 'session-up', session: 1, user: 'anna', resumed: true}),
	'session-down': (session) => ({type: 'session-down', session, reason: 'the client came back'}),
	'path-state': (index) => ({
		type: 'path-state',
		session: 1,
		path: index % 8,
		name: `name ${index}`,
		from: index % 2 ? 'up' : 'down',
		to: index % 2 ? 'down' : 'up',
		reason: 'nothing heard',
	}),
	'path-address': (index) => ({
		type: 'path-address',
		session: 1,
		path: 0,
		name: `name ${index}`,
		address: `192.0.2.1 port ${index}`,
	}),
	'path-silent': (path) => ({type: 'path-silent', path: path % 8}),
	'flow-closed': (flow) => ({type: 'flow-closed', flow}),
	refused: (index) => ({type: 'refused', user: 'anna', kind: 'stream', code: index % 256}),
	'target-refused': (index) => ({
		type: 'target-refused',
		kind: 'flow',
		flow: index,
		target: Uint8Array.of(1, 192, 0, 2, index & 255, 0, 53),
		code: index % 256,
	}),
};

for (const [kind, event] of Object.entries(FLOODS)) {
	test(`10,000 events ${kind} in a minute are few lines, and the next minute says how many`, (t) => {
		const {logger, lines, advance} = clockedLogger();
		const log = new EventLog(logger, new EventCounters());
		log.log({type: 'session-up', session: 1, user: 'anna', resumed: false});
		for (let index = 0; index < 10_000; index++) {
			log.log(event(index));
			advance(5);
		}
		t.true(lines.length <= 600, `${lines.length} lines`);
		advance(60_000);
		t.true(lines.some((line) => line.includes('suppressed=')));
	});
}

test('one user that floods the log takes no line from another', (t) => {
	const {logger, lines} = clockedLogger();
	const log = new EventLog(logger, new EventCounters());
	for (let session = 1; session <= 1000; session++) {
		log.log({type: 'session-up', session, user: 'greedy', resumed: false});
	}
	log.log({type: 'session-up', session: 1001, user: 'modest', resumed: false});
	t.true(lines.some((line) => line.includes('user=modest')));
});
