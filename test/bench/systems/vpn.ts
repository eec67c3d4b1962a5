import type {Scene} from './system.ts';

/** A VPN between two hosts. */
export interface Vpn {
	/** Address of the far host inside. */
	readonly host: string;
	stop(): Promise<void>;
}

/**
 * Starts a VPN whose far end listens on a port of the far host; `connect` makes the way there, and
 * returns the port of the near host that leads to it.
 */
export type StartVpn = (scene: Scene, connect: (port: number) => Promise<number>) => Promise<Vpn>;
