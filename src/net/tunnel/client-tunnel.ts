import type {Millis} from '../../bytes/time.ts';
import {Budget} from '../../core/budget.ts';
import type {ClientEndpoint, ClientSettings} from '../../core/endpoint.ts';
import type {EndpointEvent, EndpointStatus} from '../../core/events.ts';
import type {RemoteAddress} from '../../core/remote-address.ts';
import type {Delivery, Transmit} from '../../core/transmit.ts';
import type {TunnelStream} from '../../core/tunnel-stream.ts';
import {type RefusedKind, refusalCounter} from '../../wire/refusal.ts';
import type {Resolver} from '../names/resolver.ts';
import type {Reporter} from '../reporter.ts';
import type {SocksTunnel} from '../socks/relay.ts';
import {SOCKS_LIMITS, SocksServer, type SocksServerSettings} from '../socks/server.ts';
import type {StreamTunnel} from '../tcp/client-stream.ts';
import {ClientStreams} from '../tcp/client-streams.ts';
import {TcpForward, type TcpForwardPlace} from '../tcp/forward.ts';
import type {Listener} from '../udp/listener.ts';
import {flowSocketLimit, readSoftLimit} from '../udp/socket-budget.ts';
import type {DatagramBatch, UdpBackEnd, UdpSocket} from '../udp/udp.ts';
import {
	ClientListeners,
	type ListenPlace,
	type ListenPlaces,
	type PreparedPlaces,
} from './client-listeners.ts';
import type {ClientPath, ClientPathOptions, PathTrouble} from './client-path.ts';
import {ClientPaths} from './client-paths.ts';
import {Driver, type DriverOutputs} from './driver.ts';
import type {PortMemory} from './path-port.ts';

/** Streams of a client, whatever the system would allow. */
const MAX_STREAMS = 1024;

/** Inputs of a client on real sockets. */
export interface ClientTunnelInit {
	readonly endpoint: ClientEndpoint;
	/** In the order of the endpoint's paths. */
	readonly paths: readonly ClientPathOptions[];
	/** The classic port, the endpoint's listener 0. `undefined`: none. */
	readonly listen: ListenPlace | undefined;
	/** The SOCKS listener, the endpoint's next listener. `undefined`: none. */
	readonly socks?: SocksServerSettings | undefined;
	/** Listeners for the forwards' targets: the endpoint's listeners after these. */
	readonly forwards?: readonly ListenPlace[] | undefined;
	/** The same for TCP connections. */
	readonly tcpForwards?: readonly TcpForwardPlace[] | undefined;
	/** True when applications get success before the server has reached their target. */
	readonly optimisticConnect?: boolean;
	readonly backEnd: UdpBackEnd;
	readonly resolver: Resolver;
	readonly ports: PortMemory;
	readonly reporter: Reporter;
	/** Called with every event of the endpoint, after the tunnel acted on it. */
	readonly onEvent: (event: EndpointEvent) => void;
	/** Called with the system's error of a path that leads nowhere. */
	readonly onRefused?: (path: number, reason: string) => void;
}

/** Settings of a client on real sockets that may change while it runs; they are complete. */
export interface ClientTunnelSettings extends ListenPlaces {
	readonly settings: ClientSettings;
	/** By the ids of `settings`. */
	readonly paths: ReadonlyMap<number, ClientPathOptions>;
	/** The endpoint's number of the classic port. `undefined`: none. */
	readonly classic: number | undefined;
	/** The endpoint's numbers of the forwards of datagrams, in their order. */
	readonly forwards: readonly number[];
}

/** A client endpoint with its sockets: the paths on one side, the classic port on the other. */
export class ClientTunnel implements DriverOutputs, StreamTunnel {
	readonly #endpoint: ClientEndpoint;
	readonly #init: ClientTunnelInit;
	readonly #driver: Driver;
	/**
	 * Of connections that CONNECT, that have an association, that ask for either, and of forwards.
	 */
	readonly #descriptors: Budget;
	readonly #paths: ClientPaths;
	/** The endpoint's number of the SOCKS listener; -1 = there is none. */
	readonly #socksListener: number;
	/** The classic port and the forwards. */
	readonly #listeners: ClientListeners;
	/** The endpoint's numbers of the forwards, in their order, and of the classic port; -1: none. */
	#forwards: readonly number[];
	#classic: number;
	/** Refusals of the server, by reason. */
	readonly #refusals = new Map<string, number>();
	readonly #streams: ClientStreams;
	#socks: SocksServer | undefined;
	#hasSession = false;
	/** True while an input is queued that sends the bytes of streams. */
	#pumping = false;
	#closing = false;

