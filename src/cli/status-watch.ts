import {type LiveLine, liveTable} from '../app/observe/live-table.ts';
import type {StatusSnapshot} from '../app/observe/status.ts';
import {quoteText} from '../text/escape-text.ts';
import {wrapParts} from '../text/width.ts';

/** A program that can be asked for its status. */
export interface Watched {
	/** Its state folder. */
	readonly folder: string;
	readonly pid: number;
	/** Rejects with an Error for the user. */
	ask(): Promise<StatusSnapshot>;
}

/** Inputs of {@link watchStatus}. */
export interface WatchInit {
	/** Returns the programs that run now. */
	readonly find: () => readonly Watched[];
	readonly show: (lines: readonly LiveLine[]) => void;
	/** Writes one line below what is shown. */
	readonly say: (text: string) => void;
	/** Resolves after the interval with true, and with false as soon as the user ends the watch. */
	readonly pause: () => Promise<boolean>;
}

/** Shows tables of running programs again and again, until the last one or the user ends it. */
export async function watchStatus({find, show, say, pause}: WatchInit): Promise<void> {
	let known = new Map<string, Seen>();
	do {
		const running = find();
		const asked = await Promise.all(running.map((program) => look(program, known)));
		const seen = new Map(asked.map((one) => [one.key, one] as const));
		for (const [key, {name}] of known) if (!seen.has(key)) say(`${name} has ended`);
		if (running.length === 0) return;
		show(asked.flatMap(({lines}, index) => [...(index > 0 ? [{text: ''}] : []), ...lines]));
		known = seen;
	} while (await pause());
}

async function look(program: Watched, known: ReadonlyMap<string, Seen>): Promise<Seen> {
	const key = `${program.pid} ${program.folder}`;
	const {last, name} = known.get(key) ?? {last: undefined, name: quoteText(program.folder)};
	try {
		const now = await program.ask();
		return {key, last: now, name: `${now.program} (pid ${now.pid})`, lines: liveTable(now, last)};
	} catch (error) {
		const reason = error instanceof Error ? error.message : String(error);
		const lines = wrapParts([`${name} does not answer: ${reason}`]);
		return {key, last, name, lines: lines.map((text) => ({text, tone: 'bad'}))};
	}
}

/** One look at a program. */
interface Seen {
	readonly key: string;
	/** Its last answer. */
	readonly last: StatusSnapshot | undefined;
	readonly name: string;
	readonly lines: readonly LiveLine[];
}
