import {join} from 'node:path';
import type {ExecutionContext} from 'ava';
import type {StatusSnapshot} from '../../src/app/observe/status.ts';
import {readStatus} from '../../src/app/observe/status-server.ts';
import {TwoHosts} from '../support/e2e/namespaces.ts';
import {needing} from '../support/e2e/needs.ts';
import {Stage} from '../support/e2e/stage.ts';
import {
	FAR_ADDRESS,
	NEAR_ADDRESS,
	REPLAY_WINDOW,
	startVpn,
	staticKey,
	tunnelOverBadLinks,
	untilConnected,
	VPN_NEEDS,
	VPN_POLICIES,
} from '../support/e2e/vpn.ts';
import {waitFor} from '../support/machine/wait-for.ts';

const MEGABYTES = 20;
const LEAST_MBIT = 15;

/**
 * For pings, and as the README has it: with 100 bytes of OpenVPN and 31 of the tunnel a full packet
 * stays below the 1,472 bytes that a path over Ethernet carries, so nothing is split.
 */
const WHOLE = '1340';

/**
 * The rate of TCP under random loss grows with its segments: 1.22 x MSS / (RTT x sqrt(loss)), which
 * is 10 Mbit/s with MSS 1288, 42 ms and the 0.1 % that three paths of 10 % leave. Of packets in six
 * parts more are lost, but the root wins: 2.4 times that.
 */
const SPLIT = '8200';

/**
 * Sends random bytes from this host to one connection, then prints their hash and what was sent
 * again. The congestion control is the socket's own: some kernels default to bbr, which takes random
 * loss for nothing, and a namespace may not choose any.
 */
const SENDER = `
import hashlib, os, socket, struct
sender = socket.socket()
sender.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, b'cubic')
assert sender.getsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, 16).startswith(b'cubic')
sender.connect(('${FAR_ADDRESS}', 5001))
digest = hashlib.sha256()
for _ in range(${MEGABYTES}):
    part = os.urandom(1000000)
    digest.update(part)
    sender.sendall(part)
sender.shutdown(socket.SHUT_WR)
sender.recv(1)
again = struct.unpack('I', sender.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)[100:104])[0]
print(digest.hexdigest(), again)
`;

/** Takes one connection; prints the hash of what came, the bytes, and how long they took. */
const RECEIVER = `
import hashlib, socket, time
listener = socket.create_server(('${FAR_ADDRESS}', 5001))
print('listening', flush=True)
connection, _ = listener.accept()
start = time.monotonic()
digest = hashlib.sha256()
count = 0
while True:
    part = connection.recv(65536)
    if not part:
        break
    digest.update(part)
    count += len(part)
print(digest.hexdigest(), count, (time.monotonic() - start) * 1000)
`;

interface Vpn {
	readonly stage: Stage;
	readonly hosts: TwoHosts;
	readonly status: (end: 'client' | 'server') => Promise<StatusSnapshot>;
}

/** OpenVPN between two hosts, through mpclient, three bad links and mpserver. */
async function connect(
	t: ExecutionContext,
	mtu: string,
	policy?: (typeof VPN_POLICIES)[number],
): Promise<Vpn> {
	const stage = new Stage(t);
	const hosts = new TwoHosts(t);
	const {a, b} = hosts;
	await tunnelOverBadLinks(stage, hosts, 1194, policy);
	const secret = staticKey(stage);
	const size = ['--tun-mtu', mtu, ...REPLAY_WINDOW, '--ifconfig'];
	const far = startVpn(stage, hosts.in(b), [
		...['--lport', '1194', '--bind', '--local', '127.0.0.1', ...secret],
		...[...size, FAR_ADDRESS, NEAR_ADDRESS],
	]);
	const near = startVpn(stage, hosts.in(a), [
		...['--remote', '127.0.0.1', '3000', '--nobind', ...secret],
		...[...size, NEAR_ADDRESS, FAR_ADDRESS],
	]);
	for (const vpn of [near, far]) await untilConnected(vpn);
	const status = (end: 'client' | 'server') => readStatus(join(stage.path(end), 'status.sock'));
	return {stage, hosts, status};
}

