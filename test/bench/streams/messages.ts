/** What the main process asks of the two ends of a TCP connection, and what they answer. */

/** The first byte of a connection: what the origin does. */
export const DOWNLOAD = 0x44;
export const UPLOAD = 0x55;

/** Asks the origin what it received so far in uploads. */
export interface OriginCommand {
	readonly type: 'count';
}

export interface OriginResult {
	readonly port: number;
	readonly received: number;
	/** On the shared clock. */
	readonly at: number;
}

/** One connection for a while, from an application. */
export interface ApplicationCommand {
	readonly direction: 'download' | 'upload';
	/** The SOCKS5 proxy on loopback; undefined = none. */
	readonly proxy: number | undefined;
	/** Address and port of the origin. */
	readonly host: string;
	readonly origin: number;
	/** How long it runs before it counts, and in all. */
	readonly warmUpMillis: number;
	readonly millis: number;
}

/** Bytes that came in at the application, and the time that took, without the warm-up. */
export interface ApplicationResult {
	readonly bytes: number;
	readonly millis: number;
}
