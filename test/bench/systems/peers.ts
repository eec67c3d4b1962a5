import process from 'node:process';
import {freePort, Program, pause} from '../processes.ts';
import {NEAR_HOST, type Part, type Scene, type System, type SystemKind} from './system.ts';
import {temporaryFolder} from './temporary-folder.ts';

/** They are not known to say anything that could be waited for. */
const START_MILLIS = 1500;

const VARIABLE = /^BENCH_PEER_(\w+)_(CLIENT|SERVER)$/;

/** For `--help`. */
export const PEER_HELP = `Other tunnels are measured beside when the environment has the commands that start them:

  BENCH_PEER_<NAME>_CLIENT   receives datagrams at {listen} and takes them to {server}
  BENCH_PEER_<NAME>_SERVER   receives at {server}, and sends the datagrams to {target}

Each is one command for sh, started in an empty folder: {folder}. Other placeholders: {listen_port},
{server_port}, {target_port}, {host} (of all three). {listen}, {server} and {target} are HOST:PORT. For
example:

  BENCH_PEER_SOCATS_CLIENT='socat udp-listen:{listen_port} udp4:{server}' \\
  BENCH_PEER_SOCATS_SERVER='socat udp-listen:{server_port} udp4:{target}' npm run bench -- --only other
`;

/** The commands of one peer. */
export interface PeerCommands {
	readonly name: string;
	readonly client: string | undefined;
	readonly server: string | undefined;
}

/** The peers that an environment has commands for, by name. */
export function readPeers(
	environment: Readonly<Record<string, string | undefined>>,
): PeerCommands[] {
	const peers = new Map<string, {client?: string; server?: string}>();
	for (const [variable, command] of Object.entries(environment)) {
		const [, name, end] = VARIABLE.exec(variable) ?? [];
		if (name === undefined || command === undefined) continue;
		const peer = peers.get(name) ?? {};
		peer[end === 'CLIENT' ? 'client' : 'server'] = command;
		peers.set(name, peer);
	}
	return [...peers].map(([name, {client, server}]) => ({
		name: name.toLowerCase(),
		client,
		server,
	}));
}

/** Puts values in for the {placeholders}; throws for one that there is no value for. */
export function fillTemplate(template: string, values: Readonly<Record<string, string>>): string {
	return template.replace(/\{(\w+)\}/g, (whole, name: string) => {
		const value = values[name];
		if (value === undefined) throw new Error(`${whole} is no placeholder of a peer`);
		return value;
	});
}

/** Those of this process's environment. */
export function peerKinds(): SystemKind[] {
	return readPeers(process.env).map((peer) => ({
		name: peer.name,
		start: (scene, sink) => startPeer(peer, scene, sink),
	}));
}

async function startPeer(peer: PeerCommands, scene: Scene, sink: number): Promise<System> {
	const [listen, server] = [await freePort(), await freePort()];
	const values = {
		host: NEAR_HOST,
		listen: `${NEAR_HOST}:${listen}`,
		listen_port: `${listen}`,
		server: `${NEAR_HOST}:${server}`,
		server_port: `${server}`,
		target: `${NEAR_HOST}:${sink}`,
		target_port: `${sink}`,
		folder: temporaryFolder(),
	};
	const start = (template: string, wrapper: readonly string[]) => {
		// exec: the process measured is the command's own.
		const line = `cd ${values.folder} && exec ${fillTemplate(template, values)}`;
		return new Program(peer.name, [...wrapper, 'sh', '-c', line], {});
	};
	const parts: Part[] = [];
	if (peer.server !== undefined) {
		parts.push({role: 'server', program: start(peer.server, scene.farWrapper)});
		await pause(START_MILLIS);
	}
	if (peer.client !== undefined) {
		parts.push({role: 'client', program: start(peer.client, scene.nearWrapper)});
	}
	await pause(START_MILLIS);
	return {
		name: peer.name,
		host: NEAR_HOST,
		ports: [peer.client === undefined ? server : listen],
		parts,
		needsRest: true,
		stop: async () => {
			await Promise.all(parts.map(({program}) => program.kill()));
		},
	};
}
