import type {
	LaneReceivingStatus,
	LaneRoutedStatus,
	LaneSendingStatus,
	LaneStatus,
	SourceCounts,
} from '../../core/events.ts';
import {type Residual, residualText} from '../../fec/residual.ts';
import {escapeText} from '../../text/escape-text.ts';
import {formatCount, formatShare} from '../../text/figures.ts';
import {wrapParts} from '../../text/width.ts';
import {factorWords, obstacleWords, promiseWords} from './lane-words.ts';

/** The lanes of a session, several lines each: the promise, and what became of both directions. */
export function laneLines(lanes: readonly LaneStatus[]): readonly string[] {
	return lanes.flatMap((lane) => [
		...wrapParts(headParts(lane), {first: `  lane ${escapeText(lane.policy)}: `, indent: '    '}),
		...sendingLines(lane),
		...receivingLines(lane),
		...routedLines(lane),
	]);
}

function headParts({lane, obstacle, sending}: LaneStatus): readonly string[] {
	const instead = lane === 0 ? 'redundant in its place' : 'copies in place of repairs';
	const replaced = obstacle === undefined ? [] : [`${instead}: ${obstacleWords(obstacle)}`];
	if (sending === undefined) return obstacle === undefined ? ['not coded'] : replaced;
	const {promise} = sending;
	const {floor, traffic, rate} = promise;
	const factor = floor === traffic ? '' : `${factorWords(floor)} to `;
	const limit = rate === 0 ? [] : [`at most ${formatCount(rate)} kbit/s`];
	return [promiseWords(promise), `traffic ${factor}${factorWords(traffic)}`, ...limit, ...replaced];
}

function sendingLines({sending}: LaneStatus): readonly string[] {
	if (sending === undefined) return [];
	const {promise, residual, reported} = sending;
	return [
		...direction('out', [failedWords(residual, promise.residual), ...countParts(reported)]),
		...below(trafficParts(sending)),
		...below(packetParts(sending)),
	];
}

function receivingLines({sending, receiving}: LaneStatus): readonly string[] {
	if (sending === undefined || receiving === undefined) return [];
	return direction('in', [
		failedWords(receiving.residual, sending.promise.residual),
		`received ${formatCount(receiving.received)}`,
		...countParts(receiving),
		...recoveryParts(receiving),
	]);
}

function routedLines({routed}: LaneStatus): readonly string[] {
	return routed === undefined ? [] : direction('out', routedParts(routed));
}

function routedParts(routed: LaneRoutedStatus): readonly string[] {
	const {datagrams, packets, copies, traffic, paths, loss} = routed;
	return [
		`datagrams ${formatCount(datagrams)}`,
		`packets ${formatCount(packets)}${over(paths)}`,
		`copies ${formatCount(copies)}`,
		`traffic ${factorWords(traffic)}`,
		...(loss === undefined ? [] : [`loss of the path ${formatShare(loss)}`]),
	];
}

function failedWords(residual: Residual, promised: number): string {
	return `lost or late ${residualText(residual, promised)}`;
}

function countParts({recovered, late, missing}: SourceCounts): readonly string[] {
	return [
		`recovered ${formatCount(recovered)}`,
		`late ${formatCount(late)}`,
		`missing ${formatCount(missing)}`,
	];
}

function recoveryParts({recovers}: LaneReceivingStatus): readonly string[] {
	return recovers ? [] : ['NOTHING IS RECOVERED: no SIMD or no memory'];
}

function trafficParts({traffic, meanTraffic, explanation}: LaneSendingStatus): readonly string[] {
	const mean = `${factorWords(meanTraffic)} in the mean`;
	return [`traffic ${factorWords(traffic)} now, ${mean}: ${explanation}`];
}

function packetParts(sending: LaneSendingStatus): readonly string[] {
	const {sources, repairs, copies, window, sourcePaths, repairPaths} = sending;
	return [
		`sources ${formatCount(sources)}${over(sourcePaths)}`,
		`repairs ${formatCount(repairs)}${over(repairPaths)}`,
		`copies ${formatCount(copies)}`,
		`window ${window}`,
	];
}

function over(paths: readonly string[]): string {
	return paths.length === 0 ? '' : ` over ${paths.map(escapeText).join(' ')}`;
}

function direction(name: string, parts: readonly string[]): readonly string[] {
	return wrapParts(parts, {first: `    ${name}: `, indent: '      '});
}

function below(parts: readonly string[]): readonly string[] {
	return wrapParts(parts, {first: '      ', indent: '        '});
}
