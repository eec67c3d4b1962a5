import type {Millis} from '../../bytes/time.ts';
import type {ServerEndpoint, ServerSettings} from '../../core/endpoint.ts';
import type {EndpointEvent, EndpointStatus} from '../../core/events.ts';
import type {ReceivedTarget} from '../../core/received-target.ts';
import type {Delivery, Transmit} from '../../core/transmit.ts';
import type {TunnelStream} from '../../core/tunnel-stream.ts';
import type {ExitPolicy} from '../../exit/policy.ts';
import {familyOf} from '../../text/ip.ts';
import {RefusalCode} from '../../wire/constants.ts';
import {encodeBack} from '../../wire/handshake.ts';
import {type ExitRules, namesOf, type RuleSettings} from '../exit/exit-rules.ts';
import {FixedTargets, type TargetPlace, type TargetPlaces} from '../exit/fixed-targets.ts';
import {ExitSockets} from '../exit/sockets.ts';
import {StreamExit} from '../exit/streams.ts';
import {TargetSockets} from '../exit/target-sockets.ts';
import {ExitUpkeep} from '../exit/upkeep.ts';
import type {NameAnswer} from '../names/names.ts';
import type {Resolver} from '../names/resolver.ts';
import type {Reporter} from '../reporter.ts';
import {flowSocketLimit, readSoftLimit, SCARCE, SocketBudget} from '../udp/socket-budget.ts';
import type {DatagramBatch, UdpBackEnd} from '../udp/udp.ts';
import {Driver, type DriverOutputs} from './driver.ts';
import {ServerSockets} from './server-sockets.ts';

/** Inputs of a server that is an exit for its clients. */
export interface ServerExit {
	readonly policy: ExitPolicy;
	/** Answers the policy about single addresses; closed with the tunnel. */
	readonly locality?: {rescan(): void; close(): void};
	/** Those of the policy and of all users. */
	readonly rules: ExitRules;
	/** Closed with the tunnel. */
	readonly names: ExitNames;
}

/** The part of Names that an exit uses. */
export interface ExitNames {
	resolve(user: string, name: string): Promise<NameAnswer>;
	close(): void;
}

/** A client that got a CLOSE from a server, on one of its paths. */
export interface Goodbye {
	/** The server's address there. */
	readonly local: string;
	readonly host: string;
	readonly port: number;
	/** The client's id of the session. */
	readonly session: number;
	/** 32 hexadecimal digits. */
	readonly token: string;
}

/** Inputs of a server on real sockets. */
export interface ServerTunnelInit extends TargetPlaces {
	readonly endpoint: ServerEndpoint;
	/** The names of all users. */
	readonly users: readonly string[];
	/** Limit of their flows' sockets; as many as the system allows except in tests. */
	readonly sockets?: number;
	readonly port: number;
	/** IP literals; empty = every address of the machine. */
	readonly bind: readonly string[];
	/** Exit for targets that clients name. `undefined`: they may name none. */
	readonly exit: ServerExit | undefined;
	readonly backEnd: UdpBackEnd;
	readonly resolver: Resolver;
	readonly reporter: Reporter;
	/** Called with every event of the endpoint, after the tunnel acted on it. */
	readonly onEvent: (event: EndpointEvent) => void;
}

/** Settings of a server on real sockets that may change while it runs; they are complete. */
export interface ServerTunnelSettings {
	readonly settings: ServerSettings;
	readonly targets: TargetPlaces;
	/** `undefined`: the server is no exit. */
	readonly rules: RuleSettings | undefined;
}

