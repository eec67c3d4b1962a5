import {escapeText, quoteText} from '../text/escape-text.ts';
import type {CodedPolicy, Policy} from './policy.ts';
import type {PolicyRule} from './rules.ts';

/**
 * Formats what a policy promises, in words.
 * @param copies number of paths that `redundant` takes; 0: all
 */
export function formatPromise(policy: Policy, copies = 0): string {
	switch (policy.kind) {
		case 'redundant':
			return formatCopies(policy.copies === 0 ? copies : policy.copies);
		case 'best':
			return 'the best path alone, with copies on the next while it is in doubt';
		case 'pin':
			return `path ${quoteText(policy.path)} alone`;
		case 'fec':
			return formatCoded(policy);
	}
}

/** Formats which rule it is, with its place. */
export function formatRule({label, where}: Pick<PolicyRule, 'label' | 'where'>): string {
	return where === '' ? label : `${label} (${where})`;
}

function formatCopies(copies: number): string {
	if (copies === 0) return 'a copy on every path';
	return copies === 1 ? 'on the best path alone' : `a copy on each of the best ${copies} paths`;
}

function formatFixed(traffic: number): string {
	return traffic < 2 ? `traffic ${traffic} for equal lengths` : `traffic always ${traffic}`;
}

function formatCoded({residual, within, traffic, floor, cheap, rate, paths}: CodedPolicy): string {
	const share = Number((residual * 100).toPrecision(6));
	const names = paths.map((name) => escapeText(name)).join(', ');
	return [
		`${share} % lost or late within ${within} ms`,
		...(floor === traffic
			? [formatFixed(traffic)]
			: [`traffic up to ${traffic}`, `${floor} standing`]),
		...(cheap ? ['a gap when a path dies'] : []),
		...(rate > 0 ? [`at most ${rate} kbit/s`] : []),
		...(paths.length > 0 ? [`on ${names} only`] : []),
	].join(', ');
}
