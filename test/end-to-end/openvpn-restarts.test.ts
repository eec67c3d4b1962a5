import type {ExecutionContext} from 'ava';
import {TwoHosts} from '../support/e2e/namespaces.ts';
import {needing} from '../support/e2e/needs.ts';
import type {Child} from '../support/e2e/process.ts';
import type {Program} from '../support/e2e/program.ts';
import {Stage} from '../support/e2e/stage.ts';
import {
	certificates,
	FAR_ADDRESS,
	NEAR_ADDRESS,
	startVpn,
	staticKey,
	untilConnected,
	VPN_NEEDS,
} from '../support/e2e/vpn.ts';

type Mode = 'TLS' | 'a static key';
type Front = 'the classic port' | 'SOCKS5';

/** Both ends of the tunnel over three bad links, between two hosts; each can be started again. */
class Ends {
	readonly hosts: TwoHosts;
	readonly stage: Stage;
	#client: Program | undefined;
	#server: Program | undefined;
	readonly #key: readonly string[];

	private constructor(stage: Stage, hosts: TwoHosts, key: string) {
		this.stage = stage;
		this.hosts = hosts;
		this.#key = ['--key-file', key];
	}

	static async start(t: ExecutionContext): Promise<Ends> {
		const stage = new Stage(t);
		const ends = new Ends(stage, new TwoHosts(t), await stage.key());
		const {a, addressB} = ends.hosts;
		await ends.startServer();
		const ports = ['4000', '4001', '4002'];
		for (const port of ports) {
			const bad = ['--loss', '10%', '--delay', '20ms', '--seed', port];
			const words = ['link', '--listen', port, '--to', `${addressB}:2000`, ...bad];
			await stage.program('mptunnel', words, {}, ends.hosts.in(a)).says('listening on');
		}
		stage.write('mpclient.conf', ports.map((port) => `127.0.0.1 ${port}\n`).join(''));
		await ends.startClient();
		await ends.#client?.says('a session is up');
		return ends;
	}

	async startServer(): Promise<void> {
		const {b, addressB} = this.hosts;
		const words = ['2000', '127.0.0.1', '1194', '--bind', addressB, '--exit'];
		const more = ['--allow', '127.0.0.1:1194', '--state', this.stage.path('server'), ...this.#key];
		this.#server = this.stage.program('mpserver', [...words, ...more], {}, this.hosts.in(b));
		await this.#server.says('mpserver runs');
	}

	async startClient(): Promise<void> {
		const words = [this.stage.path('mpclient.conf'), '--state', this.stage.path('client')];
		const wrapper = this.hosts.in(this.hosts.a);
		this.#client = this.stage.program('mpclient', [...words, ...this.#key], {}, wrapper);
		await this.#client.says('mpclient runs');
	}

	async crash(end: 'client' | 'server'): Promise<void> {
		const program = end === 'client' ? this.#client : this.#server;
		program?.kill('SIGKILL');
		await program?.end();
		await (end === 'client' ? this.startClient() : this.startServer());
	}
}

/** Notices a dead peer, and an association that is gone, within three seconds. */
const IMPATIENT = ['--ping', '1', '--ping-restart', '3', '--connect-retry', '1', '1'];

function startBoth({stage, hosts}: Ends, mode: Mode, front: Front): readonly [Child, Child] {
	const way =
		front === 'SOCKS5'
			? ['--remote', '127.0.0.1', '1194', '--socks-proxy', '127.0.0.1', '1080']
			: ['--remote', '127.0.0.1', '3000'];
	const listen = ['--lport', '1194', '--bind', '--local', '127.0.0.1', '--float'];
	const near = [...way, '--nobind', ...IMPATIENT];
	const far = [...listen, ...IMPATIENT];
	if (mode === 'TLS') {
		const words = certificates(stage);
		const subnet = ['--topology', 'subnet', '--ifconfig', FAR_ADDRESS, '255.255.255.0'];
		const pool = ['--ifconfig-pool', '10.98.0.10', '10.98.0.20', '255.255.255.0'];
		far.push('--mode', 'server', '--tls-server', '--dh', 'none', ...subnet, ...pool, ...words.far);
		far.push('--push', 'topology subnet');
		near.push('--client', ...words.near);
	} else {
		const secret = staticKey(stage);
		far.push('--ifconfig', FAR_ADDRESS, NEAR_ADDRESS, ...secret);
		near.push('--ifconfig', NEAR_ADDRESS, FAR_ADDRESS, ...secret);
	}
	return [startVpn(stage, hosts.in(hosts.a), near), startVpn(stage, hosts.in(hosts.b), far)];
}

/** Pings through the VPN until ten answers have come; how many were sent. */
async function ping(t: ExecutionContext, {stage, hosts}: Ends, what: string): Promise<void> {
	const [command = '', ...words] = hosts.in(hosts.a);
	// While OpenVPN starts anew its device is gone, and with it the route.
	const tries = `until ping -c 10 -i 0.2 -w 60 ${FAR_ADDRESS}; do sleep 0.2; done`;
	const child = stage.child(command, [...words, 'sh', '-c', tries]);
	await child.end(120_000);
	const answers = [...child.output.matchAll(/(\d+) packets transmitted, (\d+) received/g)];
	const [, sent, received] = answers.at(-1) ?? [];
	t.log(`${what}: ${received} of ${sent} pings answered`);
	t.true(Number(received) >= 10, child.output);
}

for (const mode of ['TLS', 'a static key'] as const) {
	for (const front of ['the classic port', 'SOCKS5'] as const) {
		needing(VPN_NEEDS)(
			`OpenVPN with ${mode} over ${front} lives through kill -9 of either end`,
			async (t) => {
				t.timeout(240_000);
				const ends = await Ends.start(t);
				const both = startBoth(ends, mode, front);
				for (const vpn of both) await untilConnected(vpn);
				await ping(t, ends, 'at first');
				await ends.crash('server');
				await ping(t, ends, 'after kill -9 of mpserver');
				await ends.crash('client');
				await ping(t, ends, 'after kill -9 of mpclient');
				t.true(both.every(({alive}) => alive));
			},
		);
	}
}
