import {METRICS} from '../../../src/app/metrics/table.ts';
import {EVENTS, eventNames} from '../../../src/app/observe/event-table.ts';
import {table} from '../../config/documents/option-tables.ts';
import {rows} from './field.ts';
import {STATUS_FIELDS} from './status-fields.ts';

/** The tables of the document of the programs at work, by the names in its marks. */
export const APP_TABLES: Readonly<Record<string, string>> = {
	'status-fields': table(['field', 'unit', 'meaning'], rows(STATUS_FIELDS)),
	metrics: table(
		['metric', 'type', 'labels', 'meaning'],
		METRICS.map(({name, type, labels, help}) => [`\`${name}\``, type, labels.join(', '), help]),
	),
	events: table(['event', 'level', 'counted', 'text'], eventNames().map(eventRow)),
};

function eventRow(name: keyof typeof EVENTS): readonly string[] {
	const {level, counts, text} = EVENTS[name];
	return [`\`${name}\``, level, counts ? 'yes' : '', text];
}
