import type {Millis} from '../../bytes/time.ts';
import type {RemoteAddress} from '../../core/remote-address.ts';
import type {ExitPolicy, UserRules} from '../../exit/policy.ts';
import {encodeTarget, ipTarget} from '../../socks/target.ts';
import {parseIp} from '../../text/ip.ts';

interface Source {
	/** For which state of the rules this was decided. */
	decided: number;
	/** As it goes over the wire. `undefined`: its datagrams are dropped. */
	encoded: Uint8Array | undefined;
	receivedAt: Millis;
}

/** Sources of datagrams at the sockets of an exit, and whether users may receive from them. */
export class ExitSources {
	readonly #policy: ExitPolicy;
	readonly #rules: UserRules | undefined;
	readonly #byRemote = new WeakMap<RemoteAddress, Source>();

	constructor(policy: ExitPolicy, rules?: UserRules | undefined) {
		this.#policy = policy;
		this.#rules = rules;
	}

	/** A datagram came from there: its source as on the wire. `undefined`: it is denied. */
	receive(remote: RemoteAddress, generation: number, now: Millis): Uint8Array | undefined {
		let source = this.#byRemote.get(remote);
		if (source?.decided !== generation) {
			source = {decided: generation, encoded: this.#encode(remote), receivedAt: now};
			this.#byRemote.set(remote, source);
		}
		source.receivedAt = now;
		return source.encoded;
	}

	/** Returns the time of the last datagram from there. */
	receivedAt(remote: RemoteAddress | undefined): Millis {
		const source = remote === undefined ? undefined : this.#byRemote.get(remote);
		return source?.receivedAt ?? Number.NEGATIVE_INFINITY;
	}

	#encode({host, port}: RemoteAddress): Uint8Array | undefined {
		// A zone makes it link-local, which no user of an exit is to see.
		const bytes = parseIp(host);
		if (bytes === undefined) return undefined;
		const target = ipTarget(bytes, port);
		const denied = this.#policy.checkSource(target.address, port, this.#rules) !== undefined;
		return denied ? undefined : encodeTarget(target);
	}
}
