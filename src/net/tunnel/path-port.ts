import {type IpFamily, wildcardOf} from '../../text/ip.ts';
import type {Reporter} from '../reporter.ts';
import {
	SocketError,
	type UdpBackEnd,
	type UdpBinding,
	type UdpHandlers,
	type UdpSocket,
} from '../udp/udp.ts';

/** Tries for a free port of the system's choice between learning it and binding it for good. */
const PORT_TRIES = 5;

/**
 * Opens a socket that keeps its port over `disconnect`. Only a port that was named when binding
 * does, so one of the system's choice (port 0) is learned first and then bound by its number.
 */
export function openOnPort(backEnd: UdpBackEnd, binding: UdpBinding, to: UdpHandlers): UdpSocket {
	if (binding.port !== 0) return backEnd.open(binding, to);
	for (let tries = 1; ; tries++) {
		const probe = backEnd.open(binding, to);
		void probe.close();
		try {
			return backEnd.open({...binding, port: probe.localPort}, to);
		} catch (error) {
			if (tries >= PORT_TRIES) throw error;
		}
	}
}

/** True when a socket could not be opened because another one has its port. */
export function isPortInUse(error: unknown): error is SocketError {
	return error instanceof SocketError && error.code === 'EADDRINUSE';
}

/** Local ports by path name over restarts. */
export interface PortMemory {
	get(path: string): number | undefined;
	set(path: string, port: number): void;
	/** Writes what changed; returns a warning when that failed. */
	save(): string | undefined;
}

/** Name and binding of a path. */
export interface PathBinding {
	readonly name: string;
	/** IP literal of this machine. `undefined`: the system chooses. */
	readonly bind: string | undefined;
	/** The interface that everything goes through; needs a back end that `bindsInterfaces`. */
	readonly device?: string | undefined;
	/** Mark of the packets; needs the same, and a right. */
	readonly mark?: {readonly value: number} | undefined;
	/** The local port that the user asked for. */
	readonly localPort: number | undefined;
}

/** Inputs of a path's local port. */
export interface PathPortInit {
	readonly options: PathBinding;
	readonly backEnd: UdpBackEnd;
	readonly ports: PortMemory;
	readonly reporter: Reporter;
}

/** Circumstances of opening a socket of a path. */
interface PathOpening {
	/** True at the start, where a port that the user asked for must be free. */
	readonly starting: boolean;
	/** True for a fresh local port instead of the usual one. */
	readonly isFresh: boolean;
	/** The path's socket of the other family, whose local port is shared. */
	readonly beside: UdpSocket | undefined;
}

/**
 * The local port of a path: the one that the user asked for, else the one of the path's other
 * socket, else the one that it had before, as long as it is free.
 */
export class PathPort {
	readonly #init: PathPortInit;
	readonly #handlers: UdpHandlers;

	constructor(init: PathPortInit, handlers: UdpHandlers) {
		this.#init = init;
		this.#handlers = handlers;
	}

	/**
	 * Opens a socket of a family on that port, on another when it is in use. Returns the reason when
	 * there is none for now. Throws a SocketError at the start when the port is in use.
	 */
	open(family: IpFamily, {starting, isFresh, beside}: PathOpening): UdpSocket | string {
		const {name, bind, localPort} = this.#init.options;
		const {ports, reporter} = this.#init;
		const address = bind ?? wildcardOf(family);
		const usual = isFresh ? 0 : ports.get(name);
		const port = localPort ?? beside?.localPort ?? usual ?? 0;
		try {
			return this.#openNear(address, port, starting);
		} catch (error) {
			if (!(error instanceof SocketError)) throw error;
			if (starting && isPortInUse(error)) throw error;
			// A host without IPv6, or a bind address that is not there yet: tried again.
			const fields = {path: name, reason: error.message};
			if (beside !== undefined) reporter.debug('cannot open a family of a path', fields);
			else reporter.limited(`open ${name}`, 60_000).warn('cannot open a path', fields);
			return error.message;
		}
	}

	#openNear(address: string, port: number, starting: boolean): UdpSocket {
		const {reporter, options} = this.#init;
		const {name, localPort} = options;
		try {
			return this.#openAt(address, port);
		} catch (error) {
			if (!isPortInUse(error) || port === 0 || (starting && localPort !== undefined)) throw error;
			const socket = this.#openAt(address, 0);
			const limited = reporter.limited(`port ${name}`, 60_000);
			const taken = socket.localPort;
			limited.warn('the local port of a path is in use, took another', {path: name, port, taken});
			return socket;
		}
	}

	#openAt(address: string, port: number): UdpSocket {
		const {device, mark} = this.#init.options;
		const binding = {address, port, isPath: true, device, mark: mark?.value};
		return openOnPort(this.#init.backEnd, binding, this.#handlers);
	}

	/** Keeps the port for the next start, unless the user asked for one. */
	remember(port: number): void {
		const {options, ports} = this.#init;
		const {name, localPort} = options;
		if (localPort === undefined && ports.get(name) !== port) ports.set(name, port);
	}
}
