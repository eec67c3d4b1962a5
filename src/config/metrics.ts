import type {HostPort} from './host-port.ts';
import type {Table} from './option.ts';
import {servedAt} from './page.ts';

/** The options of the metrics. */
export interface MetricsSettings {
	/** The place where they are served; `undefined`: they are off. */
	readonly metrics: HostPort | undefined;
}

/** The descriptors of {@link MetricsSettings} with the port of a program's own. */
export function metricsTable(port: number): Table<MetricsSettings> {
	return {
		metrics: {
			type: servedAt(port),
			value: 'ADDR:PORT',
			bare: true,
			help: `serve metrics for Prometheus, at \`127.0.0.1:${port}\` by default`,
			more: 'All who reach the address can read them',
			field: 'as `--metrics`, or `true` for its usual place',
		},
	};
}
