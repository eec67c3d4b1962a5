import process from 'node:process';
import {threadId} from 'node:worker_threads';
import {example} from '../support/documents/document.ts';
import {TwoHosts} from '../support/e2e/namespaces.ts';
import {needing} from '../support/e2e/needs.ts';
import {Stage} from '../support/e2e/stage.ts';
import {tunnelOverBadLinks, VPN_POLICIES} from '../support/e2e/vpn.ts';
import {run} from '../support/machine/commands.ts';
import {waitFor} from '../support/machine/wait-for.ts';

const NEEDS = {
	programs: ['wireguard-go', 'wg', 'ip', 'ping'],
	namespaces: true,
	tun: true,
} as const;

const WG = 'wg';

interface KeyPair {
	readonly secret: string;
	readonly open: string;
}

function keyPair(): KeyPair {
	const secret = run(WG, ['genkey']).trim();
	const open = run(WG, ['pubkey'], {input: secret}).trim();
	return {secret, open};
}

/** A configuration of the document with real keys: what `wg` reads of it, and what wg-quick does. */
function configuration(name: string, keys: Readonly<Record<'SERVER' | 'CLIENT', KeyPair>>) {
	let text = example('src/app/README.md', name);
	for (const [who, {secret, open}] of Object.entries(keys)) {
		text = text.replace(`${who}_PRIVATE_KEY`, secret).replace(`${who}_PUBLIC_KEY`, open);
	}
	const value = (key: string) => new RegExp(`^${key} = (.*)$`, 'm').exec(text)![1]!;
	return {
		text: text.replace(/^(Address|MTU) = .*\n/gm, ''),
		address: value('Address'),
		mtu: value('MTU'),
	};
}

for (const policy of VPN_POLICIES) {
	needing(NEEDS).serial(
		`WireGuard with the configurations of the README keeps its pings over three links of 10 % loss with ${policy}`,
		async (t) => {
			const stage = new Stage(t);
			const hosts = new TwoHosts(t);
			await tunnelOverBadLinks(stage, hosts, 51_820, policy);
			const keys = {SERVER: keyPair(), CLIENT: keyPair()};
			const ends = [
				{host: hosts.b, block: 'wireguard-server'},
				{host: hosts.a, block: 'wireguard-client'},
			];
			for (const [index, {host, block}] of ends.entries()) {
				// The control sockets of all namespaces are in one folder.
				const device = `wg${process.pid}-${threadId}-${index}`.slice(-15);
				const [command = '', ...words] = hosts.in(host);
				const daemon = stage.child(command, [...words, 'wireguard-go', '-f', device]);
				const {text, address, mtu} = configuration(block, keys);
				const file = stage.write(`${block}.conf`, text);
				const there = () => hosts.run(host, 'wg', 'show', 'interfaces').includes(device);
				await waitFor(() => there() || !daemon.alive, 'the device');
				hosts.run(host, 'wg', 'setconf', device, file);
				hosts.run(host, 'ip', 'addr', 'add', address, 'dev', device);
				hosts.run(host, 'ip', 'link', 'set', device, 'mtu', mtu, 'up');
			}
			const [command = '', ...words] = hosts.in(hosts.a);
			// As large as the inner MTU allows: none may be split.
			const size = ['-s', '1352', '-M', 'do'];
			const ping = ['ping', '-c', '200', '-i', '0.02', '-W', '2', ...size, '10.98.0.1'];
			const child = stage.child(command, [...words, ...ping]);
			await child.end();
			const received = Number(/(\d+) received/.exec(child.output)?.[1]);
			t.log(child.output.trim().split('\n').slice(-2).join('; '));
			t.true(received >= 196, child.output);
		},
	);
}
