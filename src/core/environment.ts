import type {Random} from '../bytes/random.ts';
import type {Millis} from '../bytes/time.ts';
import type {AeadFactory} from '../crypto/aead.ts';
import type {DiffieHellman} from '../crypto/noise.ts';

/** Inputs of an endpoint from outside: randomness, clock, ciphers. */
export interface Environment {
	readonly random: Random;
	/** The wall clock in milliseconds since 1970 at monotonic time `now`; it may jump. */
	readonly wallTime: (now: Millis) => number;
	/** The AEAD back end of packets and handshakes. */
	readonly aead: AeadFactory;
	/** Key agreement; X25519 except in simulations. */
	readonly dh: DiffieHellman;
}
