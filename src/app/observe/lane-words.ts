import type {EndpointEvent, LaneStatus, PolicyObstacle, PromiseStatus} from '../../core/events.ts';
import {residualText} from '../../fec/residual.ts';

const OBSTACLES: Readonly<Record<PolicyObstacle, string>> = {
	'unknown-to-peer': 'the other end knows no lanes',
	'too-many': 'there are too many lanes',
	'not-recovered': 'the other end recovers nothing: no SIMD or no memory',
	'not-counted': 'the other end has no room for the lane',
};

/** An obstacle in words. */
export function obstacleWords(obstacle: PolicyObstacle): string {
	return OBSTACLES[obstacle];
}

/** A promise in words, such as `0.01 % within 30 ms`. */
export function promiseWords({residual, within}: PromiseStatus): string {
	return `${Number((100 * residual).toPrecision(3))} % within ${within} ms`;
}

/** A traffic factor, such as `1.5 x`. */
export function factorWords(factor: number): string {
	return `${Number(factor.toFixed(2))} x`;
}

/**
 * A broken promise in words, such as `voice: 0.01 % within 30 ms needs 3.4 x, allowed 3 x: reached
 * 0.03 % (11 of 36,400)`; holds outside text.
 */
export function brokenWords(event: Extract<EndpointEvent, {type: 'promise-broken'}>): string {
	const {policy, promise, needed, allowed, reached} = event;
	const needs = needed === undefined ? ': no factor is enough' : ` needs ${factorWords(needed)}`;
	const all = `${promiseWords(promise)}${needs}, allowed ${factorWords(allowed)}`;
	return `${policy}: ${all}: reached ${residualText(reached, promise.residual)}`;
}

/** A lane in a word: its traffic factor, and what was lost or late of all, out and in. */
export function laneWord(lane: LaneStatus): string {
	const {policy, obstacle, sending, receiving, routed} = lane;
	if (sending === undefined) {
		if (obstacle !== undefined) return `${policy}:${obstacle}`;
		return routed === undefined ? policy : `${policy}:${factorWord(routed.traffic)}`;
	}
	const counts = [sending.residual, receiving?.residual].map((residual) =>
		residual === undefined ? '-' : `${residual.failed}of${residual.sources}`,
	);
	return `${policy}:${factorWord(sending.traffic)},${counts.join('/')}`;
}

function factorWord(factor: number): string {
	return factorWords(factor).replace(' ', '');
}
