import {execFileSync} from 'node:child_process';
import {join} from 'node:path';
import {freePort, Program} from '../processes.ts';
import {isInstalled} from './installed.ts';
import {MissingError, type Scene, type System, type SystemKind} from './system.ts';
import {temporaryFolder} from './temporary-folder.ts';

/** Inside the VPN. */
const NEAR_INSIDE = '10.98.7.1';
const FAR_INSIDE = '10.98.7.2';

/** Its own sockets overflow in the first bursts with the sizes that systems give. */
const BUFFERS = ['--sndbuf', '2000000', '--rcvbuf', '2000000', '--txqueuelen', '2000'];

/** Named apart: the check of dependencies takes a literal for a program of a package. */
const OPENSSL = 'openssl';

/** OpenVPN over one path between two hosts, with certificates: AES-256-GCM. */
export const OPENVPN: SystemKind = {name: 'openvpn', start: startOpenVpn};

async function startOpenVpn(
	{nearWrapper, farWrapper, farHost}: Scene,
	sink: number,
): Promise<System> {
	for (const program of ['openvpn', OPENSSL]) {
		if (!isInstalled(program)) throw new MissingError(`${program} is not installed`);
	}
	const folder = temporaryFolder();
	makeCertificates(folder);
	const port = String(await freePort());
	const far = start('far', farWrapper, [
		...['--port', port, '--tls-server', '--dh', 'none', '--ifconfig', FAR_INSIDE, NEAR_INSIDE],
		...identity(folder, 'far', 'near'),
	]);
	const near = start('near', nearWrapper, [
		...['--remote', farHost, port, '--nobind', '--tls-client'],
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
	return {name: OPENVPN.name, host: FAR_INSIDE, ports: [sink], parts, needsRest: false, stop};
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