/** A server endpoint with its sockets: the clients on one side, the fixed target on the other. */
export class ServerTunnel implements DriverOutputs {
	readonly #endpoint: ServerEndpoint;
	readonly #init: ServerTunnelInit;
	readonly #driver: Driver;
	readonly #sockets: ServerSockets;
	readonly #targets: FixedTargets;
	readonly #budget: SocketBudget;
	readonly #exits: ExitSockets | undefined;
	readonly #streamExit: StreamExit | undefined;
	readonly #upkeep: ExitUpkeep | undefined;
	// Filled anew for every answer: the endpoint keeps none of it.
	readonly #answer = {
		bytes: NO_BYTES,
		start: 0,
		end: 0,
		targetBytes: NO_BYTES,
		targetStart: 0,
		targetEnd: 0,
	};
	/** Users for whom an input waits that ends idle flows of theirs. */
	readonly #releasing = new Set<string>();
	/** True while an input is queued that sends the bytes of streams. */
	#pumping = false;
	#closing = false;

	constructor(init: ServerTunnelInit) {
		this.#init = init;
		const endpoint = init.endpoint;
		const driver = new Driver(endpoint, this);
		this.#endpoint = endpoint;
		this.#driver = driver;
		const {port, bind, exit, backEnd, reporter, users} = init;
		const {sockets: limit = flowSocketLimit(readSoftLimit())} = init;
		const scarce = (user: string) => this.#releaseFlows(user);
		const budget = new SocketBudget({limit, users, reporter, scarce});
		this.#sockets = new ServerSockets({
			port,
			bind,
			backEnd,
			reporter,
			events: {
				received: (batch) => this.#receive(batch),
				closed: (socket) => this.#input((now) => endpoint.socketClosed(socket, now)),
				tooLong: (remote, size) => this.#input((now) => endpoint.remoteTooLong(remote, size, now)),
			},
		});
		this.#budget = budget;
		this.#targets = new FixedTargets(
			{
				make: (place) => this.#targetSockets(place, budget),
				userOf: (flow) => endpoint.userOf(flow),
			},
			init,
		);
		this.#exits = exit && this.#exitSockets(exit, budget);
		this.#streamExit = exit && this.#exitStreams(exit, budget);
		this.#upkeep =
			exit &&
			new ExitUpkeep({
				policy: exit.policy,
				locality: exit.locality,
				watch: (changed) => backEnd.watchNetwork?.(changed),
				rules: exit.rules.sets,
				resolve: (user, name) => exit.names.resolve(user, name),
				bind,
				reporter,
				changed: () => this.#exits?.policyChanged(),
			});
	}

	#targetSockets(target: TargetPlace, budget: SocketBudget): TargetSockets {
		const {backEnd, resolver, reporter} = this.#init;
		return new TargetSockets({
			...target,
			budget,
			userOf: (flow) => this.#endpoint.userOf(flow),
			backEnd,
			resolver,
			reporter,
			now: () => this.#driver.now(),
			events: {
				answered: (flow, batch) => this.#fromTarget(flow, batch),
				failed: (flow, code) => {
					this.#targets.forget(flow);
					this.#input((now) => this.#endpoint.refuseFlow(flow, code, now));
				},
			},
		});
	}

	#exitSockets({policy, rules, names}: ServerExit, budget: SocketBudget): ExitSockets {
		const {backEnd, reporter} = this.#init;
		return new ExitSockets({
			policy,
			rulesOf: (user) => rules.of(user),
			budget,
			resolve: (user, name) => names.resolve(user, name),
			userOf: (flow) => this.#endpoint.userOf(flow),
			backEnd,
			reporter,
			now: () => this.#driver.now(),
			events: {
				answered: (flow, batch, sources) => this.#fromHosts(flow, batch, sources),
				refused: (flow, reference, code) =>
					this.#input((now) => this.#endpoint.refuseTarget(flow, reference, code, now)),
				reached: (flow, reference, address) =>
					this.#input((now) => this.#endpoint.targetReached(flow, reference, address, now)),
			},
		});
	}

	#exitStreams({policy, rules, names}: ServerExit, budget: SocketBudget): StreamExit {
		return new StreamExit({
			policy,
			rulesOf: (user) => rules.of(user),
			mayChoose: (user) => rules.mayChoose(user),
			budget,
			resolve: (user, name) => names.resolve(user, name),
			reporter: this.#init.reporter,
			now: () => this.#driver.now(),
			changed: () => this.streamsChanged(),
		});
	}

	/** Addresses at which clients reach it, as `host:port`. */
	get listening(): readonly string[] {
		return this.#sockets.listening;
	}

	/** TCP connections that go through the tunnel. */
	get streams(): number {
		return this.#streamExit?.size ?? 0;
	}

	/** Datagrams lost on this side of the tunnel's own counters, by reason. */
	get drops(): Readonly<Record<string, number>> {
		return {
			'path-queue-full': this.#sockets.dropped,
			'path-send-failed': this.#sockets.failures,
			'path-receive-queue-full': this.#sockets.missed,
			...this.#targets.drops,
			...this.#exits?.drops,
			...this.#streamExit?.drops,
		};
	}

	/**
	 * Opens the sockets and begins; rejects with a SocketError when no address can be bound. An exit
	 * begins when the names in its rules have been looked up, so that none is open for a moment.
	 */
	async start(): Promise<void> {
		await this.#upkeep?.start();
		this.#sockets.start();
		this.#input((now) => this.#endpoint.start(now));
		this.#targets.start();
	}

	/**
	 * Prepares other settings, which are complete: the names of their rules are looked up, so that
	 * none is open for a moment. What it resolves with puts them into effect.
	 */
	async prepare({settings, targets, rules}: ServerTunnelSettings): Promise<() => void> {
		const {exit} = this.#init;
		const names = rules === undefined ? [] : namesOf(rules);
		const addresses = await this.#upkeep?.find(names);
		return () => {
			this.#input((now) => this.#endpoint.reconfigure(settings, now));
			this.#budget.reconfigure(settings.users.map(({name}) => name));
			this.#targets.reconfigure(targets);
			if (exit === undefined || rules === undefined) return;
			exit.rules.replace(rules, addresses ?? new Map());
			this.#exits?.policyChanged();
		};
	}

	/** Returns the clients to which the next process may announce that the server is back. */
	goodbyes(): readonly Goodbye[] {
		return this.#endpoint.farewells().flatMap(({session, token, remotes}) =>
			remotes.flatMap((remote) => {
				const local = this.#sockets.localOf(remote);
				const {host, port} = remote;
				return local === undefined
					? []
					: [{local, host, port, session, token: Buffer.from(token).toString('hex')}];
			}),
		);
	}

	/** Announces to clients of a former process that the server is back. */
	announce(goodbyes: readonly Goodbye[]): void {
		for (const {local, host, port, session, token} of goodbyes) {
			if (familyOf(host) !== familyOf(local)) continue;
			const remote = this.#sockets.remote(local, host, port);
			if (remote === undefined) continue;
			const packet = encodeBack(session, Buffer.from(token, 'hex'));
			this.#sockets.send(remote, packet, 0, packet.length);
		}
		this.#sockets.flush();
	}

	/** Sends CLOSE, stays silent with open sockets as long as bridges need, closes everything. */
	async close(): Promise<void> {
		if (!this.#closing) {
			this.#closing = true;
			this.#driver.input(() => this.#endpoint.close(this.#driver.now()));
			this.#streamExit?.close();
			await pause(this.#endpoint.lingerTime());
		}
		await this.abort();
	}

	/** Closes everything at once, without a word to the other end. */
	async abort(): Promise<void> {
		this.#closing = true;
		this.#driver.stop();
		this.#upkeep?.close();
		this.#streamExit?.close();
		this.#init.exit?.names.close();
		this.#init.exit?.locality?.close();
		await Promise.all([this.#sockets.close(), this.#exits?.close(), this.#targets.close()]);
	}

	/** Streams were written, read or ended. */
	streamsChanged(): void {
		if (this.#pumping || this.#closing) return;
		this.#pumping = true;
		this.#driver.input(this.#pump);
	}

	readonly #pump = (): void => {
		this.#pumping = false;
		this.#endpoint.pumpStreams(this.#driver.now());
	};

	/** Returns the status of the endpoint. */
	status(): EndpointStatus {
		return this.#endpoint.status(this.#driver.now());
	}

	transmit(transmit: Transmit): boolean {
		const {slot, remotes, count} = transmit;
		let referenced = false;
		for (let i = 0; i < count; i++) {
			const remote = remotes[i];
			if (remote === undefined) continue;
			if (this.#sockets.send(remote, slot.bytes, slot.start, slot.end)) referenced = true;
		}
		return referenced;
	}

	deliver(delivery: Delivery, lasting: boolean): void {
		const {flow, target, bytes, start, end} = delivery;
		if (lasting) this.#send(flow, target, bytes, start, end);
		else this.#send(flow, target, bytes.slice(start, end), 0, end - start);
	}

	#send(
		flow: number,
		target: ReceivedTarget | undefined,
		bytes: Uint8Array,
		start: number,
		end: number,
	): void {
		if (target === undefined) this.#targets.of(flow)?.send(flow, bytes, start, end);
		else this.#exits?.send(flow, target, bytes, start, end);
	}

	flush(): void {
		this.#sockets.flush();
		this.#targets.flush();
		this.#exits?.flush();
	}

	event(event: EndpointEvent): void {
		if (event.type === 'flow-closed') {
			this.#targets.end(event.flow);
			this.#exits?.end(event.flow);
		}
		this.#init.onEvent(event);
	}

	stream(stream: TunnelStream): void {
		if (stream.owner !== undefined) stream.owner.streamChanged();
		else if (stream.state !== 'opening') return;
		else if (this.#streamExit !== undefined) this.#streamExit.open(stream);
		else {
			stream.reject(RefusalCode.NO_TARGET);
			this.streamsChanged();
		}
	}

	// After the goodbye only silence keeps bridges alive.
	#input(action: (now: Millis) => void): void {
		if (!this.#closing) this.#driver.input(() => action(this.#driver.now()));
	}

	// Sockets run out: those of idle flows are for others.
	#releaseFlows(user: string): void {
		if (this.#releasing.has(user)) return;
		this.#releasing.add(user);
		this.#input((now) => {
			this.#releasing.delete(user);
			this.#endpoint.releaseFlows(user, SCARCE, now);
		});
	}

	#receive(batch: DatagramBatch): void {
		if (this.#closing) return;
		const now = this.#driver.now();
		for (let i = 0; i < batch.count; i++) {
			const source = batch.sources[i];
			if (source === undefined) continue;
			const start = batch.offsets[i]!;
			const end = start + batch.lengths[i]!;
			this.#endpoint.receive(source, batch.arena, start, end, now);
			this.#driver.settle(batch.arena);
		}
		this.#driver.finish();
	}

	#fromTarget(flow: number, batch: DatagramBatch): void {
		if (this.#closing) return;
		const now = this.#driver.now();
		for (let i = 0; i < batch.count; i++) {
			const start = batch.offsets[i]!;
			const end = start + batch.lengths[i]!;
			this.#endpoint.sendDatagram(flow, batch.arena, start, end, now);
			this.#driver.settle(batch.arena);
		}
		this.#driver.finish();
	}

	#fromHosts(
		flow: number,
		batch: DatagramBatch,
		sources: readonly (Uint8Array | undefined)[],
	): void {
		if (this.#closing) return;
		const now = this.#driver.now();
		const answer = this.#answer;
		for (let i = 0; i < batch.count; i++) {
			const source = sources[i];
			if (source === undefined) continue;
			answer.bytes = batch.arena;
			answer.start = batch.offsets[i]!;
			answer.end = answer.start + batch.lengths[i]!;
			answer.targetBytes = source;
			answer.targetEnd = source.length;
			this.#endpoint.sendDatagramFrom(flow, answer, now);
			this.#driver.settle(batch.arena);
		}
		this.#driver.finish();
	}
}

const NO_BYTES: Uint8Array = new Uint8Array(0);

function pause(millis: number): Promise<void> {
	return new Promise((resolve) => setTimeout(resolve, millis));
}
