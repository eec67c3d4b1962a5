import {type Millis, NEVER} from '../../../src/bytes/time.ts';
import type {ClientConfig, Endpoint, ServerConfig} from '../../../src/core/endpoint.ts';
import type {Environment} from '../../../src/core/environment.ts';
import type {EndpointEvent} from '../../../src/core/events.ts';
import type {RemoteAddress} from '../../../src/core/remote-address.ts';
import type {Delivery} from '../../../src/core/transmit.ts';
import type {AeadFactory} from '../../../src/crypto/aead.ts';
import {chooseAead} from '../../../src/crypto/aead-choice.ts';
import {Link} from '../../../src/sim/link.ts';
import type {LinkConfig} from '../../../src/sim/link-config.ts';
import {Prng} from '../../../src/sim/prng.ts';
import {applicationAddress, targetAddress} from './addresses.ts';
import {CHEAP_DH} from './cheap-dh.ts';
import {DatagramLedger, type End} from './datagram-ledger.ts';
import {clientConfigOf, serverConfigOf} from './end-configs.ts';
import {CountedClient, CountedServer} from './slot-count.ts';
import {testCoding} from './test-coding.ts';
import type {Arrival, Flight, Tally, WorldOptions} from './world-options.ts';

export type {Flight} from './world-options.ts';

/** The fastest back end there is; simulations care for time, not for which. */
export const AEAD: AeadFactory = (await chooseAead()).factory;

/** Larger than any packet that a test makes. */
const ARENA_SIZE = 65_536;

/** An answer of the target to a datagram that came out at the server. */
interface Echo {
	readonly flow: number;
	/** Who answers, where the client chose the target. */
	readonly target: Uint8Array | undefined;
	readonly bytes: Uint8Array;
}

