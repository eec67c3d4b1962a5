import {lookup} from 'node:dns/promises';
import {canonicalAddress} from '../../text/ip.ts';

/**
 * Finds all addresses of a name as canonical IP literals, best first; at least one. A literal is
 * its own answer; rejects with an Error when there is no answer.
 */
export type Resolver = (host: string) => Promise<readonly string[]>;

/** Resolves as the system does: its hosts file, name service and order of preference. */
export async function resolveHost(host: string): Promise<readonly string[]> {
	const literal = canonicalAddress(host);
	if (literal !== undefined) return [literal];
	const found = await lookup(host, {all: true, verbatim: true});
	const addresses = found.map(({address}) => canonicalAddress(address) ?? address);
	if (addresses.length === 0) throw new Error('the name has no address');
	return [...new Set(addresses)];
}

/** Reason why a name could not be resolved, in a few words. */
export function describeResolveError(error: unknown): string {
	if (!(error instanceof Error)) return String(error);
	const {code} = error as NodeJS.ErrnoException;
	if (code === 'ENOTFOUND') return 'the name is not known';
	if (code === 'EAI_AGAIN') return 'no name server answers';
	return error.message;
}
