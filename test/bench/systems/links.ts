import {freePort, Program} from '../processes.ts';
import {NEAR_HOST} from './system.ts';

/** What a link did to what went through it in one direction. */
export interface LinkCounts {
	readonly received: number;
	readonly delivered: number;
}

/** Simulated links side by side. */
export interface Links {
	readonly ports: readonly number[];
	/** Ends them; what each did to what went from clients to the target. */
	stop(): Promise<readonly LinkCounts[]>;
}

/** Starts a link with each list of flags of `mptunnel link`. */
export async function startLinks(
	flags: readonly (readonly string[])[],
	wrapper: readonly string[],
	to: {readonly host: string; readonly port: number},
): Promise<Links> {
	const ports: number[] = [];
	const programs: Program[] = [];
	for (const own of flags) {
		const port = await freePort();
		const ends = ['--listen', `${NEAR_HOST}:${port}`, '--to', `${to.host}:${to.port}`];
		const words = ['link', ...ends, ...own];
		const program = Program.node('mptunnel', words, {}, wrapper);
		await program.says('listening on');
		ports.push(port);
		programs.push(program);
	}
	return {
		ports,
		stop: () =>
			Promise.all(
				programs.map(async (program) => {
					await program.kill('SIGTERM');
					return parseLinkCounts(program.stderr);
				}),
			),
	};
}

/** Reads what a link prints at its end; NaN where it printed nothing. */
export function parseLinkCounts(text: string): LinkCounts {
	const match = /^up +([\d,]+) +([\d,]+) /m.exec(text);
	const [received, delivered] = [match?.[1], match?.[2]].map((figure) =>
		Number(figure?.replaceAll(',', '') ?? Number.NaN),
	) as [number, number];
	return {received, delivered};
}
