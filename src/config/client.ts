import type {Millis} from '../core/time.ts';
import type {AeadName} from '../crypto/aead.ts';
import type {Endpoint} from './endpoint.ts';
import type {KeyOptions} from './keys.ts';
import type {LogFormat, LogLevel} from './logging.ts';

/** The limits of a path in bits per second of UDP payload + 28 bytes, each direction its own. */
export interface RateOptions {
	/** Client to server. */
	readonly up: number;
	/** Server to client. */
	readonly down: number;
}

/** One path: a bridge (or the server itself) and how to reach it. */
export interface PathOptions extends Endpoint {
	/** Unique in the configuration: the `name=` word, else the position counted from 1 (`1`, `2`…). */
	readonly name: string;
	/** The local IP literal that this path's socket is bound to; undefined = the system chooses. */
	readonly bind: string | undefined;
	/** The local port asked for; undefined = the one kept in the state folder, else any. */
	readonly localPort: number | undefined;
	/** Undefined = unlimited. */
	readonly rate: RateOptions | undefined;
	/** True = probe as rarely as possible. */
	readonly metered: boolean;
	/** True = gets copies only while fewer than `copies` other paths are up. */
	readonly backup: boolean;
}

/** Everything that mpclient can be told, resolved and validated. */
export interface ClientOptions {
	/** Absolute path of the configuration file that was read. */
	readonly configFile: string;
	/** 1 to 16 paths in the order of the file, names unique. */
	readonly paths: readonly PathOptions[];
	/** Where the classic UDP port listens (`host` is an IP literal); undefined = it is not opened. */
	readonly listen: Endpoint | undefined;
	/** Where SOCKS5 listens; false = it is not opened; undefined = nothing was said. No effect yet. */
	readonly socks: Endpoint | false | undefined;
	/** On how many paths each datagram goes, 1 to 16; undefined = on all. */
	readonly copies: number | undefined;
	/** Keyless, or exactly one user. */
	readonly keys: KeyOptions;
	/** False = authenticated but readable packets (`MPTUNNEL_ENCRYPT=0`); must match the server. */
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
