import {freePort, Program, pause} from '../processes.ts';
import {isInstalled} from './installed.ts';
import {MissingError, NEAR_HOST, type Scene, type System, type SystemKind} from './system.ts';

const METHOD = ['-m', 'chacha20-ietf-poly1305', '-k', 'for measurements only'];
/** They say nothing that could be waited for. */
const START_MILLIS = 500;

/** shadowsocks-libev: ss-tunnel near, ss-server far, one path, sealed. */
export const SHADOWSOCKS: SystemKind = {name: 'ss-tunnel', start: startShadowsocks};

async function startShadowsocks(scene: Scene, sink: number): Promise<System> {
	for (const program of ['ss-tunnel', 'ss-server']) {
		if (!isInstalled(program)) throw new MissingError(`${program} is not installed`);
	}
	const {farHost, farWrapper, nearWrapper} = scene;
	const port = await freePort();
	const between = ['-s', farHost, '-p', String(await freePort()), ...METHOD, '-u'];
	const server = new Program('ss-server', [...farWrapper, 'ss-server', ...between], {});
	const target = ['-L', `${NEAR_HOST}:${sink}`];
	const local = ['-b', NEAR_HOST, '-l', String(port), ...target];
	const client = new Program('ss-tunnel', [...nearWrapper, 'ss-tunnel', ...between, ...local], {});
	await pause(START_MILLIS);
	const parts = [
		{role: 'client', program: client},
		{role: 'server', program: server},
	];
	return {
		name: SHADOWSOCKS.name,
		host: NEAR_HOST,
		ports: [port],
		parts,
		needsRest: false,
		stop: async () => {
			await Promise.all(parts.map(({program}) => program.kill()));
		},
	};
}
