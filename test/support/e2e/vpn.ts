import {run} from '../machine/commands.ts';
import {waitFor} from '../machine/wait-for.ts';
import type {TwoHosts} from './namespaces.ts';
import type {Child} from './process.ts';
import type {Stage} from './stage.ts';

/** What tests with OpenVPN need of the machine. */
export const VPN_NEEDS = {
	programs: ['openvpn', 'openssl', 'ip', 'ping', 'python3'],
	namespaces: true,
	tun: true,
} as const;

/** Inside the VPN. */
export const NEAR_ADDRESS = '10.98.0.1';
export const FAR_ADDRESS = '10.98.0.2';

/** Named apart: the check of dependencies takes a literal for a program of a package. */
const OPENVPN = 'openvpn';
const OPENSSL = 'openssl';

/** OpenVPN's own sockets overflow in the first bursts with the sizes that systems give. */
const BUFFERS = ['--sndbuf', '2000000', '--rcvbuf', '2000000', '--txqueuelen', '2000'];

/** As the README has it: its default of 64 drops copies that a slow path brings later. */
export const REPLAY_WINDOW = ['--replay-window', '4096', '15'] as const;

/** Policies of the client under which VPNs are tested. */
export const VPN_POLICIES = ['redundant', 'fec 2'] as const;

/**
 * Starts mpserver on host `b` with a fixed target there, three links of 10 % loss and 20 ms, and
 * mpclient on host `a`, with a policy. Resolves when a session is up; the ends' states are in `client` and `server`.
 */
export async function tunnelOverBadLinks(
	stage: Stage,
	{a, b, addressB, in: inHost}: TwoHosts,
	targetPort: number,
	policy: (typeof VPN_POLICIES)[number] = 'redundant',
): Promise<void> {
	const key = ['--key-file', await stage.key()];
	const state = (end: string) => ['--state', stage.path(end)];
	const target = ['127.0.0.1', `${targetPort}`, '--bind', addressB];
	const serverWords = ['2000', ...target, ...key, ...state('server')];
	await stage.program('mpserver', serverWords, {}, inHost(b)).says('mpserver runs');
	const ports = ['4000', '4001', '4002'];
	for (const port of ports) {
		const bad = ['--loss', '10%', '--delay', '20ms', '--seed', port];
		const words = ['link', '--listen', port, '--to', `${addressB}:2000`, ...bad];
		await stage.program('mptunnel', words, {}, inHost(a)).says('listening on');
	}
	const conf = stage.write('mpclient.conf', ports.map((port) => `127.0.0.1 ${port}\n`).join(''));
	const words = [conf, ...key, ...state('client'), '--policy', policy];
	const client = stage.program('mpclient', words, {}, inHost(a));
	await client.says('a session is up');
}

/** Starts OpenVPN behind a wrapper such as `ip netns exec NAME`. */
export function startVpn(
	stage: Stage,
	wrapper: readonly string[],
	words: readonly string[],
): Child {
	const [command = '', ...before] = wrapper;
	return stage.child(command, [
		...[...before, 'openvpn', '--dev', 'tun', '--proto', 'udp', '--verb', '3'],
		...[...words, ...BUFFERS],
	]);
}

/** Resolves when OpenVPN has said so often that it is connected. */
export async function untilConnected(vpn: Child, times = 1): Promise<void> {
	const complete = () => vpn.output.split('Initialization Sequence Completed').length - 1 >= times;
	try {
		await waitFor(() => complete() || !vpn.alive, 'OpenVPN', 60_000);
	} catch {
		// Its own words say more.
	}
	if (!complete()) throw new Error(`OpenVPN does not connect: ${vpn.output}`);
}

/** The words for a key that both ends share; it is made in the stage's folder. */
export function staticKey(stage: Stage): readonly string[] {
	const file = stage.path('static.key');
	run(OPENVPN, ['--genkey', 'secret', file]);
	return ['--secret', file, '--cipher', 'AES-256-CBC', ...allowStatic()];
}

/** From 2.7 on OpenVPN wants to hear that a static key is meant. */
function allowStatic(): readonly string[] {
	const version = /OpenVPN (\d+)\.(\d+)/.exec(run(OPENVPN, ['--version']));
	const [major, minor] = [Number(version?.[1]), Number(version?.[2])];
	const old = major < 2 || (major === 2 && minor < 7);
	return old ? [] : ['--allow-deprecated-insecure-static-crypto'];
}

/** The words for certificates, each signed by itself and known to the other end. */
export function certificates(stage: Stage): {
	readonly near: readonly string[];
	readonly far: readonly string[];
} {
	for (const name of ['near', 'far']) {
		const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
		const files = ['-keyout', stage.path(`${name}.pem`), '-out', stage.path(`${name}.crt`)];
		const what = ['req', '-x509', '-days', '2', '-subj', `/CN=${name}`];
		run(OPENSSL, [...what, ...curve, ...files]);
	}
	const of = (own: string, other: string) => [
		...['--ca', stage.path(`${other}.crt`)],
		...['--cert', stage.path(`${own}.crt`), '--key', stage.path(`${own}.pem`)],
	];
	return {near: of('near', 'far'), far: of('far', 'near')};
}
