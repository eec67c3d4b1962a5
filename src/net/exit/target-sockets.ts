import type {Millis} from '../../bytes/time.ts';
import type {RemoteAddress} from '../../core/remote-address.ts';
import {familyOf, formatAddress, wildcardOf} from '../../text/ip.ts';
import {RefusalCode} from '../../wire/constants.ts';
import {describeResolveError, type Resolver} from '../names/resolver.ts';
import type {Reporter} from '../reporter.ts';
import type {SocketAccount, SocketBudget} from '../udp/socket-budget.ts';
import {
	type DatagramBatch,
	SocketError,
	type UdpBackEnd,
	type UdpHandlers,
	type UdpSocket,
} from '../udp/udp.ts';

/** Events of target sockets, for their owner. */
interface TargetSocketsEvents {
	/** The target answered: every datagram of the batch is its. */
	answered(flow: number, batch: DatagramBatch): void;
	/** No socket could be made for the flow: one of RefusalCode. */
	failed(flow: number, code: number): void;
}

/** Inputs of target sockets. */
export interface TargetSocketsInit {
	/** Name or IP literal of the fixed target. */
	readonly host: string;
	readonly port: number;
	/** Limit of open sockets. */
	readonly budget: SocketBudget;
	/** The name of the user whose flow it is. */
	readonly userOf: (flow: number) => string;
	readonly backEnd: UdpBackEnd;
	readonly resolver: Resolver;
	readonly reporter: Reporter;
	readonly events: TargetSocketsEvents;
	readonly now: () => Millis;
}

/**
 * Datagrams a flow keeps while the target's name is not resolved or its turn has not come, the
 * newest.
 */
const WAITING_PER_FLOW = 64;

/** Bytes that all flows together keep then. */
const WAITING_BYTES = 4 * 1024 * 1024;

/**
 * Flows that get their socket between two looks at the network: opening one takes longer than to
 * carry ten datagrams, and those of the flows that are there must not wait for a rush of new ones.
 */
const OPEN_AT_ONCE = 4;

/** Interval at which a name is resolved. */
const RESOLVE_INTERVAL: Millis = 60_000;

/** Delay until it is resolved again after a failure. */
const RETRY_INTERVAL: Millis = 5000;

/** Shortest interval at which a flow that lost its route is connected anew. */
const RECONNECT_INTERVAL: Millis = 1000;

interface TargetFlow {
	readonly id: number;
	readonly account: SocketAccount;
	socket: UdpSocket | undefined;
	target: RemoteAddress | undefined;
	connectedAt: Millis;
	waiting: Uint8Array[];
}

/**
 * One connected socket per flow towards the fixed target, so that only the target can answer. What
 * the target refuses is counted and never ends a flow: it may be restarting.
 */
export class TargetSockets {
	/** Datagrams that the system refused, that found no route or that waited in vain. */
	failures = 0;
	readonly #init: TargetSocketsInit;
	readonly #flows = new Map<number, TargetFlow>();
	#address: string | undefined;
	// There may be thousands of flows, so those written to are remembered.
	readonly #unflushed: UdpSocket[] = [];
	#droppedBefore = 0;
	#missedBefore = 0;
	#waitingBytes = 0;
	/** Flows that wait for their socket, in their order. */
	readonly #opening = new Set<TargetFlow>();
	#immediate: NodeJS.Immediate | undefined;
	/** Flows that got a socket since the last look at the network. */
	#opened = 0;
	#failure = '';
	#resolving = false;
	#resolvedAt: Millis = Number.NEGATIVE_INFINITY;
	#timer: NodeJS.Timeout | undefined;
	#closed = false;

	constructor(init: TargetSocketsInit) {
		this.#init = init;
	}

