import type {Millis} from '../../bytes/time.ts';
import type {FlowStatus} from '../../core/events.ts';
import {targetText} from './target-text.ts';

/** Flows and connections that are shown. */
export const SHOWN_FLOWS = 50;

/** A flow or connection for people. */
export interface FlowLine {
	readonly kind: 'UDP' | 'TCP';
	/** Text from outside. '': none. */
	readonly user: string;
	readonly target: string;
	/** Targets beside that one. */
	readonly others: number;
	readonly policy: string | undefined;
	readonly sent: number;
	readonly received: number;
	readonly age: Millis;
}

/** Returns flows with their targets in words. */
export function flowLines(flows: readonly FlowStatus[]): readonly FlowLine[] {
	return flows.map(({kind, target, targets, ...flow}) => ({
		...flow,
		kind: kind === 'stream' ? 'TCP' : 'UDP',
		target: target === undefined ? 'the fixed target' : targetText(target),
		others: Math.max(0, targets - 1),
	}));
}
