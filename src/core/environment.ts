import type {Random} from '../bytes/random.ts';
import type {Millis} from '../bytes/time.ts';
import type {AeadFactory} from '../crypto/aead.ts';
import type {DiffieHellman} from '../crypto/noise.ts';
import type {Coding} from './coding.ts';

/** Inputs of an endpoint from outside: randomness, clock, ciphers. */
export interface Environment {
	readonly random: Random;
	/** The wall clock in milliseconds since 1970 at monotonic time `now`; it may jump. */
	readonly wallTime: (now: Millis) => number;
	/** The AEAD back end of packets and handshakes. */
	readonly aead: AeadFactory;
	/** Key agreement; X25519 except in simulations. */
	readonly dh: DiffieHellman;
	/**
	 * Returns the parts that coded lanes share, the same each time; made with the first lane. Absent:
	 * this end has lane 0 alone, and understands no frame of others.
	 */
	readonly coding?: () => Coding;
}
