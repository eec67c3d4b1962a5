import process from 'node:process';
import type {EndpointStatus} from '../core/events.ts';
import type {EventCounters} from './observe/event-table.ts';
import {mergeDrops, type StatusSnapshot} from './observe/status.ts';
import type {CommonOptions, Prepared} from './startup.ts';
import {programVersion} from './version.ts';

/** The fields of a snapshot that both programs fill in the same way. */
export type CommonStatus = (
	status: EndpointStatus,
	drops: Readonly<Record<string, number>>,
) => Pick<
	StatusSnapshot,
	| ('format' | 'program' | 'version' | 'pid' | 'state' | 'time' | 'uptime' | 'crypto' | 'io')
	| ('keyless' | 'encrypt' | 'sessions' | 'halfOpen' | 'events' | 'drops' | 'waiting')
>;

/** Returns what fills those fields; the program starts now. */
export function commonStatus(
	program: StatusSnapshot['program'],
	{keys, encrypt}: Pick<CommonOptions, 'keys' | 'encrypt'>,
	{state, crypto, backEnd}: Prepared,
	counters: EventCounters,
): CommonStatus {
	const startedAt = performance.now();
	return ({sessions, halfOpen = 0, drops, waiting}, socketDrops) => ({
		program,
		format: 1,
		version: programVersion(),
		pid: process.pid,
		state: state.folder,
		time: Date.now(),
		uptime: performance.now() - startedAt,
		crypto,
		io: backEnd.name,
		keyless: keys.keyless,
		encrypt,
		sessions,
		halfOpen,
		events: counters.read(),
		drops: mergeDrops(drops, socketDrops),
		waiting,
	});
}
