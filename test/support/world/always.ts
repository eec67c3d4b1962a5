import type {Policy, PolicyChooser} from '../../../src/policy/policy.ts';

/** One policy for all flows. */
export function always(policy: Policy): PolicyChooser {
	return {choose: () => policy};
}
