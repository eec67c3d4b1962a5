import type {LaneStatus, SourceCounts} from '../../core/events.ts';
import type {LaneTotals} from '../../core/totals.ts';
import {counter, gauge, type MetricKind} from './metric.ts';
import {Samples} from './samples.ts';

const POLICY = ['user', 'policy'] as const;
const EACH_WAY = ['user', 'policy', 'direction'] as const;

function policyCounter(
	name: string,
	help: string,
	value: (lane: LaneTotals) => number,
): MetricKind {
	return counter(`policy_${name}`, help, POLICY, (view, samples) => {
		for (const {user: name, lanes} of view.snapshot.totals) {
			const user = view.user(name);
			for (const lane of lanes) samples.add({user, policy: lane.policy}, value(lane));
		}
	});
}

/** A counter of the fate of the packets of coded lanes, as their receiver counts it. */
function fate(name: string, help: string, value: (counts: SourceCounts) => number): MetricKind {
	return counter(`policy_${name}`, help, EACH_WAY, (view, samples) => {
		for (const {user: name, lanes} of view.snapshot.totals) {
			const user = view.user(name);
			for (const {policy, reported, receiving} of lanes) {
				// Lanes without a code count nothing of this.
				if (isCounted(reported)) {
					samples.add({user, policy, direction: 'out'}, value(reported));
				}
				if (isCounted(receiving)) {
					samples.add({user, policy, direction: 'in'}, value(receiving));
				}
			}
		}
	});
}

function isCounted({received, recovered, missing}: SourceCounts): boolean {
	return received + recovered + missing > 0;
}

function laneGauge(
	name: string,
	help: string,
	value: (lane: LaneStatus) => number | undefined,
): MetricKind {
	return gauge(`policy_${name}`, help, POLICY, (view, samples) => {
		for (const {user, policy, status} of view.lanes()) {
			samples.most({user, policy}, value(status));
		}
	});
}

/** The traffic factor of all packets so far: of sums, so that sessions count by their traffic. */
const MEAN_TRAFFIC = gauge(
	'policy_mean_traffic_ratio',
	'Traffic factor so far: bytes of all packets over those of the packets with datagrams',
	POLICY,
	(view, samples) => {
		const sources = new Samples();
		const all = new Samples();
		for (const {user: name, lanes} of view.snapshot.totals) {
			const user = view.user(name);
			for (const {policy, sending} of lanes) {
				if (sending.sourceBytes === 0) continue;
				sources.add({user, policy}, sending.sourceBytes);
				all.add({user, policy}, sending.sourceBytes + sending.extraBytes);
			}
		}
		// Both have the same labels in the same order.
		const totals = all.all();
		for (const [index, {labels, value}] of sources.all().entries()) {
			samples.add(labels, totals[index]!.value / value);
		}
	},
);

/** The metrics of policies. */
export const POLICY_METRICS: readonly MetricKind[] = [
	policyCounter('datagrams', 'Datagrams sent', ({datagrams}) => datagrams),
	policyCounter('sources', 'Packets with datagrams sent', ({sending}) => sending.sources),
	policyCounter('copies', 'Further copies of these packets sent', ({sending}) => sending.copies),
	policyCounter(
		'repairs',
		'Packets sent from which lost ones are recovered',
		({sending}) => sending.repairs,
	),
	fate('received', 'Packets with datagrams of coded lanes that arrived', (c) => c.received),
	fate('recovered', 'Packets that repairs brought back', (c) => c.recovered),
	fate('lost', 'Packets that never came', (c) => c.missing),
	fate('late', 'Packets that came later than promised', (c) => c.late),
	laneGauge(
		'traffic_ratio',
		'Traffic factor that is planned now',
		({sending, routed}) => sending?.traffic ?? routed?.traffic,
	),
	MEAN_TRAFFIC,
	laneGauge('broken_ratio', 'Share of the packets of the last 5 minutes lost or late', (lane) => {
		const {sources = 0, failed = 0} = lane.sending?.residual ?? {};
		return sources === 0 ? undefined : failed / sources;
	}),
];
