import process from 'node:process';
import type {ExecutionContext} from 'ava';
import {TwoLines} from '../support/e2e/lines.ts';
import {needing} from '../support/e2e/needs.ts';
import type {Child} from '../support/e2e/process.ts';
import {
	FAR_ADDRESS,
	NEAR_ADDRESS,
	startVpn,
	staticKey,
	untilConnected,
	VPN_NEEDS,
} from '../support/e2e/vpn.ts';
import {run} from '../support/machine/commands.ts';
import {waitFor} from '../support/machine/wait-for.ts';

const NEEDS = {...VPN_NEEDS, programs: [...VPN_NEEDS.programs, 'ss'] as const};

/** An OpenVPN that takes the whole client host through a tunnel with these paths. */
async function openVpn(
	t: ExecutionContext,
	...paths: readonly string[]
): Promise<{lines: TwoLines; vpn: Child}> {
	const lines = new TwoLines(t);
	await lines.start(paths, [], 1194);
	await lines.until(({sessions}) => sessions[0]?.state === 'up', 'a session');
	const key = staticKey(lines.stage);
	const start = (host: string, ...words: readonly string[]) =>
		startVpn(lines.stage, ['ip', 'netns', 'exec', host], [...key, '--ping', '1', ...words]);
	const far = ['--local', '127.0.0.1', '--port', '1194', '--float'];
	start(lines.serverHost, ...far, '--ifconfig', FAR_ADDRESS, NEAR_ADDRESS);
	const near = ['--remote', '127.0.0.1', '3000', '--nobind'];
	const all = ['--redirect-gateway', 'def1'];
	const vpn = start(lines.clientHost, ...near, '--ifconfig', NEAR_ADDRESS, FAR_ADDRESS, ...all);
	// The routes come first.
	await vpn.says('net_route_v4_add: 128.0.0.0/1');
	return {lines, vpn};
}

needing({...NEEDS, batch: true}).serial(
	'the whole machine goes through OpenVPN and a path with bind=eth0',
	async (t) => {
		const {lines, vpn} = await openVpn(t, 'name=a bind=eth0');
		await untilConnected(vpn);
		const route = lines.run(lines.clientHost, 'ip', 'route', 'get', '192.0.2.1');
		t.regex(route, /dev tun/);
		const ping = ['ping', '-c', '50', '-i', '0.05', '-W', '2', FAR_ADDRESS];
		t.regex(lines.run(lines.clientHost, ...ping), /50 received/);
		t.deepEqual(lines.sources(), ['10.8.0.2%eth0']);
	},
);

needing(NEEDS).serial('a path that its own VPN has taken says so', async (t) => {
	const {lines} = await openVpn(t, 'name=a');
	await lines.until(
		({sessions}) => /leads into tun\d/.test(sessions[0]?.paths[0]?.down?.reason ?? ''),
		'the reason in the status',
	);
	t.regex(lines.client.stderr, /the route of a path leads into a VPN.*path=a interface=tun\d/);
});

const WG = 'wg';

function keyPair(): {readonly secret: string; readonly open: string} {
	const secret = run(WG, ['genkey']).trim();
	return {secret, open: run(WG, ['pubkey'], {input: secret}).trim()};
}

for (const word of ['bind=eth0', 'mark=51820']) {
	needing({
		...NEEDS,
		programs: [...NEEDS.programs, 'nft', 'wg', 'wireguard-go'],
		batch: true,
	}).serial(`the whole machine goes through wg-quick and a path with ${word}`, async (t) => {
		const lines = new TwoLines(t);
		await lines.start([`name=a ${word}`], [], 51_820);
		await lines.untilUp(1);
		const [near, far] = [keyPair(), keyPair()];
		const name = `mq${process.pid}`.slice(-12);
		const peer = (open: string, rest: string) => `[Peer]\nPublicKey = ${open}\n${rest}\n`;
		const server = `[Interface]\nPrivateKey = ${far.secret}\nListenPort = 51820\n`;
		const allowed = `AllowedIPs = ${NEAR_ADDRESS}/32`;
		const files = [
			lines.stage.write(`${name}b.conf`, server + peer(near.open, allowed)),
			lines.stage.write(
				`${name}a.conf`,
				`[Interface]\nPrivateKey = ${near.secret}\nAddress = ${NEAR_ADDRESS}/24\nMTU = 1380\n` +
					`FwMark = 51820\n` +
					peer(far.open, 'Endpoint = 127.0.0.1:3000\nAllowedIPs = 0.0.0.0/0'),
			),
		] as const;
		for (const [index, host] of [lines.serverHost, lines.clientHost].entries()) {
			const device = `${name}${index === 0 ? 'b' : 'a'}`;
			const words = ['netns', 'exec', host, 'wireguard-go', '-f', device];
			if (index === 0) {
				lines.stage.child('ip', words);
				await waitFor(() => lines.run(host, 'wg', 'show', 'interfaces').includes(device));
				lines.run(host, 'wg', 'setconf', device, files[0]);
				lines.run(host, 'ip', 'addr', 'add', `${FAR_ADDRESS}/24`, 'dev', device);
				lines.run(host, 'ip', 'link', 'set', device, 'mtu', '1380', 'up');
			} else {
				t.teardown(() => void lines.run(host, 'ip', 'link', 'del', device));
				lines.run(host, 'wg-quick', 'up', files[1]);
			}
		}
		const route = lines.run(lines.clientHost, 'ip', 'route', 'get', '192.0.2.1');
		t.regex(route, new RegExp(`dev ${name}a`));
		const ping = ['ping', '-c', '50', '-i', '0.05', '-W', '2', FAR_ADDRESS];
		t.regex(lines.run(lines.clientHost, ...ping), /50 received/);
	});
}
