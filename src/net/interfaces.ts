import {networkInterfaces} from 'node:os';
import {isLinkLocal} from './ip.ts';

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
