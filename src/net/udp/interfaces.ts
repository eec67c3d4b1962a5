import {readFileSync} from 'node:fs';
import {networkInterfaces} from 'node:os';
import {isLinkLocal} from '../../text/ip.ts';

/** The addresses of this machine that mean something beyond one link, sorted; never throws. */
export function localAddresses(): readonly string[] {
	const addresses = new Set<string>();
	try {
		for (const list of Object.values(networkInterfaces())) {
			for (const {address} of list ?? []) if (!isLinkLocal(address)) addresses.add(address);
		}
	} catch {
		// Some sandboxes forbid the question; then nothing is known and nothing ever changes.
	}
	return [...addresses].sort();
}

/** ARPHRD_NONE of Linux: TUN devices and WireGuard. */
const NO_HARDWARE = '65534';

/**
 * The VPN interface (TUN, WireGuard) that has this address. `undefined`: none, or not known here.
 */
export function vpnInterfaceOf(address: string): string | undefined {
	try {
		const all = Object.entries(networkInterfaces());
		const [name = ''] =
			all.find(([, list]) => list?.some((each) => each.address === address)) ?? [];
		if (!/^[^/\s]+$/.test(name) || name.startsWith('.')) return undefined;
		const type = readFileSync(`/sys/class/net/${name}/type`, 'latin1').trim();
		return type === NO_HARDWARE ? name : undefined;
	} catch {
		return undefined;
	}
}
