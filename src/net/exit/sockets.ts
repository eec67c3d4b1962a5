import type {Millis} from '../../bytes/time.ts';
import type {ReceivedTarget} from '../../core/received-target.ts';
import type {ExitPolicy, UserRules} from '../../exit/policy.ts';
import {encodeTarget, ipTarget} from '../../socks/target.ts';
import {formatIp, type IpFamily, wildcardOf} from '../../text/ip.ts';
import {RefusalCode} from '../../wire/constants.ts';
import type {NameAnswer} from '../names/names.ts';
import type {Reporter} from '../reporter.ts';
import type {SocketAccount, SocketBudget} from '../udp/socket-budget.ts';
import {
	type DatagramBatch,
	SocketError,
	type UdpBackEnd,
	type UdpHandlers,
	type UdpSocket,
} from '../udp/udp.ts';
import {
	decide,
	familyOfBytes,
	isDue,
	learn,
	type Route,
	routeOf,
	WaitingDatagrams,
} from './routes.ts';
import {ExitSources} from './sources.ts';

/** Events of exit sockets, for their owner. */
interface ExitSocketsEvents {
	/** Datagram i of the batch came from sources[i], encoded; those without a source are dropped. */
	answered(flow: number, batch: DatagramBatch, sources: readonly (Uint8Array | undefined)[]): void;
	/** A target cannot be had: one of RefusalCode. May come from inside `send`. */
	refused(flow: number, reference: number, code: number): void;
	/**
	 * A target that is a name, or an address written in another way, leads to this address from now
	 * on, encoded.
	 */
	reached(flow: number, reference: number, address: Uint8Array): void;
}

/** Inputs of exit sockets. */
export interface ExitSocketsInit {
	readonly policy: ExitPolicy;
	/** The rules of one user beside the server's. `undefined`: it has none. */
	readonly rulesOf?: (user: string) => UserRules | undefined;
	/** Limit of open sockets. */
	readonly budget: SocketBudget;
	/** Finds the addresses of a name for a user; never rejects. */
	readonly resolve: (user: string, name: string) => Promise<NameAnswer>;
	readonly userOf: (flow: number) => string;
	readonly backEnd: UdpBackEnd;
	readonly reporter: Reporter;
	readonly now: () => Millis;
	readonly events: ExitSocketsEvents;
}

/** Bytes that wait for names, of all flows. */
const WAITING_BYTES = 4 * 1024 * 1024;

/**
 * Time for which a family without a route is the second choice for names, and after which it is
 * opened again.
 */
const AVOID: Millis = 10_000;

/** Interval at which the refusal of the same target is repeated to a client. */
const REFUSAL_INTERVAL: Millis = 1000;

const LOG_INTERVAL: Millis = 60_000;

interface ExitFlow {
	readonly id: number;
	readonly user: string;
	readonly account: SocketAccount;
	readonly rules: UserRules | undefined;
	/** Sources of datagrams, as far as this user may receive from them. */
	readonly sources: ExitSources;
	/** For IPv4 and for IPv6, each opened when it is needed and kept as long as the flow. */
	readonly sockets: Map<IpFamily, UdpSocket>;
	readonly routes: WeakMap<ReceivedTarget, Route>;
	/** Routes whose datagrams wait. */
	readonly waiting: Set<Route>;
	lastTarget: ReceivedTarget | undefined;
	lastRoute: Route | undefined;
	/** The family that found no route last. */
	avoid: IpFamily | undefined;
	avoidUntil: Millis;
	/** Changes of `avoid` so far; routes are decided anew after each. */
	changes: number;
	ended: boolean;
	/**
	 * The flow's only target, from which alone datagrams are accepted. `undefined`: any host may
	 * answer.
	 */
	only: Route | undefined;
}

/**
 * The sockets of flows whose client names the targets: one for each address family of a flow, not
 * connected, so that all targets see the same port and any host may answer. The policy
 * decides which targets may be reached and which hosts may answer, on the very address that the
 * system gets.
 */
export class ExitSockets {
	readonly #init: ExitSocketsInit;
	readonly #flows = new Map<number, ExitFlow>();
	readonly #waiting = new WaitingDatagrams(WAITING_BYTES);
	/** One for each set of rules: users without rules of their own share one. */
	readonly #sourcesOf = new Map<UserRules | undefined, ExitSources>();
	readonly #unflushed: UdpSocket[] = [];
	readonly #answers: (Uint8Array | undefined)[] = [];
	readonly #counts = {denied: 0, unresolvable: 0, noSocket: 0, deniedSource: 0, failed: 0};
	#droppedBefore = 0;
	#missedBefore = 0;
	#generation = 0;
	#closed = false;

