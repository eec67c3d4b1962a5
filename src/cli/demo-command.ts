import process from 'node:process';
import {Command, InvalidArgumentError} from 'commander';
import {createLogger} from '../app/observe/logger.ts';
import {attempt, ProblemList} from '../config/errors.ts';
import {runDemo} from '../demo/demo.ts';
import {DEMO_LINKS} from '../demo/links.ts';
import {BUILT_IN_FORMS, parseBuiltIn} from '../policy/built-in.ts';
import {type Policy, REDUNDANT} from '../policy/policy.ts';
import {quoteText} from '../text/escape-text.ts';
import {parsePercentage} from '../text/units.ts';
import {ValueError} from '../text/value-error.ts';
import {addFlags, type ParsedFlag} from './flags.ts';
import type {Context} from './run.ts';
import {Screen} from './screen.ts';

/** The flags of `mptunnel demo`. */
export const DEMO_FLAGS: Readonly<Record<string, ParsedFlag>> = {
	seconds: {
		value: 'N',
		help: 'stop after N seconds of traffic',
		otherwise: 'at Ctrl-C',
		parse: parseSeconds,
	},
	rate: {value: 'N', help: 'send N datagrams a second', default: '1000', parse: parseRate},
	policy: {
		value: 'NAME',
		help: 'a policy to compare with `redundant`',
		otherwise: '`fec 1.5`',
		repeatable: true,
	},
	loss: {
		value: 'SHARE',
		help: 'lose that share of the packets on each link, each way',
		default: '10%',
		parse: parseLoss,
	},
};

const HELP = `
Runs a tunnel for each policy in one process: a server, three simulated links, a client and an
echo target, on free ports of 127.0.0.1. All get the same datagrams at the same times, and their
links lose with the same seeds. Ctrl-C ends it with a summary that compares the policies.

Examples:
  mptunnel demo --seconds 10
  mptunnel demo --policy "fec 2" --policy best
`;

/** The policy that is compared when no other is named. */
const USUAL_POLICY = 'fec 1.5';

/** Beyond it the paths hardly come up. */
const MOST_LOSS = 0.6;

/** Tunnels that a machine can be expected to run beside each other. */
const MOST_TUNNELS = 4;

interface DemoFlags {
	readonly seconds?: number;
	readonly rate: number;
	readonly policy?: readonly string[];
	/** 0 to 1. */
	readonly loss: number;
}

/** The parts of the process that the command uses. */
export type DemoCommandInit = Pick<Context, 'writeOut' | 'writeError' | 'stopped'>;

/** `mptunnel demo`: the whole tunnel on one machine; table and summary go to standard output. */
export function demoCommand({writeOut, writeError, stopped}: DemoCommandInit): Command {
	const command = new Command('demo')
		.description('run tunnels over three simulated bad links and compare policies')
		.addHelpText('after', HELP)
		.action(async ({seconds, rate, policy, loss}: DemoFlags) => {
			const policies = readPolicies(policy);
			const screen = new Screen({write: writeOut, stream: process.stdout, env: process.env});
			const summary = await runDemo({
				policies,
				links: DEMO_LINKS.map((link) => ({...link, loss})),
				rate,
				duration: seconds === undefined ? undefined : seconds * 1000,
				stopped: stopped(),
				logger: createLogger({level: 'warn', format: 'text', now: Date.now, sink: writeError}),
				show: (lines) => screen.show(lines.map((text) => ({text}))),
			});
			screen.clear();
			writeOut(`${summary.join('\n')}\n`);
		});
	addFlags(command, DEMO_FLAGS);
	return command;
}

function parseSeconds(text: string): number {
	return parseNumber(text, 86_400 * 7);
}

function parseRate(text: string): number {
	return parseNumber(text, 100_000);
}

function parseLoss(text: string): number {
	const share = parsePercentage(text);
	if (share !== undefined && share <= MOST_LOSS) return share;
	throw new InvalidArgumentError(`Expected a share of at most ${MOST_LOSS * 100}% such as 10%.`);
}

function parseNumber(text: string, most: number): number {
	const value = Number(text);
	if (/^\d+(\.\d+)?$/.test(text) && value > 0 && value <= most) return value;
	throw new InvalidArgumentError(`Expected a number above 0, at most ${most}.`);
}

/** Returns the policies to compare, `redundant` first. Throws a ConfigError for others. */
function readPolicies(texts: readonly string[] = [USUAL_POLICY]): readonly Policy[] {
	const problems = new ProblemList();
	const policies = new Map<string, Policy>([[REDUNDANT.name, REDUNDANT]]);
	for (const text of texts) {
		attempt(
			() => {
				const policy = readPolicy(text);
				policies.set(policy.name, policy);
			},
			(error) => problems.add('', '--policy', error.message),
		);
	}
	if (policies.size > MOST_TUNNELS) {
		problems.add('', '--policy', `at most ${MOST_TUNNELS - 1} can be compared with redundant`);
	}
	problems.throwIfAny();
	return [...policies.values()];
}

function readPolicy(text: string): Policy {
	const policy = parseBuiltIn(text);
	const paths = DEMO_LINKS.map(({name}) => name);
	if (policy === undefined)
		throw new ValueError(`one of ${BUILT_IN_FORMS.join(', ')}`, quoteText(text));
	if (policy.kind === 'pin' && !paths.includes(policy.path)) {
		throw new ValueError(`pin with one of ${paths.join(', ')} behind it`, quoteText(text));
	}
	return policy;
}
