/** Something that takes inputs: one of those that `npm run fuzz` tries in turn. */
export interface FuzzTarget {
	readonly name: string;
	/** Gives one more input. Throws when a promise is broken. */
	step(): void | Promise<void>;
	/** A last look. Throws when a promise is broken. */
	finish(): void | Promise<void>;
	/** Ends what it started, after a fault too. */
	dispose?(): void | Promise<void>;
	/** What it did since its last reset, so that a fault can be shown. */
	readonly trail: readonly string[];
}

/** Makes a target from a seed; equal seeds give equal inputs. */
export type MakeTarget = (seed: string) => FuzzTarget | Promise<FuzzTarget>;

/** A fault that a target found: its seed and what led to it. */
export class FuzzFault extends Error {
	constructor(target: FuzzTarget, seed: string, inputs: number, cause: unknown) {
		const reason = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
		const trail = target.trail.slice(-40).join('\n  ');
		super(`${target.name}, seed "${seed}", input ${inputs}: ${reason}\n  ${trail}`, {cause});
		this.name = 'FuzzFault';
	}
}

/** Steps that are taken between two looks at the clock. */
const STEPS = 256;

/** Runs a target until `done` says so; resolves with the number of inputs. */
export async function runTarget(
	make: MakeTarget,
	seed: string,
	done: (inputs: number) => boolean,
): Promise<number> {
	const target = await make(seed);
	let inputs = 0;
	try {
		while (!done(inputs)) {
			for (let step = 0; step < STEPS; step++) {
				const result = target.step();
				if (result !== undefined) await result;
				inputs++;
			}
		}
		await target.finish();
	} catch (error) {
		throw new FuzzFault(target, seed, inputs, error);
	} finally {
		await target.dispose?.();
	}
	return inputs;
}
