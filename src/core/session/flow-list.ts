import type {Millis} from '../../bytes/time.ts';
import type {FlowStatus} from '../events.ts';
import type {ClientFlow} from '../flow/client-flows.ts';
import type {ServerFlow} from '../flow/server-flow-table.ts';
import type {Lane} from '../lane/lane.ts';
import {Stream} from '../stream/stream.ts';

/** Flows and streams that are looked at, the oldest first: a list must not hold packets up. */
const LOOKED_AT = 4096;

type Entry = ClientFlow | ServerFlow | Stream;

/** The part of a list that is asked for. */
export interface FlowListInit {
	/** Entries of the list. */
	readonly limit: number;
	readonly now: Millis;
	/** Client: returns the name of the policy that a lane is of. */
	readonly policyOf?: (lane: Lane) => string | undefined;
}

/** Returns the flows and streams that carried most bytes, those first. */
export function flowList(
	all: Iterable<Iterable<Entry>>,
	{limit, now, policyOf}: FlowListInit,
): readonly FlowStatus[] {
	const entries: Entry[] = [];
	for (const some of all) {
		for (const entry of some) {
			if (entries.length >= LOOKED_AT) break;
			entries.push(entry);
		}
	}
	entries.sort((a, b) => b.sent + b.received - a.sent - a.received);
	return entries.slice(0, limit).map((entry) => statusOf(entry, now, policyOf));
}

function statusOf(entry: Entry, now: Millis, policyOf: FlowListInit['policyOf']): FlowStatus {
	const {sent, received, opened} = entry;
	const counts = {sent, received, age: Math.max(0, now - opened)};
	if (entry instanceof Stream) {
		const {user, target} = entry;
		return {kind: 'stream', user, target, targets: 1, policy: undefined, ...counts};
	}
	if ('application' in entry) {
		const {targets, target, lane, user} = entry;
		const [first] = targets?.values() ?? [];
		const own = lane ?? first?.lane;
		return {
			kind: 'datagrams',
			user,
			target: targets === undefined ? target : first?.encoded,
			targets: targets?.size ?? 1,
			policy: own && policyOf?.(own),
			...counts,
		};
	}
	const {targets, forward, lane, owner, session} = entry;
	const [first] = targets?.values() ?? [];
	const [source] = entry.sources?.values() ?? [];
	const own = lane ?? source?.lane;
	return {
		kind: 'datagrams',
		user: owner.user.name,
		target: targets === undefined ? forward?.target.encoded : first?.target.encoded,
		targets: targets?.size ?? 1,
		policy: own && session?.session.policyOf(own),
		...counts,
	};
}
