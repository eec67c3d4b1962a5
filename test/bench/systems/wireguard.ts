import {execFileSync} from 'node:child_process';
import {existsSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import process from 'node:process';
import {freePort, Program, pause} from '../processes.ts';
import {isInstalled} from './installed.ts';
import {MissingError, NEAR_HOST, type Scene} from './system.ts';
import {temporaryFolder} from './temporary-folder.ts';
import type {Vpn} from './vpn.ts';

const NEAR_INSIDE = '10.98.8.1';
const FAR_INSIDE = '10.98.8.2';

/** As the README has it. */
const MTU = '1380';

/** Time that a device takes, at most. */
const PATIENCE_MILLIS = 5000;

/** Named apart: the check of dependencies takes a literal for a program of a package. */
const WG = 'wg';

let devices = 0;

interface End {
	readonly wrapper: readonly string[];
	readonly secret: string;
	readonly address: string;
	readonly listens?: number;
	/** The other end: its key, its address, and where packets for it go. */
	readonly peer: string;
	readonly peerAddress: string;
	readonly endpoint?: string;
}

/** wireguard-go at both ends of a tunnel; `connect` makes the tunnel to the far end's port. */
export async function startWireGuard(
	{nearWrapper, farWrapper}: Scene,
	connect: (port: number) => Promise<number>,
): Promise<Vpn> {
	for (const program of ['wireguard-go', WG, 'ip']) {
		if (!isInstalled(program)) throw new MissingError(`${program} is not installed`);
	}
	if (!existsSync('/dev/net/tun')) throw new MissingError('there is no /dev/net/tun');
	const port = await freePort();
	const entry = await connect(port);
	const [near, far] = [keyPair(), keyPair()];
	const ends: readonly End[] = [
		{
			...{wrapper: farWrapper, secret: far.secret, address: FAR_INSIDE, listens: port},
			...{peer: near.open, peerAddress: NEAR_INSIDE},
		},
		{
			...{wrapper: nearWrapper, secret: near.secret, address: NEAR_INSIDE},
			...{peer: far.open, peerAddress: FAR_INSIDE, endpoint: `${NEAR_HOST}:${entry}`},
		},
	];
	const programs: Program[] = [];
	for (const end of ends) programs.push(await startEnd(end));
	return {
		host: FAR_INSIDE,
		stop: async () => {
			await Promise.all(programs.map((program) => program.kill('SIGTERM')));
		},
	};
}

function keyPair(): {readonly secret: string; readonly open: string} {
	const secret = execFileSync(WG, ['genkey']).toString().trim();
	return {secret, open: execFileSync(WG, ['pubkey'], {input: secret}).toString().trim()};
}

async function startEnd(end: End): Promise<Program> {
	const {wrapper} = end;
	// The control sockets of all namespaces are in one folder.
	const device = `wgb${process.pid}-${devices++}`.slice(-15);
	const program = new Program('wireguard-go', [...wrapper, 'wireguard-go', '-f', device], {});
	const inside = (...words: readonly string[]): string => {
		const [file = '', ...argv] = [...wrapper, ...words];
		return execFileSync(file, argv, {stdio: ['ignore', 'pipe', 'pipe']}).toString();
	};
	const deadline = performance.now() + PATIENCE_MILLIS;
	while (!inside(WG, 'show', 'interfaces').includes(device)) {
		if (!program.runs || performance.now() > deadline) {
			throw new Error(`no device of wireguard-go: ${program.stderr}`);
		}
		await pause(20);
	}
	const file = join(temporaryFolder(), 'wg.conf');
	writeFileSync(file, configurationOf(end));
	inside(WG, 'setconf', device, file);
	inside('ip', 'addr', 'add', `${end.address}/24`, 'dev', device);
	inside('ip', 'link', 'set', device, 'mtu', MTU, 'up');
	return program;
}

function configurationOf({secret, listens, peer, peerAddress, endpoint}: End): string {
	return [
		'[Interface]',
		`PrivateKey = ${secret}`,
		...(listens === undefined ? [] : [`ListenPort = ${listens}`]),
		'[Peer]',
		`PublicKey = ${peer}`,
		`AllowedIPs = ${peerAddress}/32`,
		...(endpoint === undefined ? [] : [`Endpoint = ${endpoint}`, 'PersistentKeepalive = 25']),
		'',
	].join('\n');
}
