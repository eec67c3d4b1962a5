import {Cursor} from '../../bytes/cursor.ts';
import type {FlowFacts} from '../../policy/policy.ts';
import {decodeHostTarget, TargetKind} from '../../wire/address.ts';

/** Facts of a target for the rules of policies. */
type TargetFacts = Pick<FlowFacts, 'host' | 'port'>;

/** A target that the client does not know: the server's own. */
const UNKNOWN: TargetFacts = {host: undefined, port: 0};

/**
 * Returns what an application asked for.
 * @param encoded as on the wire; `undefined`: the server's own target
 */
export function factsOf(encoded: Uint8Array | undefined): TargetFacts {
	if (encoded === undefined) return UNKNOWN;
	const cursor = new Cursor();
	cursor.reset(encoded, 0, encoded.length);
	const target = decodeHostTarget(cursor);
	if (target === undefined) return UNKNOWN;
	const {kind, host, port} = target;
	switch (kind) {
		case TargetKind.IPV4:
			return {host: host.join('.'), port};
		case TargetKind.IPV6:
			return {host: groupsOf(host), port};
		case TargetKind.DOMAIN:
			return {host: String.fromCharCode(...host).toLowerCase(), port};
	}
}

/** Returns an IPv6 address as eight groups. */
function groupsOf(address: Uint8Array): string {
	const groups: string[] = [];
	for (let i = 0; i < address.length; i += 2) {
		groups.push(((address[i]! << 8) | address[i + 1]!).toString(16));
	}
	return groups.join(':');
}
