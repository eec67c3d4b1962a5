/*
 * Policies that need no definition, as a user writes them:
 *
 *   redundant   redundant N   best   pin NAME   fec   fec cheap   fec T
 */

import {quoteText} from '../text/escape-text.ts';
import {ValueError} from '../text/value-error.ts';
import {MOST_COPIES, readTraffic, USUAL_FLOOR, USUAL_TRAFFIC} from './limits.ts';
import {type CodedPolicy, type Policy, REDUNDANT} from './policy.ts';

/** First words of policies that need no definition, and of one that is still to come. */
const RESERVED: readonly string[] = ['redundant', 'best', 'pin', 'fec', 'bond'];

/** The policies of this file, for messages. */
export const BUILT_IN_FORMS: readonly string[] = [
	...['redundant', 'redundant N', 'best', 'pin PATH'],
	...['fec', 'fec cheap', 'fec T'],
];

/** Longer than any text with a meaning. */
const TEXT_LIMIT = 300;

/** Policy `fec`: survives the silent death of a path where three or more are up. */
const FEC: CodedPolicy = {
	name: 'fec',
	kind: 'fec',
	residual: 1e-4,
	within: 40,
	traffic: USUAL_TRAFFIC,
	floor: USUAL_FLOOR,
	cheap: false,
	rate: 0,
	paths: [],
};

/** True for a name that a definition cannot have. */
export function isReserved(name: string): boolean {
	return RESERVED.includes(name.toLowerCase());
}

/**
 * Returns the policy of such a text, whose name is the text in its shortest spelling. `undefined`:
 * its first word is none of theirs. Throws a {@link ValueError} for what makes no sense behind it.
 */
export function parseBuiltIn(text: string): Policy | undefined {
	if (text.length > TEXT_LIMIT) return undefined;
	const [word = '', argument, ...more] = text.trim().split(/\s+/);
	const shown = quoteText(text);
	if (more.length > 0 && RESERVED.includes(word)) {
		throw new ValueError(`one of ${BUILT_IN_FORMS.join(', ')}`, shown);
	}
	switch (word) {
		case 'redundant':
			return redundant(argument, shown);
		case 'best':
			if (argument === undefined) return {name: 'best', kind: 'best'};
			throw new ValueError('best, which has nothing behind it', shown);
		case 'pin':
			if (argument !== undefined) return {name: `pin ${argument}`, kind: 'pin', path: argument};
			throw new ValueError('pin with the name of a path behind it', shown);
		case 'fec':
			return coded(argument, shown);
		case 'bond':
			throw new ValueError('a policy of this version', shown);
		default:
			return undefined;
	}
}

function redundant(argument: string | undefined, shown: string): Policy {
	if (argument === undefined) return REDUNDANT;
	const copies = /^[1-9][0-9]?$/.test(argument) ? Number(argument) : 0;
	if (copies >= 1 && copies <= MOST_COPIES) {
		return {name: `redundant ${copies}`, kind: 'redundant', copies};
	}
	throw new ValueError(`redundant, or redundant with 1 to ${MOST_COPIES} paths behind it`, shown);
}

function coded(argument: string | undefined, shown: string): Policy {
	if (argument === undefined) return FEC;
	if (argument === 'cheap') return {...FEC, name: 'fec cheap', cheap: true};
	try {
		const traffic = readTraffic(argument);
		return {...FEC, name: `fec ${traffic}`, traffic, floor: traffic};
	} catch {
		throw new ValueError('fec, fec cheap, or fec with a traffic factor up to 4 (fec 1.5)', shown);
	}
}
