import type {ExecutionContext} from 'ava';
import {TwoLines} from '../support/e2e-lines.ts';
import {needing} from '../support/e2e-needs.ts';
import type {Child} from '../support/e2e-process.ts';
import {
	FAR_ADDRESS,
	NEAR_ADDRESS,
	startVpn,
	staticKey,
	untilConnected,
	VPN_NEEDS,
} from '../support/e2e-vpn.ts';

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

needing(NEEDS).serial(
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
