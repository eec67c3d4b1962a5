import type {CodedPolicy, Policy} from '../../../src/policy/policy.ts';
import type {LinkConfig} from '../../../src/sim/link-config.ts';
import {always} from '../world/always.ts';
import {TunnelWorld} from '../world/tunnel-world.ts';
import type {WorldOptions} from '../world/world-options.ts';

/** A coded policy with a fixed factor, unless it says otherwise. */
export function codedPolicy(parts: Partial<CodedPolicy> = {}): CodedPolicy {
	const {traffic = 2} = parts;
	const rest = {residual: 1e-4, within: 40, floor: traffic, cheap: false, rate: 0, paths: []};
	return {name: 'fec', kind: 'fec', traffic, ...rest, ...parts};
}

/** A world whose flows have a policy in both directions, and whose target answers. */
export function laneWorld(
	policy: Policy,
	links: WorldOptions['links'],
	options: Partial<WorldOptions> = {},
): TunnelWorld {
	const client = {policies: always(policy), ...options.client};
	return new TunnelWorld({seed: 1, lanes: true, echo: true, ...options, links, client}).start();
}

/** So many links of a kind. */
export function links(count: number, link: Partial<LinkConfig>): Partial<LinkConfig>[] {
	return new Array<Partial<LinkConfig>>(count).fill(link);
}
