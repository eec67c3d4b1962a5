import type {HostPort} from '../../config/host-port.ts';
import {formatAddress} from '../../text/ip.ts';
import type {Logger} from '../observe/logger.ts';
import type {StatusSnapshot} from '../observe/status.ts';
import {Exposition} from './exposition.ts';
import {MetricsServer} from './metrics-server.ts';
import {ProcessMeter} from './process-figures.ts';
import {MetricsView} from './view.ts';

/** Metrics that are served. */
export interface Metrics {
	close(): Promise<void>;
}

/** Serves the metrics of a program; rejects when the port cannot be had. */
export async function serveMetrics(
	{host, port}: HostPort,
	snapshot: () => StatusSnapshot,
	logger: Logger,
): Promise<Metrics> {
	const meter = new ProcessMeter();
	const exposition = new Exposition();
	const server = new MetricsServer((accept) =>
		exposition.write(new MetricsView(snapshot(), meter.read()), accept),
	);
	try {
		const bound = await server.listen({host, port});
		logger.info('metrics', {url: `http://${formatAddress(host, bound)}/metrics`});
	} catch (error) {
		meter.close();
		throw error;
	}
	return {
		close: async () => {
			meter.close();
			await server.close();
		},
	};
}
