import {randomInt} from 'node:crypto';
import {readFileSync} from 'node:fs';
import {createServer} from 'node:net';
import process from 'node:process';
import {waitFor} from '../machine/wait-for.ts';
import {UdpPeer} from '../sockets/udp-peer.ts';

const given = new Set<number>();

/**
 * A UDP port that is not in use. Below the range from which systems choose, so that no socket of
 * another test takes it by chance before its user binds it.
 */
export async function freePort(host = '127.0.0.1'): Promise<number> {
	for (;;) {
		const port = randomInt(10_000, 32_000);
		if (given.has(port) || isBound(port) || !(await isReserved(port))) continue;
		given.add(port);
		try {
			await (await UdpPeer.open(port, host)).close();
			return port;
		} catch {
			// Something that is in no table uses it.
		}
	}
}

/**
 * Resolves with true when this process alone may use the port until it ends: other files of tests,
 * and other runs, choose ports as well. Names in the abstract namespace go with their process.
 */
async function isReserved(port: number): Promise<boolean> {
	if (process.platform !== 'linux') return true;
	const mark = createServer().unref();
	return await new Promise((resolve) => {
		mark.on('error', () => resolve(false));
		mark.listen(`\0mptunnel-test-port-${port}`, () => resolve(true));
	});
}

/** Whether any socket of this machine is bound to the UDP port (Linux). */
export function isBound(port: number): boolean {
	const digits = port.toString(16).toUpperCase().padStart(4, '0');
	const bound = new RegExp(`^ *\\d+: [\\dA-F]+:${digits} `, 'm');
	return ['/proc/net/udp', '/proc/net/udp6'].some((file) => {
		try {
			return bound.test(readFileSync(file, 'utf8'));
		} catch {
			return false;
		}
	});
}

/** Resolves when somebody has bound the UDP port: a program such as socat does not say so itself. */
export async function untilBound(...ports: readonly number[]): Promise<void> {
	for (const port of ports) await waitFor(() => isBound(port), `a socket on port ${port}`);
}
