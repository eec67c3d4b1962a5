import {execFileSync} from 'node:child_process';
import {join} from 'node:path';
import {freePort, Program} from '../processes.ts';
import {isInstalled} from './installed.ts';
import {MissingError, NEAR_HOST, type Scene, type System, type SystemKind} from './system.ts';
import {temporaryFolder} from './temporary-folder.ts';
import type {Vpn} from './vpn.ts';

/** Inside the VPN. */
const NEAR_INSIDE = '10.98.7.1';
const FAR_INSIDE = '10.98.7.2';

/** Its own sockets overflow in the first bursts with the sizes that systems give. */
const BUFFERS = ['--sndbuf', '2000000', '--rcvbuf', '2000000', '--txqueuelen', '2000'];

/** Named apart: the check of dependencies takes a literal for a program of a package. */
const OPENSSL = 'openssl';

/** As the README has it for OpenVPN inside the tunnel. */
const INNER = ['--tun-mtu', '1380', '--replay-window', '4096', '15'];

/** OpenVPN over one path between two hosts, with certificates: AES-256-GCM. */
export const OPENVPN: SystemKind = {name: 'openvpn', start: startOpenVpn};

async function startOpenVpn(scene: Scene, sink: number): Promise<System> {
	checkInstalled();
	const port = await freePort();
	const {parts, stop} = await startPair(scene, {host: scene.farHost, port, entry: port});
	return {name: OPENVPN.name, host: FAR_INSIDE, ports: [sink], parts, needsRest: false, stop};
}

/** OpenVPN at both ends of a tunnel; `connect` makes the tunnel to the far end's port. */
export async function startInnerOpenVpn(
	scene: Scene,
	connect: (port: number) => Promise<number>,
): Promise<Vpn> {
	checkInstalled();
	const port = await freePort();
	const entry = await connect(port);
	const {stop} = await startPair(scene, {host: NEAR_HOST, port, entry}, INNER);
	return {host: FAR_INSIDE, stop};
}

function checkInstalled(): void {
	for (const program of ['openvpn', OPENSSL]) {
		if (!isInstalled(program)) throw new MissingError(`${program} is not installed`);
	}
}

/** Way to the far end as the near one knows it, and the port that leads there. */
interface Remote {
	readonly host: string;
	readonly entry: number;
	/** Port of the far end itself. */
	readonly port: number;
}

async function startPair(
	{nearWrapper, farWrapper}: Scene,
	{host, port, entry}: Remote,
	words: readonly string[] = [],
): Promise<Pick<System, 'parts' | 'stop'>> {
	const folder = temporaryFolder();
	makeCertificates(folder);
	const far = start('far', farWrapper, [
		...['--port', `${port}`, '--tls-server', '--dh', 'none', ...words],
		...['--ifconfig', FAR_INSIDE, NEAR_INSIDE, ...identity(folder, 'far', 'near')],
	]);
	const near = start('near', nearWrapper, [
		...['--remote', host, `${entry}`, '--nobind', '--tls-client', ...words],
		...['--ifconfig', NEAR_INSIDE, FAR_INSIDE, ...identity(folder, 'near', 'far')],
	]);
	const parts = [
		{role: 'client', program: near},
		{role: 'server', program: far},
	];
	const stop = async () => {
		await Promise.all(parts.map(({program}) => program.kill()));
	};
	try {
		for (const {program} of parts) await program.says('Initialization Sequence Completed');
	} catch (error) {
		await stop();
		const reason = error instanceof Error ? error.message : String(error);
		// Containers often have none.
		if (reason.includes('/dev/net/tun')) throw new MissingError('there is no /dev/net/tun');
		throw error;
	}
	return {parts, stop};
}

function start(name: string, wrapper: readonly string[], words: readonly string[]): Program {
	const common = ['--dev', 'tun', '--proto', 'udp', '--verb', '3', ...BUFFERS];
	// It writes its log to standard output.
	const shell = ['sh', '-c', 'exec "$@" 1>&2', 'sh'];
	return new Program(`openvpn ${name}`, [...wrapper, ...shell, 'openvpn', ...common, ...words], {});
}

// Each signed by itself and known to the other end.
function makeCertificates(folder: string): void {
	for (const name of ['near', 'far']) {
		const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
		const files = ['-keyout', join(folder, `${name}.pem`), '-out', join(folder, `${name}.crt`)];
		const what = ['req', '-x509', '-days', '2', '-subj', `/CN=${name}`];
		execFileSync(OPENSSL, [...what, ...curve, ...files], {stdio: 'ignore'});
	}
}

function identity(folder: string, own: string, other: string): string[] {
	const file = (name: string) => join(folder, name);
	const authority = ['--ca', file(`${other}.crt`)];
	return [...authority, '--cert', file(`${own}.crt`), '--key', file(`${own}.pem`)];
}