	/** Datagrams dropped because the system's queues were full. */
	get dropped(): number {
		let sum = this.#droppedBefore;
		for (const flow of this.#flows.values()) sum += flow.socket?.dropped ?? 0;
		return sum;
	}

	/** Answers that came in and were lost because they were not read in time. */
	get missed(): number {
		let sum = this.#missedBefore;
		for (const flow of this.#flows.values()) sum += flow.socket?.missed ?? 0;
		return sum;
	}

	/** Begins to resolve the target's name; resolves when that was tried once. */
	async start(): Promise<void> {
		this.#timer = setInterval(() => this.#tick(), RETRY_INTERVAL);
		await this.#resolve();
	}

	/** Sends a datagram of a flow to the target; true = see UdpSocket.send. */
	send(id: number, bytes: Uint8Array, start: number, end: number): boolean {
		const flow = this.#flows.get(id) ?? this.#add(id);
		if (flow === undefined) return false;
		if (flow.target === undefined && !this.#ready(flow, bytes, start, end)) return false;
		return this.#write(flow, bytes, start, end);
	}

	flush(): void {
		for (const socket of this.#unflushed) socket.flush();
		this.#unflushed.length = 0;
	}

	/** The flow has ended. */
	end(id: number): void {
		const flow = this.#flows.get(id);
		if (flow === undefined) return;
		this.#flows.delete(id);
		this.#opening.delete(flow);
		flow.account.give();
		this.#forgetWaiting(flow);
		this.#discard(flow.socket);
	}

	async close(): Promise<void> {
		this.#closed = true;
		clearInterval(this.#timer);
		clearImmediate(this.#immediate);
		const flows = [...this.#flows.values()];
		this.#flows.clear();
		for (const {account} of flows) account.give();
		await Promise.all(flows.map((flow) => flow.socket?.close()));
	}

	#add(id: number): TargetFlow | undefined {
		const {budget, userOf, events} = this.#init;
		if (this.#closed) return undefined;
		const account = budget.of(userOf(id));
		if (!account.take()) {
			account.report();
			events.failed(id, RefusalCode.DESCRIPTORS);
			return undefined;
		}
		const flow: TargetFlow = {
			id,
			account,
			socket: undefined,
			target: undefined,
			connectedAt: Number.NEGATIVE_INFINITY,
			waiting: [],
		};
		this.#flows.set(id, flow);
		return flow;
	}

	// Whether a flow without a connection has one now; its datagram waits for the name, or for its
	// turn.
	#ready(flow: TargetFlow, bytes: Uint8Array, start: number, end: number): boolean {
		if (this.#address === undefined || (flow.socket === undefined && !this.#mayOpen(flow))) {
			this.#wait(flow, bytes.slice(start, end));
			return false;
		}
		const connected = this.#connect(flow);
		if (!connected) this.failures++;
		return connected;
	}

	// Whether it is the flow's turn; else it is one of those that wait for theirs.
	#mayOpen(flow: TargetFlow): boolean {
		this.#immediate ??= setImmediate(this.#openSome);
		if (this.#opened < OPEN_AT_ONCE && this.#opening.size === 0) {
			this.#opened++;
			return true;
		}
		this.#opening.add(flow);
		return false;
	}

	readonly #openSome = (): void => {
		this.#immediate = undefined;
		this.#opened = 0;
		for (const flow of this.#opening) {
			if (this.#opened++ >= OPEN_AT_ONCE) break;
			this.#opening.delete(flow);
			if (this.#connect(flow)) continue;
			this.failures += flow.waiting.length;
			this.#forgetWaiting(flow);
		}
		this.flush();
		this.#opened = 0;
		if (this.#opening.size > 0) this.#immediate = setImmediate(this.#openSome);
	};

	#write(flow: TargetFlow, bytes: Uint8Array, start: number, end: number): boolean {
		const {socket} = flow;
		if (socket === undefined) return false;
		if (this.#unflushed.at(-1) !== socket) this.#unflushed.push(socket);
		return socket.send(bytes, start, end, undefined);
	}

	#discard(socket: UdpSocket | undefined): void {
		if (socket === undefined) return;
		this.#droppedBefore += socket.dropped;
		this.#missedBefore += socket.missed;
		void socket.close();
	}

	#wait(flow: TargetFlow, datagram: Uint8Array): void {
		if (flow.waiting.length >= WAITING_PER_FLOW) {
			this.#waitingBytes -= flow.waiting.shift()?.length ?? 0;
			this.failures++;
		}
		if (this.#waitingBytes + datagram.length > WAITING_BYTES) {
			this.failures++;
			return;
		}
		this.#waitingBytes += datagram.length;
		flow.waiting.push(datagram);
	}

	#forgetWaiting(flow: TargetFlow): void {
		for (const datagram of flow.waiting) this.#waitingBytes -= datagram.length;
		flow.waiting = [];
	}

	// False when it is too early to try again or when there is no route.
	#connect(flow: TargetFlow): boolean {
		const now = this.#init.now();
		const address = this.#address;
		if (address === undefined || now - flow.connectedAt < RECONNECT_INTERVAL) return false;
		flow.connectedAt = now;
		flow.target = undefined;
		const socket = this.#socketFor(flow, address);
		if (socket === undefined) return false;
		const target = socket.remote(address, this.#init.port);
		if (!socket.connect(target)) return false;
		flow.target = target;
		const waiting = flow.waiting;
		this.#forgetWaiting(flow);
		for (const datagram of waiting) this.#write(flow, datagram, 0, datagram.length);
		return true;
	}

	#socketFor(flow: TargetFlow, address: string): UdpSocket | undefined {
		const usable = flow.socket !== undefined && sameFamily(flow.socket, address);
		if (usable && flow.socket?.disconnect()) return flow.socket;
		this.#discard(flow.socket);
		flow.socket = undefined;
		try {
			const binding = {address: wildcardOf(familyOf(address)), port: 0};
			flow.socket = this.#init.backEnd.open(binding, this.#handlersOf(flow));
			return flow.socket;
		} catch (error) {
			if (!(error instanceof SocketError)) throw error;
			this.#init.reporter.limited('open target', 60_000).warn('cannot open a socket for a flow', {
				reason: error.message,
			});
			this.#flows.delete(flow.id);
			flow.account.give();
			this.#forgetWaiting(flow);
			this.#init.events.failed(flow.id, RefusalCode.SOCKET);
			return undefined;
		}
	}

	#handlersOf(flow: TargetFlow): UdpHandlers {
		return {
			onBatch: (socket, batch) => {
				// Strangers can only have written between bind and connect.
				const key = flow.target?.key;
				if (socket !== flow.socket || key === undefined) return;
				for (let i = 0; i < batch.count; i++) if (batch.sources[i]?.key !== key) return;
				this.#init.events.answered(flow.id, batch);
			},
			onError: (socket, code) => {
				if (socket === flow.socket) this.#failed(flow, code);
			},
		};
	}

