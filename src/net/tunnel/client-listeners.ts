import type {TcpForward, TcpForwardPlace} from '../tcp/forward.ts';
import {Listener} from '../udp/listener.ts';
import type {DatagramBatch, UdpBackEnd} from '../udp/udp.ts';

/** Place of a port to open. */
export interface ListenPlace {
	/** An IP literal, or `localhost` for both loopback addresses. */
	readonly host: string;
	readonly port: number;
}

/** Ports of a client where its applications send to, those of SOCKS apart. */
export interface ListenPlaces {
	/** For datagrams, by the endpoint's number of the listener. */
	readonly udp: ReadonlyMap<number, ListenPlace>;
	/** For connections, in their order; no two at one place. */
	readonly tcp: readonly TcpForwardPlace[];
}

/** Inputs of a client's listeners. */
export interface ClientListenersInit {
	readonly backEnd: UdpBackEnd;
	readonly received: (listener: number, batch: DatagramBatch) => void;
	readonly tcpForward: (place: TcpForwardPlace) => TcpForward;
}

/** Ports that are open beside those in use, until one of the two is called, once. */
export interface PreparedPlaces {
	/** Uses them; closes those that are not named any more. */
	commit(): void;
	/** Closes them again. */
	undo(): void;
}

/** The open ports of a client. */
export class ClientListeners {
	readonly #init: ClientListenersInit;
	/** By the endpoint's number of each. */
	readonly udp: (Listener | undefined)[] = [];
	#tcp = new Map<string, TcpForward>();
	/** Counts of listeners that are closed. */
	readonly #past = {dropped: 0, missed: 0, failures: 0};

	constructor(init: ClientListenersInit) {
		this.#init = init;
	}

	/** Addresses of each forward of TCP, in their order, as `host:port`. */
	get tcpAddresses(): readonly (readonly string[])[] {
		return [...this.#tcp.values()].map(({addresses}) => addresses);
	}

	/** Datagrams dropped, missed, and refused by the system. */
	get counts(): {readonly dropped: number; readonly missed: number; readonly failures: number} {
		const counts = {...this.#past};
		for (const listener of this.udp) {
			counts.dropped += listener?.dropped ?? 0;
			counts.missed += listener?.missed ?? 0;
			counts.failures += listener?.failures ?? 0;
		}
		return counts;
	}

	/** Opens a port for datagrams; throws a SocketError when it cannot. */
	openUdp(id: number, place: ListenPlace): void {
		this.udp[id] = this.#listenerOf(id, place);
	}

	#listenerOf(id: number, {host, port}: ListenPlace): Listener {
		const {backEnd, received} = this.#init;
		return new Listener({id, host, port, backEnd, received});
	}

	/** Opens the ports of forwards of TCP; rejects with a SocketError when one cannot be opened. */
	async openTcp(places: readonly TcpForwardPlace[]): Promise<void> {
		for (const place of places) {
			const forward = this.#init.tcpForward(place);
			this.#tcp.set(keyOf(place), forward);
			await forward.open();
		}
	}

	/**
	 * Opens the ports that are missing; rejects with a SocketError when one cannot be opened, and
	 * then nothing has changed. A port that stays goes on with its connections.
	 */
	async prepare({udp, tcp}: ListenPlaces): Promise<PreparedPlaces> {
		const listeners = new Map<number, Listener>();
		const forwards = new Map<string, TcpForward>();
		const undo = () => {
			for (const one of [...listeners.values(), ...forwards.values()]) void one.close();
		};
		try {
			for (const [id, place] of udp) {
				if (this.udp[id] === undefined) listeners.set(id, this.#listenerOf(id, place));
			}
			for (const place of tcp) {
				if (this.#tcp.has(keyOf(place))) continue;
				const forward = this.#init.tcpForward(place);
				forwards.set(keyOf(place), forward);
				await forward.open();
			}
		} catch (error) {
			undo();
			throw error;
		}
		return {undo, commit: () => this.#commit({udp, tcp}, listeners, forwards)};
	}

	#commit(
		{udp, tcp}: ListenPlaces,
		listeners: ReadonlyMap<number, Listener>,
		forwards: ReadonlyMap<string, TcpForward>,
	): void {
		for (const [id, listener] of this.udp.entries()) {
			if (listener === undefined || udp.has(id)) continue;
			this.udp[id] = undefined;
			this.#past.dropped += listener.dropped;
			this.#past.missed += listener.missed;
			this.#past.failures += listener.failures;
			void listener.close();
		}
		for (const [id, listener] of listeners) this.udp[id] = listener;
		const before = this.#tcp;
		this.#tcp = new Map();
		for (const place of tcp) {
			const key = keyOf(place);
			const forward = before.get(key) ?? forwards.get(key);
			before.delete(key);
			if (forward === undefined) continue;
			forward.target = place.target;
			this.#tcp.set(key, forward);
		}
		for (const forward of before.values()) void forward.close();
	}

	flush(): void {
		for (let i = 0; i < this.udp.length; i++) this.udp[i]?.flush();
	}

	async close(): Promise<void> {
		const all = [...this.udp, ...this.#tcp.values()];
		await Promise.all(all.map((one) => one?.close()));
	}
}

function keyOf({host, port}: ListenPlace): string {
	return `${host} ${port}`;
}