for (const policy of VPN_POLICIES) {
	needing(VPN_NEEDS).serial(
		`over three links of 10 % loss OpenVPN loses at most 20 of 1,000 pings with ${policy}`,
		async (t) => {
			const {stage, hosts} = await connect(t, WHOLE, policy);
			const [command = '', ...words] = hosts.in(hosts.a);
			// Often enough for a code: where less than one comes in a deadline, `fec 2` is two copies.
			const ping = ['ping', '-c', '1000', '-i', '0.01', '-W', '2', FAR_ADDRESS];
			const child = stage.child(command, [...words, ...ping]);
			await child.end();
			const received = Number(/(\d+) received/.exec(child.output)?.[1]);
			t.log(child.output.trim().split('\n').slice(-2).join('; '));
			t.true(received >= 980, child.output);
		},
	);
}

/** Sends once through the VPN; returns Mbit/s. */
async function transfer(t: ExecutionContext, {stage, hosts}: Vpn): Promise<number> {
	const python = (host: string, script: string) => {
		const [command = '', ...words] = hosts.in(host);
		return stage.child(command, [...words, 'python3', '-c', script]);
	};
	const receiver = python(hosts.b, RECEIVER);
	await waitFor(() => receiver.output.includes('listening'), 'the receiver');
	const sender = python(hosts.a, SENDER);
	t.is(await sender.end(100_000), 0, sender.output);
	t.is(await receiver.end(), 0, receiver.output);
	const [hash, bytes, millis] = receiver.output.trim().split('\n').at(-1)!.split(' ');
	const [sent, again] = sender.output.trim().split(' ');
	t.is(hash, sent);
	const rate = (Number(bytes) * 8) / 1000 / Number(millis);
	t.log(`${rate.toFixed(1)} Mbit/s, ${again} segments sent again`);
	return rate;
}

async function logLosses(t: ExecutionContext, vpn: Vpn): Promise<void> {
	const percent = (share = 0) => `${(share * 100).toFixed(2)} %`;
	for (const end of ['client', 'server'] as const) {
		const {sessions, drops} = await vpn.status(end);
		const session = sessions[0]!;
		const paths = session.paths.map(
			({sending, rtt = 0, saturated}) =>
				`${percent(sending.loss)} ${rtt.toFixed(1)} ms, ${saturated} saturated`,
		);
		const residual = percent(session.residualLoss);
		t.log(`${end}: residual in ${residual}; ${paths.join('; ')}; ${JSON.stringify(drops)}`);
	}
}

needing(VPN_NEEDS).serial(
	`over them ${MEGABYTES} MB of TCP reach ${LEAST_MBIT} Mbit/s`,
	async (t) => {
		const vpn = await connect(t, SPLIT);
		// A handful of losses more or less makes a large difference, and so does a busy machine.
		let best = 0;
		for (let attempt = 0; attempt < 5 && best < LEAST_MBIT; attempt++) {
			best = Math.max(best, await transfer(t, vpn));
			await logLosses(t, vpn);
		}
		t.true(best >= LEAST_MBIT, `${best.toFixed(1)} Mbit/s`);
	},
);

needing(VPN_NEEDS).serial(`over them ${MEGABYTES} MB of TCP are complete with fec 2`, async (t) => {
	const vpn = await connect(t, WHOLE, 'fec 2');
	await transfer(t, vpn);
	const {sessions} = await vpn.status('client');
	const sending = sessions[0]!.lanes?.find(({policy}) => policy === 'fec 2')?.sending;
	t.true((sending?.repairs ?? 0) > 0, JSON.stringify(sending));
	t.true((sending?.reported.recovered ?? 0) > 0, JSON.stringify(sending));
});
