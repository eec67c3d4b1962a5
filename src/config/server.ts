import type {Millis} from '../core/time.ts';
import type {AeadName} from '../crypto/aead.ts';
import type {Endpoint} from './endpoint.ts';
import type {KeyOptions} from './keys.ts';
import type {LogFormat, LogLevel} from './logging.ts';

/** Everything that mpserver can be told, resolved and validated. */
export interface ServerOptions {
	/** Absolute path of the configuration file that was read, if any. */
	readonly configFile: string | undefined;
	/** The UDP port listened on, on every address. */
	readonly port: number;
	/** IP literals to listen on, without duplicates; empty = every address of every interface. */
	readonly bind: readonly string[];
	/** Where classic datagrams go; `host` may be a name. */
	readonly target: Endpoint;
	/** Keyless, or one or more users. */
	readonly keys: KeyOptions;
	/** False = authenticated but readable packets (`MPTUNNEL_ENCRYPT=0`); must match the clients. */
	readonly encrypt: boolean;
	/** Absolute path of the state folder; undefined = the default one of this configuration. */
	readonly state: string | undefined;
	/** The AEAD back end to force; undefined = the fastest that loads. */
	readonly crypto: AeadName | undefined;
	/** How often a statistics line is logged, in milliseconds; undefined = never. */
	readonly stats: Millis | undefined;
	readonly logLevel: LogLevel;
	readonly logFormat: LogFormat;
}
