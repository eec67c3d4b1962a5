import {Cursor} from '../../bytes/cursor.ts';
import {formatTarget, ipTarget} from '../../socks/target.ts';
import {decodeTarget, TargetKind} from '../../wire/address.ts';

/** Returns `host:port` of a target as it is encoded on the wire; text from outside. */
export function targetText(encoded: Uint8Array): string {
	const cursor = new Cursor();
	cursor.reset(encoded, 0, encoded.length);
	const target = decodeTarget(cursor);
	if (target === undefined) return '?';
	if (target.kind === TargetKind.FIXED) return 'the fixed target';
	const {kind, host, port} = target.kind === TargetKind.FORWARD ? target.to : target;
	if (kind !== TargetKind.DOMAIN) return formatTarget(ipTarget(host, port));
	return `${String.fromCharCode(...host)}:${port}`;
}
