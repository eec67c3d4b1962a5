import {execFileSync, spawnSync} from 'node:child_process';
import process from 'node:process';
import {isInstalled} from './installed.ts';
import {MissingError, type Scene} from './system.ts';

const NEAR_ADDRESS = '10.99.7.1';
const FAR_ADDRESS = '10.99.7.2';

let count = 0;

/**
 * Two network namespaces with a cable between them, gone when `use` has ended. With `takesRuns` false
 * the kernel takes runs of datagrams apart before, as it does for most network cards.
 */
export async function withCable<T>(
	takesRuns: boolean,
	use: (scene: Scene) => Promise<T>,
): Promise<T> {
	if (process.getuid?.() !== 0) throw new MissingError('needs root');
	if (!isInstalled('ip')) throw new MissingError('ip is not installed');
	const name = `mptb-${process.pid}-${count++}`;
	const [near, far] = [`${name}-near`, `${name}-far`];
	const remove = () => {
		for (const host of [near, far]) spawnSync('ip', ['netns', 'del', host]);
	};
	process.once('exit', remove);
	try {
		try {
			connect(near, far, takesRuns);
		} catch (error) {
			throw new MissingError(`no network namespaces: ${reason(error)}`);
		}
		return await use({
			nearWrapper: ['ip', 'netns', 'exec', near],
			farWrapper: ['ip', 'netns', 'exec', far],
			farHost: FAR_ADDRESS,
		});
	} finally {
		remove();
		process.off('exit', remove);
	}
}

function connect(near: string, far: string, takesRuns: boolean): void {
	ip('netns', 'add', near);
	ip('netns', 'add', far);
	ip('link', 'add', 'cable', 'netns', near, 'type', 'veth', 'peer', 'cable', 'netns', far);
	for (const [host, address] of [
		[near, NEAR_ADDRESS],
		[far, FAR_ADDRESS],
	] as const) {
		ip('-n', host, 'addr', 'add', `${address}/24`, 'dev', 'cable');
		ip('-n', host, 'link', 'set', 'cable', ...(takesRuns ? [] : ['gso_max_segs', '1']), 'up');
		ip('-n', host, 'link', 'set', 'lo', 'up');
	}
}

function ip(...words: readonly string[]): void {
	execFileSync('ip', words, {stdio: ['ignore', 'ignore', 'pipe']});
}

function reason(error: unknown): string {
	return (error instanceof Error ? error.message : String(error)).replaceAll('\n', ' ');
}