	constructor(init: ExitSocketsInit) {
		this.#init = init;
	}

	/** Datagrams that went nowhere, by reason. */
	get drops(): Readonly<Record<string, number>> {
		let dropped = this.#droppedBefore;
		let missed = this.#missedBefore;
		for (const {sockets} of this.#flows.values()) {
			for (const socket of sockets.values()) {
				dropped += socket.dropped;
				missed += socket.missed;
			}
		}
		const {denied, unresolvable, noSocket, deniedSource, failed} = this.#counts;
		return {
			'exit-denied': denied,
			'exit-unresolvable': unresolvable,
			'exit-no-socket': noSocket,
			'exit-source-denied': deniedSource,
			'exit-name-queue-full': this.#waiting.lost,
			'exit-queue-full': dropped,
			'exit-receive-queue-full': missed,
			'exit-send-failed': failed,
		};
	}

	/** Rules or own addresses are others now: every verdict is made anew. */
	policyChanged(): void {
		this.#generation++;
	}

	/** Sends a datagram of a flow to a target that its client named; true = see UdpSocket.send. */
	send(id: number, target: ReceivedTarget, bytes: Uint8Array, start: number, end: number): boolean {
		if (this.#closed) return false;
		const flow = this.#flows.get(id) ?? this.#add(id);
		const route = this.#routeOf(flow, target);
		if (route.name !== '') this.#lookUpIfDue(flow, route);
		if (route.lookingUp && route.addresses.length === 0) {
			this.#waiting.push(route, bytes.slice(start, end));
			return false;
		}
		return this.#write(flow, route, bytes, start, end);
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
		void this.#discard(flow);
	}

	async close(): Promise<void> {
		this.#closed = true;
		const flows = [...this.#flows.values()];
		this.#flows.clear();
		await Promise.all(flows.map((flow) => this.#discard(flow)));
	}

	#add(id: number): ExitFlow {
		const user = this.#init.userOf(id);
		const rules = this.#init.rulesOf?.(user);
		let sources = this.#sourcesOf.get(rules);
		if (sources === undefined) {
			sources = new ExitSources(this.#init.policy, rules);
			this.#sourcesOf.set(rules, sources);
		}
		const flow: ExitFlow = {
			id,
			user,
			account: this.#init.budget.of(user),
			rules,
			sources,
			sockets: new Map(),
			routes: new WeakMap(),
			waiting: new Set(),
			lastTarget: undefined,
			lastRoute: undefined,
			avoid: undefined,
			avoidUntil: Number.NEGATIVE_INFINITY,
			changes: 0,
			ended: false,
			only: undefined,
		};
		this.#flows.set(id, flow);
		return flow;
	}

	async #discard(flow: ExitFlow): Promise<void> {
		flow.ended = true;
		for (const route of flow.waiting) this.#waiting.forget(route);
		flow.waiting.clear();
		const closing = [...flow.sockets.values()].map((socket) => {
			this.#droppedBefore += socket.dropped;
			this.#missedBefore += socket.missed;
			flow.account.give();
			return socket.close();
		});
		flow.sockets.clear();
		await Promise.all(closing);
	}

	#routeOf(flow: ExitFlow, target: ReceivedTarget): Route {
		if (flow.lastTarget === target && flow.lastRoute !== undefined) return flow.lastRoute;
		let route = flow.routes.get(target);
		if (route === undefined) {
			route = routeOf(target, this.#init.policy, flow.rules);
			flow.routes.set(target, route);
			if (target.only) flow.only = route;
		}
		flow.lastTarget = target;
		flow.lastRoute = route;
		return route;
	}

	#lookUpIfDue(flow: ExitFlow, route: Route): void {
		if (!isDue(route, flow.sources.receivedAt(route.remote), this.#init.now())) return;
		route.lookingUp = true;
		flow.waiting.add(route);
		void this.#lookUp(flow, route);
	}

	async #lookUp(flow: ExitFlow, route: Route): Promise<void> {
		const answer = await this.#init.resolve(flow.user, route.name);
		if (flow.ended) return;
		flow.waiting.delete(route);
		learn(route, answer, this.#init.now());
		for (const bytes of this.#waiting.take(route)) {
			this.#write(flow, route, bytes, 0, bytes.length);
		}
		this.flush();
	}

	#write(flow: ExitFlow, route: Route, bytes: Uint8Array, start: number, end: number): boolean {
		const socket = this.#prepare(flow, route) ?? this.#prepareAgain(flow, route);
		if (socket === undefined || route.address === undefined) {
			this.#refuse(flow, route);
			return false;
		}
		if (route.remote === undefined) {
			route.remote = socket.remote(formatIp(route.address), route.port);
			if (route.isAlias) this.#reached(flow, route, route.address);
		}
		if (this.#unflushed.at(-1) !== socket) this.#unflushed.push(socket);
		return socket.send(bytes, start, end, route.remote);
	}

	#reached({id}: ExitFlow, {reference, port}: Route, address: Uint8Array): void {
		this.#init.events.reached(id, reference, encodeTarget(ipTarget(address, port)));
	}

	// The socket for a route; undefined = none, and the route has the reason.
	#prepare(flow: ExitFlow, route: Route): UdpSocket | undefined {
		if (flow.avoid !== undefined && this.#init.now() >= flow.avoidUntil)
			this.#avoid(flow, undefined);
		const state = this.#generation + flow.changes;
		if (route.decided !== state) {
			route.decided = state;
			decide(route, this.#init.policy, flow.rules, flow.avoid);
		}
		if (route.address === undefined) return undefined;
		const family = familyOfBytes(route.address);
		return flow.sockets.get(family) ?? this.#open(flow, route, family);
	}

	// A name may have addresses of the other family, where a socket can be had.
	#prepareAgain(flow: ExitFlow, route: Route): UdpSocket | undefined {
		const isOther = route.name !== '' && route.decided !== this.#generation + flow.changes;
		return isOther ? this.#prepare(flow, route) : undefined;
	}

	#open(flow: ExitFlow, route: Route, family: IpFamily): UdpSocket | undefined {
		const {backEnd, reporter} = this.#init;
		if (!flow.account.take()) {
			route.refusal = RefusalCode.DESCRIPTORS;
			flow.account.report();
			return undefined;
		}
		try {
			const binding = {address: wildcardOf(family), port: 0};
			const socket = backEnd.open(binding, this.#handlersOf(flow, family));
			flow.sockets.set(family, socket);
			route.refusal = 0;
			return socket;
		} catch (error) {
			flow.account.give();
			if (!(error instanceof SocketError)) throw error;
			route.refusal = RefusalCode.SOCKET;
			reporter
				.limited(`open exit ${family}`, LOG_INTERVAL)
				.warn('cannot open a socket for a flow', {
					reason: error.message,
				});
			if (flow.avoid !== family) this.#avoid(flow, family);
			return undefined;
		}
	}

	#handlersOf(flow: ExitFlow, family: IpFamily): UdpHandlers {
		return {
			onBatch: (_socket, batch) => {
				if (!flow.ended) this.#answered(flow, batch);
			},
			onError: (_socket, code) => {
				if (!flow.ended) this.#failed(flow, family, code);
			},
		};
	}

	#answered(flow: ExitFlow, batch: DatagramBatch): void {
		const now = this.#init.now();
		let allowed = 0;
		const {only} = flow;
		for (let i = 0; i < batch.count; i++) {
			const remote = batch.sources[i];
			const stranger = only !== undefined && remote?.key !== only.remote?.key;
			const source =
				remote === undefined || stranger
					? undefined
					: flow.sources.receive(remote, this.#generation, now);
			this.#answers[i] = source;
			if (source === undefined) this.#counts.deniedSource++;
			else allowed++;
		}
		if (allowed > 0) this.#init.events.answered(flow.id, batch, this.#answers);
	}

	#failed(flow: ExitFlow, family: IpFamily, code: string): void {
		this.#counts.failed++;
		switch (code) {
			case 'ENETUNREACH':
			case 'EHOSTUNREACH':
			case 'EADDRNOTAVAIL':
			case 'ENETDOWN':
			case 'EAFNOSUPPORT':
				// The other family must not lose its place to a target that never had one.
				if (flow.avoid === undefined) this.#avoid(flow, family);
		}
	}

	#avoid(flow: ExitFlow, family: IpFamily | undefined): void {
		flow.avoid = family;
		flow.avoidUntil = this.#init.now() + AVOID;
		flow.changes++;
	}

	#refuse(flow: ExitFlow, route: Route): void {
		const counts = this.#counts;
		const {refusal, text, reason} = route;
		if (refusal === RefusalCode.DENIED) {
			counts.denied++;
			this.#log(flow, 'a target is denied', text, reason);
		} else if (refusal === RefusalCode.UNRESOLVABLE) {
			counts.unresolvable++;
			this.#log(flow, 'a target cannot be resolved', text, reason);
		} else counts.noSocket++;
		const now = this.#init.now();
		if (now - route.refusedAt < REFUSAL_INTERVAL) return;
		route.refusedAt = now;
		this.#init.events.refused(flow.id, route.reference, refusal);
	}

	#log({user}: ExitFlow, message: string, target: string, reason: string): void {
		const {reporter} = this.#init;
		reporter.limited(`${message} ${user}`, LOG_INTERVAL).info(message, {user, target, reason});
	}
}
