import {spawnSync} from 'node:child_process';
import {accessSync, constants} from 'node:fs';
import {networkInterfaces} from 'node:os';
import process from 'node:process';
import type {ExecutionContext} from 'ava';

/** What a test wants of the machine. */
export interface Needs {
	readonly programs?: readonly string[];
	/** Root, and network namespaces. */
	readonly namespaces?: boolean;
	/** /dev/net/tun can be opened. */
	readonly tun?: boolean;
	/** The loopback interface has ::1. */
	readonly ipv6?: boolean;
}

/**
 * Whether the test has to end here because the machine lacks something: passed with a note, or
 * failed when CI=true, where everything has to be there.
 */
export function isMissing(t: ExecutionContext, needs: Needs): boolean {
	const missing = (needs.programs ?? []).filter((program) => !isInstalled(program));
	if (needs.namespaces && !hasNamespaces()) missing.push('root and ip netns');
	if (needs.tun && !isReadable('/dev/net/tun')) missing.push('/dev/net/tun');
	if (needs.ipv6 && !hasIpv6()) missing.push('IPv6 on loopback');
	if (missing.length === 0) return false;
	const note = `needs ${missing.join(', ')}`;
	const {CI} = process.env;
	// A host without IPv6 is no error: nothing can be installed to mend it.
	if (CI === 'true' && !(needs.ipv6 && missing.length === 1)) t.fail(note);
	else {
		t.log(`skipped: ${note}`);
		t.pass();
	}
	return true;
}

function isInstalled(program: string): boolean {
	return spawnSync('sh', ['-c', 'command -v "$1"', 'sh', program]).status === 0;
}

function hasNamespaces(): boolean {
	const name = `mpt-${process.pid}-try`;
	const made = spawnSync('ip', ['netns', 'add', name]).status === 0;
	if (made) spawnSync('ip', ['netns', 'del', name]);
	return made;
}

function isReadable(path: string): boolean {
	try {
		accessSync(path, constants.R_OK | constants.W_OK);
		return true;
	} catch {
		return false;
	}
}

function hasIpv6(): boolean {
	const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
	return all.some(({address}) => address === '::1');
}
