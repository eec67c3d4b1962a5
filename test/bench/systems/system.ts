import type {Program} from '../processes.ts';

/** Two hosts, which may be one: applications are near, targets are far. */
export interface Scene {
	/** Words before a command that runs there, such as those of `ip netns exec`. */
	readonly nearWrapper: readonly string[];
	readonly farWrapper: readonly string[];
	/** The far host's address as the near one knows it. */
	readonly farHost: string;
}

/** Everything on one host. */
export const LOOPBACK: Scene = {nearWrapper: [], farWrapper: [], farHost: '127.0.0.1'};

/** Near programs listen here. */
export const NEAR_HOST = '127.0.0.1';

/** A process of a system. */
export interface Part {
	readonly role: string;
	readonly program: Program;
}

/** One thing under test: what is sent there comes out at the sink. */
export interface System {
	readonly name: string;
	readonly host: string;
	/** Each datagram has to be sent to all of them. */
	readonly ports: readonly number[];
	/** Its processes. */
	readonly parts: readonly Part[];
	/** It needs a rest after too much load: it holds back what a path seems not to carry. */
	readonly needsRest: boolean;
	stop(): Promise<void>;
}

/** What a system is called, and how it is started in front of a sink. */
export interface SystemKind {
	readonly name: string;
	readonly start: (scene: Scene, sink: number) => Promise<System>;
}

/** A program that is not on this machine: what needs it is left out, which is no failure. */
export class MissingError extends Error {}
