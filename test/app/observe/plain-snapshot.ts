import type {StatusSnapshot} from '../../../src/app/observe/status.ts';

/** A client that has just begun, and has nothing to show. */
export const PLAIN_SNAPSHOT: StatusSnapshot = {
	format: 1,
	program: 'mpclient',
	version: '1.2.3',
	pid: 4711,
	state: '/state',
	time: 1_800_000_000_000,
	uptime: 63_000,
	crypto: 'noble',
	io: 'dgram',
	keyless: false,
	encrypt: true,
	listening: [],
	forwards: [],
	streams: 0,
	exit: false,
	places: [],
	sessions: [],
	halfOpen: 0,
	users: [],
	totals: [],
	events: {},
	drops: {},
	waiting: 0,
};