/** A client, a server, simulated links between them, and applications: all on one virtual clock. */
export class TunnelWorld {
	now: Millis = 0;
	readonly random: Prng;
	readonly up: Link<Flight>[] = [];
	readonly down: Link<Flight>[] = [];
	readonly options: WorldOptions;
	readonly clientConfig: ClientConfig;
	readonly serverConfig: ServerConfig;
	client: CountedClient | undefined;
	server: CountedServer | undefined;
	/** Datagrams that came out at the server and at the client. */
	readonly atServer: Arrival[] = [];
	readonly atClient: Arrival[] = [];
	readonly clientEvents: {readonly at: Millis; readonly event: EndpointEvent}[] = [];
	readonly serverEvents: {readonly at: Millis; readonly event: EndpointEvent}[] = [];
	/** Faults of the tunnel itself: a test fails when there is one. */
	readonly faults: string[] = [];
	/** Copies of packets handed to the links, by path. */
	readonly copies: number[];
	/** Paths as the server sees them now. */
	readonly remotes: RemoteAddress[];
	readonly #routes = new Map<string, number>();
	/** What became of the packets handed to each end since it started, by reason. */
	readonly handed: Record<End, Tally> = {client: new Map(), server: new Map()};
	readonly #ledger = new DatagramLedger();
	/** Where datagrams have to come out at the server, and whether answers have to say it. */
	readonly #targets = new Map<number, {readonly encoded: Uint8Array; readonly named: boolean}>();
	readonly #flowOwner = new Map<number, number>();
	readonly #plans: {readonly at: Millis; readonly order: number; readonly run: () => void}[] = [];
	readonly #arenas: Record<End, Uint8Array> = {
		client: new Uint8Array(ARENA_SIZE),
		server: new Uint8Array(ARENA_SIZE),
	};
	#orders = 0;
	#batching = false;

	constructor(options: WorldOptions) {
		this.options = options;
		this.random = new Prng(options.seed);
		options.links.forEach((link, id) => {
			const {up, down} = 'up' in link ? link : {up: link, down: link};
			this.up.push(new Link<Flight>(up, this.random.fork(`up ${id}`)));
			this.down.push(new Link<Flight>(down, this.random.fork(`down ${id}`)));
		});
		this.copies = options.links.map(() => 0);
		this.remotes = options.links.map((_, id) => this.#route(id, 10_000 + id));
		this.clientConfig = clientConfigOf(options);
		this.serverConfig = serverConfigOf(options, this.clientConfig);
	}

	#route(path: number, port: number): RemoteAddress {
		const host = `10.0.0.${path + 1}`;
		const remote = {key: `0|${host}|${port}`, socket: 0, host, port};
		this.#routes.set(remote.key, path);
		return remote;
	}

	#environment(label: End, clock: number): Environment {
		const random = this.random.fork(`${label} ${this.#orders++}`);
		const aead = this.options.aead ?? AEAD;
		const {lanes = false, coding: make} = this.options;
		const plain = {random, wallTime: (now: Millis) => clock + now, aead, dh: CHEAP_DH};
		const knowsLanes = typeof lanes === 'boolean' ? lanes : lanes[label];
		const own = knowsLanes ? make?.(label) : undefined;
		return knowsLanes ? {...plain, coding: own === undefined ? testCoding : () => own} : plain;
	}

	/** The bridge or NAT of a path gives it another port; the old one leads nowhere. */
	changeAddress(path: number): void {
		this.#routes.delete(this.remotes[path]!.key);
		this.remotes[path] = this.#route(path, 20_000 + this.#orders++);
	}

	/** Starts the server; it forgets everything it knew. */
	startServer(): void {
		const environment = this.#environment('server', 1_000_000);
		const make = this.options.ends?.server;
		const config = this.serverConfig;
		this.server = make?.(config, environment) ?? new CountedServer(config, environment);
		this.server.start(this.now);
		this.#flowOwner.clear();
		this.handed.server.clear();
	}

	/** The server dies without a word. */
	killServer(): void {
		this.server = undefined;
	}

	/** Starts the client with all paths open. */
	startClient(): void {
		const clock = this.options.clientClock ?? 1_000_000;
		const environment = this.#environment('client', clock);
		const make = this.options.ends?.client;
		const config = this.clientConfig;
		this.client = make?.(config, environment) ?? new CountedClient(config, environment);
		this.handed.client.clear();
		this.clientConfig.paths.forEach(({id}) => {
			this.client!.pathOpened(id, this.now);
		});
		this.client.start(this.now);
		this.#drain('client');
	}

	/** The client dies without a word. */
	killClient(): void {
		this.client = undefined;
	}

	/** Both ends. */
	start(): this {
		this.startServer();
		this.startClient();
		return this;
	}

	/** Does something at a time of the virtual clock. */
	at(time: Millis, run: () => void): void {
		this.#plans.push({at: time, order: this.#orders++, run});
		this.#plans.sort((a, b) => a.at - b.at || a.order - b.order);
	}

	/** An application puts a datagram of `size` bytes (at least 7) into the tunnel; its sequence. */
	send(application = 0, size = 100): number {
		const sequence = this.#ledger.sent;
		this.#put(application, this.#ledger.make(application, size, this.now));
		return sequence;
	}

	/** A datagram that another client than the world's is about to send: its sequence, and its bytes. */
	make(application: number, size = 100): {readonly sequence: number; readonly bytes: Uint8Array} {
		const sequence = this.#ledger.sent;
		return {sequence, bytes: this.#ledger.make(application, size, this.now)};
	}

	/** The same through a listener that leads to one target of the client's. */
	sendForward(listener: number, application = 0, size = 100): number {
		const sequence = this.#ledger.sent;
		const encoded = this.clientConfig.listeners[listener]!.target!;
		this.#targets.set(sequence, {encoded, named: false});
		this.#put(application, this.#ledger.make(application, size, this.now), listener);
		return sequence;
	}

	/** The same with 0 to 6 bytes, which nobody can tell from others of their length. */
	sendTiny(application: number, size: number): void {
		this.#put(application, this.#ledger.makeTiny(application, size));
	}

	/** The same to a target that the application names, by number; answers come from there. */
	sendTo(target: number, application = 0, size = 100): number {
		const sequence = this.#ledger.sent;
		const bytes = this.#ledger.make(application, size, this.now);
		const encoded = targetAddress(target);
		this.#targets.set(sequence, {encoded, named: true});
		const where = {targetBytes: encoded, targetStart: 0, targetEnd: encoded.length};
		const what = {bytes, start: 0, end: bytes.length, ...where};
		const from = applicationAddress(application);
		this.client?.sendDatagramTo({...what, listener: 1, application: from, user: ''}, this.now);
		this.#drain('client');
		return sequence;
	}

	/** The SOCKS association of an application ends. */
	endApplication(application: number): void {
		this.client?.endApplication(applicationAddress(application), this.now);
		this.#drain('client');
	}

	#put(application: number, bytes: Uint8Array, listener = 0): void {
		const from = applicationAddress(application, listener);
		const span = {bytes, start: 0, end: bytes.length};
		this.client?.sendDatagram({...span, listener, application: from}, this.now);
		this.#drain('client');
	}

	/** What `run` puts in comes in one batch, as a socket hands it over: datagrams may share packets. */
	batch(run: () => void): void {
		this.#batching = true;
		run();
		this.#batching = false;
		this.#drain('client');
		this.#drain('server');
	}

	/** The target of a flow sends a datagram of its own; its sequence, -1 when the flow is gone. */
	reply(flow: number, application = 0, size = 100): number {
		const sequence = this.#ledger.sent;
		const bytes = this.#ledger.make(application, size, this.now);
		const reason = this.server?.sendDatagram(flow, bytes, 0, bytes.length, this.now);
		this.#drain('server');
		return reason === undefined && this.server !== undefined ? sequence : -1;
	}

	/** `rate` datagrams a second for `duration`, evenly. */
	stream(rate: number, duration: Millis, application = 0, size = 100): void {
		const from = this.now;
		const count = Math.floor((rate * duration) / 1000);
		for (let i = 0; i < count; i++) {
			this.run(from + (i * 1000) / rate);
			this.send(application, size);
		}
		this.run(from + duration);
	}

	/** Hands the server or the client a packet of the test's making, as if it came from there. */
	inject(end: End, path: number, bytes: Uint8Array, from?: RemoteAddress): void {
		this.#arrive(end, path, {bytes, remote: from ?? this.remotes[path]!}, -1);
	}

	// In memory that is overwritten by the next packet, as the sockets' is: an end must keep nothing.
	#arrive(end: End, path: number, {bytes, remote}: Flight, flipBit: number): void {
		if (this[end] === undefined) return;
		const {now} = this;
		const arena = this.#arenas[end];
		const {length} = bytes;
		arena.set(bytes);
		if (flipBit >= 0) arena[flipBit >> 3]! ^= 1 << (flipBit & 7);
		const reason =
			end === 'server'
				? this.server?.receive(remote, arena, 0, length, now)
				: this.client?.receive(path, arena, 0, length, now);
		const tally = this.handed[end];
		tally.set(reason ?? 'taken', (tally.get(reason ?? 'taken') ?? 0) + 1);
		this.options.received?.(end, reason);
		this.#drain(end);
	}

	/** Gives an end any other input and drains it. */
	poke(end: End, run: (world: this) => void): void {
		if (this[end] === undefined) return;
		run(this);
		this.#drain(end);
	}

	/** Lets the world go on until `time`. */
	run(time: Millis): void {
		for (let guard = 0; ; guard++) {
			const next = this.#next();
			if (next > time) break;
			if (next > this.now) guard = 0;
			else if (guard > 100_000) throw new Error(`time stands still at ${this.now} ms`);
			this.now = Math.max(this.now, next);
			this.#step();
		}
		this.now = Math.max(this.now, time);
	}

	#next(): Millis {
		let next = this.#plans[0]?.at ?? NEVER;
		for (const link of this.up) next = Math.min(next, link.nextTimeout());
		for (const link of this.down) next = Math.min(next, link.nextTimeout());
		next = Math.min(next, this.client?.nextTimeout() ?? NEVER);
		return Math.min(next, this.server?.nextTimeout() ?? NEVER);
	}

	#step(): void {
		const {now} = this;
		while (this.#plans[0] !== undefined && this.#plans[0].at <= now) this.#plans.shift()!.run();
		this.up.forEach((link, path) => {
			for (let got = link.poll(now); got !== undefined; got = link.poll(now)) {
				this.#arrive('server', path, got.item, got.flipBit);
			}
		});
		this.down.forEach((link, path) => {
			for (let got = link.poll(now); got !== undefined; got = link.poll(now)) {
				this.#arrive('client', path, got.item, got.flipBit);
			}
		});
		if (this.client !== undefined && this.client.nextTimeout() <= now) {
			this.options.timer?.('client');
			this.client.handleTimeout(now);
			this.#drain('client');
		}
		if (this.server !== undefined && this.server.nextTimeout() <= now) {
			this.options.timer?.('server');
			this.server.handleTimeout(now);
			this.#drain('server');
		}
	}

	#drain(end: End): void {
		const endpoint = end === 'client' ? this.client : this.server;
		if (endpoint === undefined) return;
		if (!this.#batching) endpoint.flush(this.now);
		this.#drainPackets(endpoint, end);
		const echoes: Echo[] = [];
		for (let out = endpoint.pollDelivery(); out; out = endpoint.pollDelivery()) {
			this.#take(out, end, echoes);
		}
		for (let event = endpoint.pollEvent(); event !== undefined; event = endpoint.pollEvent()) {
			const list = end === 'client' ? this.clientEvents : this.serverEvents;
			list.push({at: this.now, event});
		}
		for (const {flow, target, bytes} of echoes) {
			this.#answer(flow, target, bytes);
			this.#drainPackets(endpoint, end);
		}
		this.#drainStreams(endpoint, end);
		if (this.#batching) return;
		endpoint.flush(this.now);
		this.#drainPackets(endpoint, end);
		if (endpoint.runEarly(this.now)) this.#drainPackets(endpoint, end);
		if (endpoint.slots.out !== 0) this.faults.push(`${end} keeps a slot`);
	}

	#drainStreams(endpoint: Endpoint, end: End): void {
		for (let stream = endpoint.pollStream(); stream; stream = endpoint.pollStream()) {
			if (stream.owner === undefined) this.options.accept?.(stream, end);
			stream.owner?.streamChanged();
			endpoint.pumpStreams(this.now);
			this.#drainPackets(endpoint, end);
		}
	}

	#drainPackets(endpoint: Endpoint, end: End): void {
		for (;;) {
			const transmit = endpoint.pollTransmit(this.now);
			if (transmit === undefined) return;
			const {slot} = transmit;
			const bytes = slot.bytes.slice(slot.start, slot.end);
			for (let i = 0; i < transmit.count; i++) {
				const remote = transmit.remotes[i];
				this.options.observe?.(end, bytes, remote);
				const up = end === 'client';
				const path = up ? transmit.paths[i]! : this.#routes.get(remote!.key);
				if (path === undefined) continue;
				if (up) this.copies[path]!++;
				const flight = {bytes, remote: this.remotes[path]!, alone: transmit.alone};
				const {intercept} = this.options;
				if (intercept !== undefined && !intercept(flight, path, up, this.now)) continue;
				(up ? this.up : this.down)[path]!.send(flight, bytes.length, this.now);
			}
			endpoint.releaseSlot(slot);
		}
	}

	#answer(flow: number, target: Uint8Array | undefined, bytes: Uint8Array): void {
		if (target === undefined) {
			this.server?.sendDatagram(flow, bytes, 0, bytes.length, this.now);
			return;
		}
		const source = {targetBytes: target, targetStart: 0, targetEnd: target.length};
		this.server?.sendDatagramFrom(flow, {bytes, start: 0, end: bytes.length, ...source}, this.now);
	}

	#take(delivery: Delivery, end: End, echoes: Echo[]): void {
		const {user} = this.options;
		const foreign = user !== undefined && this.server?.userOf(delivery.flow) !== user;
		if (end === 'server' && foreign) return;
		const bytes = delivery.bytes.slice(delivery.start, delivery.end);
		const application = bytes[0] ?? -1;
		const sequence = this.#ledger.arrived(end, bytes, this.faults);
		const sentAt = this.#ledger.sentAt(sequence) ?? 0;
		const arrival = {application, sequence, at: this.now, sentAt, flow: delivery.flow};
		this.#checkOwner(end, delivery.flow, application, delivery.application);
		(end === 'client' ? this.atClient : this.atServer).push(arrival);
		const target = delivery.target?.target.encoded;
		if (end === 'server' && this.options.echo) echoes.push({flow: delivery.flow, target, bytes});
		const wanted = this.#targets.get(sequence);
		const expected = end === 'server' || wanted?.named ? wanted?.encoded : undefined;
		if (sequence >= 0 && `${target}` !== `${expected}`) {
			this.faults.push(`${end} got datagram ${sequence} for ${target}, not ${expected}`);
		}
	}

	#checkOwner(end: End, flow: number, application: number, to: RemoteAddress | undefined): void {
		if (application < 0) return;
		if (end === 'client') {
			if (to?.port !== applicationAddress(application).port) {
				this.faults.push('a reply reached another application');
			}
			return;
		}
		const owner = this.#flowOwner.get(flow);
		if (owner !== undefined && owner !== application) {
			this.faults.push(`flow ${flow} carries applications ${owner} and ${application}`);
		}
		this.#flowOwner.set(flow, application);
	}

	/** How many datagrams were sent so far. */
	get sent(): number {
		return this.#ledger.sent;
	}

	/** When a datagram was put in. */
	sentAt(sequence: number): Millis {
		return this.#ledger.sentAt(sequence) ?? Number.NaN;
	}

	/** Whether a datagram came out at that end. */
	arrived(end: End, sequence: number): boolean {
		return this.#ledger.seen(end, sequence);
	}

	/** Which datagrams of [from, to) did not reach the server. */
	lostAtServer(from = 0, to: number = this.sent): number[] {
		return this.#lost('server', from, to);
	}

	/** Which datagrams of [from, to) did not come back. */
	lostAtClient(from = 0, to: number = this.sent): number[] {
		return this.#lost('client', from, to);
	}

	#lost(end: End, from: number, to: number): number[] {
		const lost: number[] = [];
		for (let i = from; i < to; i++) if (!this.#ledger.seen(end, i)) lost.push(i);
		return lost;
	}

	/** Parameters of a path's links from now on, both directions. */
	configure(path: number, config: Partial<LinkConfig>): void {
		this.up[path]!.configure(config, this.now);
		this.down[path]!.configure(config, this.now);
	}
}

/** Random loss, as links are configured with it. */
export function randomLoss(loss: number): LinkConfig['loss'] {
	return loss === 0 ? {kind: 'none'} : {kind: 'random', loss};
}