	constructor(init: ClientTunnelInit) {
		this.#init = init;
		this.#endpoint = init.endpoint;
		this.#driver = new Driver(init.endpoint, this);
		this.#socksListener = init.socks === undefined ? -1 : init.listen === undefined ? 0 : 1;
		const {paths, backEnd, resolver, ports, reporter, optimisticConnect = false} = init;
		const {tcpForwards = []} = init;
		const sockets = flowSocketLimit(readSoftLimit());
		const kinds = (init.socks === undefined ? 0 : 3) + (tcpForwards.length > 0 ? 1 : 0);
		this.#descriptors = new Budget(Math.min(sockets, Number.MAX_SAFE_INTEGER), kinds);
		const streams = new Budget(MAX_STREAMS, kinds > 3 ? 2 : 1);
		const shares = () => [this.#descriptors.account(), streams.account()];
		this.#streams = new ClientStreams({
			tunnel: this,
			optimistic: optimisticConnect,
			shares: shares(),
		});
		const forwarded = shares();
		this.#listeners = new ClientListeners({
			backEnd,
			received: (listener, batch) => this.#fromApplication(listener, batch),
			tcpForward: (place) => new TcpForward(place, this.#streams, reporter, forwarded),
		});
		this.#classic = init.listen === undefined ? -1 : 0;
		const first = this.#classic + (init.socks === undefined ? 1 : 2);
		this.#forwards = (init.forwards ?? []).map((_, index) => first + index);
		this.#paths = new ClientPaths({
			paths,
			backEnd,
			resolver,
			ports,
			reporter,
			now: () => this.#driver.now(),
			events: {
				received: (path, socket, batch) => this.#receive(path, socket, batch),
				opened: (path) => this.probe(path.id),
				refused: (path, reason) => {
					init.onRefused?.(path.id, reason);
					this.#input((now) => this.#endpoint.pathRefused(path.id, now, reason));
				},
				lost: (path, reason) => {
					init.onRefused?.(path.id, reason);
					this.#input((now) => this.#endpoint.pathLost(path.id, now, reason));
				},
				tooLong: (path, size) => {
					this.#input((now) => this.#endpoint.pathTooLong(path.id, size, now));
				},
			},
		});
	}

	/** The paths' sockets, by path id. */
	get paths(): readonly ClientPath[] {
		return this.#paths.all;
	}

	/** Returns the reason why a path cannot send. `undefined`: it can. */
	troubleOf(path: number): PathTrouble | undefined {
		return this.#paths.troubleOf(path);
	}

	/** The classic port, when it is open. */
	get listener(): Listener | undefined {
		return this.#listeners.udp[this.#classic];
	}

	/** The ports of the forwards, in their order, once they are open. */
	get forwards(): readonly Listener[] {
		return this.#forwards.flatMap((id) => this.#listeners.udp[id] ?? []);
	}

	/** Addresses of each TCP forward, in their order, as `host:port`. */
	get tcpForwards(): readonly (readonly string[])[] {
		return this.#listeners.tcpAddresses;
	}

	/** TCP connections that go through the tunnel. */
	get streams(): number {
		return this.#streams.count;
	}

	/** The SOCKS listener, when it is open. */
	get socks(): SocksServer | undefined {
		return this.#socks;
	}

	/** Datagrams lost on this side of the tunnel's own counters, by reason. */
	get drops(): Readonly<Record<string, number>> {
		const paths = this.#paths.all;
		const {dropped, missed, failures} = this.#listeners.counts;
		const {past} = this.#paths;
		return {
			'path-queue-full': paths.reduce((sum, path) => sum + path.dropped, past.dropped),
			'path-send-failed': paths.reduce((sum, path) => sum + path.failures, past.failures),
			'path-receive-queue-full': paths.reduce((sum, path) => sum + path.missed, past.missed),
			'application-queue-full': dropped,
			'application-receive-queue-full': missed,
			'application-send-failed': failures,
			...Object.fromEntries(this.#refusals),
			...this.#socks?.drops,
		};
	}

	/**
	 * Opens all sockets and begins; throws a SocketError when one of them must but cannot be opened.
	 */
	start(): void {
		const {listen, forwards = []} = this.#init;
		if (listen !== undefined) this.#listeners.openUdp(0, listen);
		for (const [index, place] of forwards.entries()) {
			this.#listeners.openUdp(this.#forwards[index]!, place);
		}
		this.#input((now) => this.#endpoint.start(now));
		this.#paths.start();
	}

	/** Opens the ports of the TCP forwards; rejects with a SocketError when one cannot be opened. */
	async startForwards(): Promise<void> {
		await this.#listeners.openTcp(this.#init.tcpForwards ?? []);
	}

	/** Returns an id that no path has. `undefined`: all are taken. */
	freePath(taken: ReadonlySet<number>): number | undefined {
		return this.#paths.freeId(taken);
	}

	/**
	 * Prepares other settings: opens what is new and has to be open. Rejects with a SocketError when
	 * that cannot be, and then nothing has changed.
	 */
	async prepare(changed: ClientTunnelSettings): Promise<PreparedPlaces> {
		const places = await this.#listeners.prepare(changed);
		return {undo: places.undo, commit: () => this.#commit(changed, places)};
	}

	/** Takes other settings of the same paths and listeners. */
	reconfigure(settings: ClientSettings): void {
		this.#input((now) => this.#endpoint.reconfigure(settings, now));
	}

	#commit({settings, paths, classic = -1, forwards}: ClientTunnelSettings, places: PreparedPlaces) {
		if (this.#closing) {
			places.undo();
			return;
		}
		this.#classic = classic;
		this.#forwards = forwards;
		// First the endpoint: nothing is sent on a path that goes, and those that come are known.
		this.reconfigure(settings);
		places.commit();
		this.#paths.reconfigure(paths);
	}

	/** Opens the SOCKS listener; rejects with a SocketError when it cannot. */
	async startSocks(): Promise<void> {
		const {socks: settings, backEnd, reporter} = this.#init;
		if (settings === undefined || this.#closing) return;
		const descriptors = {
			handshakes: this.#descriptors.account(SOCKS_LIMITS.connections),
			// Every association takes two.
			associations: this.#descriptors.account(2 * SOCKS_LIMITS.associations),
		};
		const limits = SOCKS_LIMITS;
		const listener = this.#socksListener;
		const tunnel = this.#socksTunnel();
		const streams = this.#streams;
		const init = {settings, listener, limits, descriptors, backEnd, tunnel, streams, reporter};
		const socks = new SocksServer(init);
		try {
			await socks.open();
			this.#socks = socks;
		} catch (error) {
			await socks.close();
			throw error;
		}
	}

	#socksTunnel(): SocksTunnel {
		return {
			now: () => this.#driver.now(),
			send: (datagram, arena, now) => {
				if (this.#closing) return;
				this.#endpoint.sendDatagramTo(datagram, now);
				this.#driver.settle(arena);
			},
			finish: () => {
				if (!this.#closing) this.#driver.finish();
			},
			endApplication: (application) => {
				this.#input((now) => this.#endpoint.endApplication(application, now));
			},
		};
	}

	now(): Millis {
		return this.#driver.now();
	}

	get hasSession(): boolean {
		return this.#hasSession;
	}

	openStream(target: Uint8Array): TunnelStream | undefined {
		if (this.#closing) return undefined;
		const stream = this.#endpoint.openStream(target, this.#driver.now());
		this.streamsChanged();
		return stream;
	}

	// Whatever many streams do before the input's turn comes, one input sends it all.
	streamsChanged(): void {
		if (this.#pumping || this.#closing) return;
		this.#pumping = true;
		this.#driver.input(this.#pump);
	}

	readonly #pump = (): void => {
		this.#pumping = false;
		this.#endpoint.pumpStreams(this.#driver.now());
	};

	streamRefused(code: number, target: Uint8Array): void {
		this.#countRefusal(code, 'stream');
		this.#init.onEvent({type: 'target-refused', kind: 'stream', flow: 0, target, code});
	}

	/** Reports to the endpoint that a path is ready, which makes it send a probe there at once. */
	probe(path: number): void {
		this.#input((now) => this.#endpoint.pathOpened(path, now));
	}

	/** Sends CLOSE, stays silent with open sockets as long as bridges need, closes everything. */
	async close(): Promise<void> {
		if (!this.#closing) {
			this.#closing = true;
			this.#driver.input(() => this.#endpoint.close(this.#driver.now()));
			this.#streams.close();
			await this.#socks?.close();
			await pause(this.#endpoint.lingerTime());
		}
		await this.abort();
	}

	/** Closes everything at once, without a word to the other end. */
	async abort(): Promise<void> {
		this.#closing = true;
		this.#driver.stop();
		this.#streams.close();
		await Promise.all([this.#paths.close(), this.#socks?.close(), this.#listeners.close()]);
	}

	/** Returns the status of the endpoint. */
	status(): EndpointStatus {
		return this.#endpoint.status(this.#driver.now());
	}

	transmit(transmit: Transmit): boolean {
		const {slot, paths, count} = transmit;
		let referenced = false;
		for (let i = 0; i < count; i++) {
			if (this.#paths.send(paths[i]!, slot.bytes, slot.start, slot.end)) referenced = true;
		}
		return referenced;
	}

	deliver(delivery: Delivery, lasting: boolean): void {
		const {application, bytes, start, end} = delivery;
		if (application === undefined) return;
		const listener = this.#listeners.udp[delivery.listener];
		if (delivery.listener === this.#socksListener) this.#socks?.deliver(delivery);
		else if (lasting) listener?.send(application, bytes, start, end);
		else listener?.send(application, bytes.slice(start, end), 0, end - start);
	}

	flush(): void {
		this.#paths.flush();
		this.#listeners.flush();
	}

	event(event: EndpointEvent): void {
		if (event.type === 'path-silent' && !this.#closing) this.#paths.silent(event.path);
		if (event.type === 'path-state') this.#paths.judged(event.path, event.to);
		if (event.type === 'target-refused') this.#countRefusal(event.code, event.kind);
		if (event.type === 'session-up') this.#hasSession = true;
		if (event.type === 'session-down') {
			this.#hasSession = false;
			this.#paths.sessionLost();
		}
		this.#init.onEvent(event);
	}

	stream(stream: TunnelStream): void {
		stream.owner?.streamChanged();
	}

	#countRefusal(code: number, kind: RefusedKind): void {
		const reason = `refused-${refusalCounter(code, kind)}`;
		this.#refusals.set(reason, (this.#refusals.get(reason) ?? 0) + 1);
	}

	// After the goodbye only silence keeps bridges alive.
	#input(action: (now: Millis) => void): void {
		if (!this.#closing) this.#driver.input(() => action(this.#driver.now()));
	}

	#receive(path: ClientPath, socket: UdpSocket, batch: DatagramBatch): void {
		if (this.#closing) return;
		const now = this.#driver.now();
		for (let i = 0; i < batch.count; i++) {
			const start = batch.offsets[i]!;
			const end = start + batch.lengths[i]!;
			const drop = this.#endpoint.receive(path.id, batch.arena, start, end, now);
			this.#driver.settle(batch.arena);
			const source = batch.sources[i];
			if (path.racing && drop === undefined && source !== undefined) path.settle(socket, source);
		}
		this.#driver.finish();
	}

	#fromApplication(listener: number, batch: DatagramBatch): void {
		if (this.#closing) return;
		const now = this.#driver.now();
		// One record for the batch.
		const datagram = {listener, application: NO_SOURCE, bytes: batch.arena, start: 0, end: 0};
		for (let i = 0; i < batch.count; i++) {
			const source = batch.sources[i];
			if (source === undefined) continue;
			datagram.application = source;
			datagram.start = batch.offsets[i]!;
			datagram.end = datagram.start + batch.lengths[i]!;
			this.#endpoint.sendDatagram(datagram, now);
			this.#driver.settle(batch.arena);
		}
		this.#driver.finish();
	}
}

/** In place of an address until there is one. */
const NO_SOURCE: RemoteAddress = {key: '', socket: 0, host: '', port: 0};

function pause(millis: number): Promise<void> {
	return new Promise((resolve) => setTimeout(resolve, millis));
}
