/** The uses of a path: always, only when no other one is good enough, or not at all. */
export const PATH_USES = ['use', 'backup', 'hold'] as const;

/** One of {@link PATH_USES}. */
export type PathUse = (typeof PATH_USES)[number];

/** Effect of a reload. */
export interface Reloaded {
	/**
	 * `applied`: all of it; `partly`: but for what takes a restart; `refused`: the configuration is
	 * wrong; `failed`: the machine refused something. Nothing has changed after the last two.
	 */
	readonly outcome: 'applied' | 'partly' | 'refused' | 'failed';
	/** Differences, in words, escaped. */
	readonly changes: readonly string[];
	/**
	 * Reasons why nothing has changed, and warnings; with file and line where they have one; escaped.
	 */
	readonly problems: readonly string[];
}

/** Returns the reason why a reload changed nothing. `undefined`: it did. */
export function reasonOf({outcome, problems}: Reloaded): string | undefined {
	return outcome === 'refused' || outcome === 'failed' ? problems.join('; ') : undefined;
}

/** The parts of a running program that the page can change. */
export interface Steering {
	/** Returns the reason when it cannot be; the path is named as its user wrote it. */
	steer(use: PathUse, path: string): string | undefined;
	/** Reads the configuration again and applies it; never rejects. */
	reload(): Promise<Reloaded>;
}

/** A request of a viewer. */
export type Order = {readonly action: PathUse; readonly path: string} | {readonly action: 'reload'};

/** Reads a request; `undefined`: it is none. */
export function parseOrder(text: string): Order | undefined {
	let value: unknown;
	try {
		value = JSON.parse(text);
	} catch {
		return undefined;
	}
	if (typeof value !== 'object' || value === null || !('action' in value)) return undefined;
	if (value.action === 'reload') return {action: 'reload'};
	const action = PATH_USES.find((use) => use === value.action);
	const path = 'path' in value ? value.path : undefined;
	return action === undefined || typeof path !== 'string' ? undefined : {action, path};
}

/** Does what a viewer asks for; resolves with the reason when it cannot be. */
export async function follow(order: Order, steering: Steering): Promise<string | undefined> {
	switch (order.action) {
		case 'reload':
			return reasonOf(await steering.reload());
		case 'use':
		case 'backup':
		case 'hold':
			return steering.steer(order.action, order.path);
	}
}
