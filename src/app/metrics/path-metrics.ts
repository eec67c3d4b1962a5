import type {PathState, PathStatus} from '../../core/events.ts';
import type {PathTotals} from '../../core/totals.ts';
import {counter, gauge, type MetricKind, seconds} from './metric.ts';

/** States as numbers: of several sessions the best one counts. */
const STATES: Readonly<Record<PathState, number>> = {down: 0, new: 1, suspect: 2, up: 3};

const PATH = ['user', 'path'] as const;
const EACH_WAY = ['user', 'path', 'direction'] as const;

/** A gauge of paths: the largest value of all sessions. */
function pathGauge(
	name: string,
	help: string,
	value: (path: PathStatus) => number | undefined,
): MetricKind {
	return gauge(`path_${name}`, help, PATH, (view, samples) => {
		for (const {user, path, status} of view.paths()) samples.most({user, path}, value(status));
	});
}

/** A gauge of both directions of paths. */
function eachWay(
	name: string,
	help: string,
	value: (direction: PathStatus['sending'] | PathStatus['receiving']) => number | undefined,
): MetricKind {
	return gauge(`path_${name}`, help, EACH_WAY, (view, samples) => {
		for (const {user, path, status} of view.paths()) {
			samples.most({user, path, direction: 'out'}, value(status.sending));
			samples.most({user, path, direction: 'in'}, value(status.receiving));
		}
	});
}

/** A counter of both directions of paths. */
function traffic(
	name: string,
	help: string,
	value: (direction: PathTotals['sending']) => number,
): MetricKind {
	return counter(`path_${name}`, help, EACH_WAY, (view, samples) => {
		for (const {user: name, paths} of view.snapshot.totals) {
			const user = view.user(name);
			for (const {name: path, sending, receiving} of paths) {
				samples.add({user, path, direction: 'out'}, value(sending));
				samples.add({user, path, direction: 'in'}, value(receiving));
			}
		}
	});
}

/** The metrics of paths. */
export const PATH_METRICS: readonly MetricKind[] = [
	pathGauge('up', 'Path carries packets: 1 or 0', ({state}) => (state === 'up' ? 1 : 0)),
	pathGauge('state', 'State: 0 down, 1 new, 2 suspect, 3 up', ({state}) => STATES[state]),
	pathGauge('round_trip_seconds', 'Smoothed round trip time', ({rtt}) => seconds(rtt)),
	pathGauge('jitter_seconds', 'Mean deviation of the round trip time', ({jitter}) =>
		seconds(jitter),
	),
	eachWay('loss_ratio', 'Share of packets lost over the last seconds', ({loss}) => loss),
	pathGauge(
		'data_loss_ratio',
		'Share of data sent that is lost: probes may arrive where data does not',
		({sending}) => sending.dataLoss,
	),
	eachWay('queue_seconds', 'One-way delay above the smallest of the last 10 s', ({queueing}) =>
		seconds(queueing),
	),
	pathGauge('mtu_bytes', 'Largest packet known to arrive, UDP payload', ({mtu}) => mtu),
	pathGauge('silence_seconds', 'Time since the last packet came in', ({silence}) =>
		seconds(silence),
	),
	traffic('packets', 'Packets, copies included', ({packets}) => packets),
	traffic('bytes', 'Bytes on the wire, headers of IPv4 and UDP included', ({bytes}) => bytes),
	traffic(
		'stream_bytes',
		'Bytes of packets with parts of TCP connections',
		({streamBytes}) => streamBytes,
	),
	counter(
		'path_saturated',
		'Copies dropped because the path cannot carry them',
		PATH,
		(view, samples) => {
			for (const {user: name, paths} of view.snapshot.totals) {
				const user = view.user(name);
				for (const {name: path, saturated} of paths) samples.add({user, path}, saturated);
			}
		},
	),
];
