import type {StatusSnapshot} from '../../../src/app/observe/status.ts';
import {readStatus} from '../../../src/app/observe/status-server.ts';

/** Asks the program at that status socket until an answer meets the condition; resolves with that. */
export async function untilSnapshot(
	socket: string,
	condition: (snapshot: StatusSnapshot) => boolean,
	what: () => string,
	limit = 30_000,
): Promise<StatusSnapshot> {
	const end = performance.now() + limit;
	for (;;) {
		// It may not have begun to answer.
		const snapshot = await readStatus(socket).catch(() => undefined);
		if (snapshot !== undefined && condition(snapshot)) return snapshot;
		if (performance.now() > end) throw new Error(`waited in vain for ${what()}`);
		await new Promise((resolve) => setTimeout(resolve, 5));
	}
}

/** The number of paths that are up, of all sessions. */
export function pathsUp({sessions}: StatusSnapshot): number {
	return sessions.flatMap(({paths}) => paths).filter(({state}) => state === 'up').length;
}
