import {readPathLine} from './path-line.ts';
import type {PathDraft, RateOptions} from './paths.ts';
import {FieldReader, type Place} from './place.ts';
import {readKeepAlive, readRate, readRates} from './quantities.ts';
import {NO_BIND, readBind, readHost, readMark, readName, readPort} from './values.ts';

/**
 * Reads one item of `paths:`: a line as in the classic file, or a mapping of `host`, `port` (of the
 * bridge) and optionally `name`, `bind`, `mark`, `localPort`, `rate` (`20mbit`, `UP/DOWN`, or a mapping of
 * `up` and `down`), `keepalive`, `metered`, `backup`. Undefined when `host` or `port` is no good.
 */
export function readPathItem(value: unknown, place: Place): PathDraft | undefined {
	const {where, field} = place;
	if (typeof value === 'string') {
		const line = readPathLine(value, (reason) => place.report(reason));
		return line === undefined ? undefined : {where, field, ...line};
	}
	if (!(value instanceof Map)) {
		place.report('neither "HOST PORT" nor a mapping of host and port');
		return undefined;
	}
	const fields = new FieldReader(value, place);
	const host = fields.text('host', readHost);
	const port = fields.text('port', readPort);
	const rest = {
		name: fields.read('name', (name, at) => at.string(name, readName)),
		...(fields.text('bind', readBind) ?? NO_BIND),
		mark: fields.text('mark', readMark),
		localPort: fields.text('localPort', readPort),
		rate: fields.read('rate', readRateField),
		keepAlive: fields.text('keepalive', readKeepAlive),
		metered: fields.boolean('metered') ?? false,
		backup: fields.boolean('backup') ?? false,
	};
	fields.require('host', 'port');
	fields.finish();
	return host === undefined || port === undefined ? undefined : {where, field, host, port, ...rest};
}

function readRateField(value: unknown, place: Place): RateOptions | undefined {
	if (!(value instanceof Map)) return place.text(value, readRates);
	const fields = new FieldReader(value, place);
	const up = fields.text('up', readRate);
	const down = fields.text('down', readRate);
	fields.require('up', 'down');
	fields.finish();
	return up === undefined || down === undefined ? undefined : {up, down};
}
