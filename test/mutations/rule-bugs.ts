import type {Bug} from './bug.ts';

/** Bugs of the rules that give flows their policies. */
export const RULE_BUGS: readonly Bug[] = [
	{
		bug: 'a rule about all targets has the fixed one, too',
		place: 'matchesTarget',
		code: 'if (host === undefined) return false;',
		to: '',
		test: [
			'policy/rules.test.ts',
			'a star matches no fixed target, and in front of a name not that name',
		],
	},
	{
		bug: 'a star in front stands for the name itself',
		place: 'matchesHost',
		code: 'host.endsWith(`.',
		to: 'host.endsWith(`',
		test: [
			'policy/rules.test.ts',
			'a star matches no fixed target, and in front of a name not that name',
		],
	},
	{
		bug: 'the last rule decides',
		place: 'PolicyRules.explain',
		code: 'this.rules.find(',
		to: 'this.rules.findLast(',
		test: ['policy/rules.test.ts', 'the first rule that matches decides, and is named'],
	},
];
