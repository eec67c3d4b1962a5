import {freePort, Program, pause} from '../processes.ts';
import {isInstalled} from './installed.ts';
import {
	MissingError,
	NEAR_HOST,
	type Part,
	type Scene,
	type System,
	type SystemKind,
} from './system.ts';

/** Nothing at all between generator and sink. */
export const DIRECT: SystemKind = {
	name: 'direct',
	start: async ({farHost}, sink): Promise<System> => ({
		name: 'direct',
		host: farHost,
		ports: [sink],
		parts: [],
		needsRest: false,
		stop: async () => {},
	}),
};

/** The reference: one plain relay hop, which neither seals nor copies. */
export const SOCAT: SystemKind = {
	name: 'socat',
	start: (scene, sink) => startSocats(scene, sink, 1),
};

/** Three plain relays, to which the generator itself sends each datagram. */
export const THREE_SOCATS: SystemKind = {
	name: 'three socats, copies by the generator',
	start: (scene, sink) => startSocats(scene, sink, 3),
};

async function startSocats(scene: Scene, sink: number, count: number): Promise<System> {
	const {name} = count === 1 ? SOCAT : THREE_SOCATS;
	const relays = await startRelays(count, scene.nearWrapper, {host: scene.farHost, port: sink});
	return {
		name,
		host: NEAR_HOST,
		ports: relays.map(({port}) => port),
		parts: relays.map(({part}, i) => ({...part, role: count === 1 ? 'relay' : `relay ${i + 1}`})),
		needsRest: false,
		stop: async () => {
			await Promise.all(relays.map(({part}) => part.program.kill()));
		},
	};
}

/** A plain socat, and where it listens. */
export interface Relay {
	readonly port: number;
	readonly part: Part;
}

/** Plain relays, each to a port of its own at the first sender it hears. */
export async function startRelays(
	count: number,
	wrapper: readonly string[],
	to: {readonly host: string; readonly port: number},
): Promise<Relay[]> {
	if (!isInstalled('socat')) throw new MissingError('socat is not installed');
	const relays: Relay[] = [];
	for (let i = 0; i < count; i++) {
		const port = await freePort();
		const listen = `udp-listen:${port},bind=${NEAR_HOST}`;
		const words = ['socat', '-b65536', listen, `udp4:${to.host}:${to.port}`];
		const program = new Program('socat', [...wrapper, ...words], {});
		relays.push({port, part: {role: `bridge ${i + 1}`, program}});
	}
	await pause(200);
	return relays;
}