	#failed(flow: TargetFlow, code: string): void {
		this.failures++;
		const {host, port, reporter} = this.#init;
		switch (code) {
			case 'ENETUNREACH':
			case 'EHOSTUNREACH':
			case 'EADDRNOTAVAIL':
			case 'ENETDOWN':
			case 'EINVAL':
				this.#connect(flow);
				break;
			case 'ECONNREFUSED':
				break;
			default:
				return;
		}
		reporter.limited('target', 60_000).warn('the target cannot be reached', {
			target: formatAddress(host, port),
			reason: code === 'ECONNREFUSED' ? 'connection refused: nothing listens there' : code,
		});
		if (this.#init.now() - this.#resolvedAt >= RETRY_INTERVAL) void this.#resolve();
	}

	#tick(): void {
		const age = this.#init.now() - this.#resolvedAt;
		if (this.#address === undefined || age >= RESOLVE_INTERVAL) void this.#resolve();
	}

	async #resolve(): Promise<void> {
		if (this.#resolving) return;
		this.#resolving = true;
		const {host, reporter} = this.#init;
		try {
			const addresses = await this.#init.resolver(host);
			if (this.#failure !== '') reporter.info('the target can be resolved again', {host});
			this.#failure = '';
			if (!this.#closed) this.#use(addresses);
		} catch (error) {
			const failure = describeResolveError(error);
			if (failure !== this.#failure && !this.#closed) {
				reporter.warn('the target cannot be resolved', {host, reason: failure});
			}
			this.#failure = failure;
		} finally {
			this.#resolvedAt = this.#init.now();
			this.#resolving = false;
		}
	}

	#use(addresses: readonly string[]): void {
		const [first] = addresses;
		const kept = this.#address !== undefined && addresses.includes(this.#address);
		if (first === undefined || kept) return;
		if (this.#address !== undefined) {
			this.#init.reporter.info('the target has another address', {address: first});
		}
		this.#address = first;
		for (const flow of [...this.#flows.values()]) {
			flow.connectedAt = Number.NEGATIVE_INFINITY;
			this.#connect(flow);
		}
	}
}

function sameFamily(socket: UdpSocket, address: string): boolean {
	return familyOf(socket.localAddress) === familyOf(address);
}
