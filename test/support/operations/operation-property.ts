import type {ExecutionContext} from 'ava';
import fc from 'fast-check';
import {runWorld} from './operation-world.ts';
import {
	formatWorld,
	type Operation,
	operationsArbitrary,
	type Plan,
	planArbitrary,
	rangesOf,
	type Theme,
} from './operations.ts';

/** Worlds of all themes together; MPTUNNEL_WORLDS asks for more. */
const WORLDS = 5000;
const OPERATIONS_EACH = 100;
/** Worlds between two breaths of the event loop. */
const CHUNK = 50;
/** Shrinking ends after so many worlds. */
const SHRINK_RUNS = 1500;

function environmentNumber(name: string, otherwise: number): number {
	return Number(process.env[name] ?? otherwise);
}

/** The kind of a fault, so that shrinking does not wander off to another one. */
function kind(faults: readonly string[]): string {
	return (faults[0] ?? '').replaceAll(/\d+(\.\d+)?/g, 'n').split('\n')[0]!;
}

/** The shortest list found that shows the same fault, with arguments as small as possible. */
export function shrink(plan: Plan, operations: readonly Operation[], fault: string): Operation[] {
	let best = [...operations];
	let runs = 0;
	const fails = (candidate: Operation[]) =>
		runs++ < SHRINK_RUNS && kind(runWorld(plan, candidate)) === fault;
	const attempt = (candidate: Operation[]) => {
		if (!fails(candidate)) return false;
		best = candidate;
		return true;
	};
	for (let size = Math.ceil(best.length / 2); size >= 1; size = size === 1 ? 0 : size >> 1) {
		for (let at = 0; at < best.length; ) {
			if (!attempt([...best.slice(0, at), ...best.slice(at + size)])) at += size;
		}
	}
	for (let at = 0; at < best.length; at++) shrinkArguments(best, at, attempt);
	return best;
}

function shrinkArguments(
	operations: readonly Operation[],
	at: number,
	attempt: (candidate: Operation[]) => boolean,
): void {
	let [name, ...args] = operations[at]!;
	const list = [...operations];
	rangesOf(name).forEach(([least], index) => {
		for (const value of [least, Math.floor((least + args[index]!) / 2)]) {
			const smaller = args.with(index, value);
			list[at] = [name, ...smaller];
			if (value >= args[index]! || !attempt([...list])) continue;
			args = smaller;
			break;
		}
		list[at] = [name, ...args];
	});
}

/** Runs this theme's share of the worlds and fails with the shrunk list of the first fault. */
export async function checkWorlds(t: ExecutionContext, theme: Theme, share: number): Promise<void> {
	const seed = environmentNumber('MPTUNNEL_SEED', 1);
	const worlds = Math.ceil(environmentNumber('MPTUNNEL_WORLDS', WORLDS) * share);
	// Ava ends a run in which nothing is reported for so long; more worlds than usual take their time.
	t.timeout(300_000 * Math.max(1, worlds / (WORLDS * share)));
	const arbitrary = fc.tuple(planArbitrary(theme), operationsArbitrary(theme, OPERATIONS_EACH));
	const started = performance.now();
	for (let done = 0; done < worlds; done += CHUNK) {
		const numRuns = Math.min(CHUNK, worlds - done);
		for (const [plan, operations] of fc.sample(arbitrary, {numRuns, seed: seed + done})) {
			const faults = runWorld(plan, operations);
			if (faults.length === 0) continue;
			const shrunk = shrink(plan, operations, kind(faults));
			const first = [...new Set(faults)].slice(0, 5).join('\n');
			t.fail(
				`MPTUNNEL_SEED=${seed}, ${theme} world ${done} on:\n${first}\n${formatWorld(plan, shrunk)}`,
			);
		}
		await new Promise((resolve) => setImmediate(resolve));
	}
	t.log(`${worlds} worlds in ${Math.round((performance.now() - started) / 1000)} s, seed ${seed}`);
	t.pass();
}
