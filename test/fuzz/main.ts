import process from 'node:process';
import {Command, InvalidArgumentError} from 'commander';
import {type MakeTarget, runTarget} from './target.ts';
import {TARGETS} from './targets.ts';

function count(text: string): number {
	const value = Number(text.replaceAll('_', ''));
	if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('a whole number, 1 up');
	return value;
}

const {inputs, seed, only} = new Command('fuzz')
	.description(
		'Gives both ends, the SOCKS5 front, configuration files and the real programs bad inputs.',
	)
	.option('--inputs <N>', 'inputs in all, shared out among the targets', count, 1_000_000)
	.option(
		'--seed <TEXT>',
		'the seed of all inputs; the same seed, the same inputs',
		`${Date.now()}`,
	)
	.option('--only <NAME...>', `of ${Object.keys(TARGETS).join(', ')}`)
	.parse()
	.opts<{inputs: number; seed: string; only?: string[]}>();

const chosen = Object.entries(TARGETS).filter(([name]) => only?.includes(name) ?? true);
const shares = chosen.reduce((sum, [, {share}]) => sum + share, 0);
process.stdout.write(`seed "${seed}"\n`);

/** A fresh target now and then: what has grown old shows in long runs, what is young in short ones. */
const INPUTS_OF_A_TARGET = 500_000;

async function run(name: string, make: MakeTarget, goal: number): Promise<number> {
	const from = performance.now();
	let done = 0;
	for (let part = 0; done < goal; part++) {
		const limit = Math.min(goal - done, INPUTS_OF_A_TARGET);
		done += await runTarget(make, `${seed} ${part}`, (made) => made >= limit);
	}
	const seconds = (performance.now() - from) / 1000;
	process.stdout.write(`${name}: ${done} inputs in ${seconds.toFixed(0)} s, no fault\n`);
	return done;
}

try {
	let total = 0;
	for (const [name, {make, share}] of chosen) {
		total += await run(name, make, Math.ceil((inputs * share) / shares));
	}
	process.stdout.write(`${total} inputs, no fault\n`);
} catch (error) {
	process.stdout.write(`${error instanceof Error ? error.message : error}\n`);
	process.exitCode = 1;
}
