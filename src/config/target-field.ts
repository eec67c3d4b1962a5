import type {Endpoint} from './endpoint.ts';
import {FieldReader, type Place} from './place.ts';
import {readHost, readPort, readTarget} from './values.ts';

/** Reads a fixed target: `HOST PORT`, or a mapping of `host` and `port`. */
export function readTargetField(value: unknown, place: Place): Endpoint | undefined {
	if (!(value instanceof Map)) return place.text(value, readTarget);
	const fields = new FieldReader(value, place);
	const host = fields.text('host', readHost);
	const port = fields.text('port', readPort);
	fields.require('host', 'port');
	fields.finish();
	return host === undefined || port === undefined ? undefined : {host, port};
}
