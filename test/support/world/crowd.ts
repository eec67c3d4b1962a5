import {MptunnelClient} from '../../../src/core/client/client.ts';
import type {ClientConfig} from '../../../src/core/endpoint.ts';
import type {EndpointEvent} from '../../../src/core/events.ts';
import type {RemoteAddress} from '../../../src/core/remote-address.ts';
import type {TunnelStream} from '../../../src/core/tunnel-stream.ts';
import {Prng} from '../../../src/sim/prng.ts';
import {CHEAP_DH} from './cheap-dh.ts';
import {AEAD, type TunnelWorld} from './tunnel-world.ts';

const TICK = 20;
const DELAY = 5;

/** One client of a {@link Crowd}, over one path without loss. */
export interface Member {
	readonly client: MptunnelClient;
	readonly remote: RemoteAddress;
	readonly events: EndpointEvent[];
	readonly streams: TunnelStream[];
	/** Datagrams that it got. */
	received: number;
	/** True = packets of this client are lost, both ways. */
	dead: boolean;
}

/** Many clients of one user at the server of a world, beside the world's own client. */
export class Crowd {
	readonly members: Member[] = [];
	/** Loses packets of the crowd on their way to the server. */
	loses: (bytes: Uint8Array) => boolean = () => false;
	readonly #world: TunnelWorld;
	readonly #config: ClientConfig;
	readonly #byKey = new Map<string, Member>();

	/** Takes part in the world from now on. */
	constructor(world: TunnelWorld, psk: Uint8Array) {
		this.#world = world;
		this.#config = {...world.clientConfig, psk, paths: world.clientConfig.paths.slice(0, 1)};
		this.#tick();
	}

	/** To be called with what the world observes. */
	observe(bytes: Uint8Array, to: RemoteAddress | undefined): void {
		const member = this.#byKey.get(to?.key ?? '');
		if (member === undefined || member.dead) return;
		this.#world.at(this.#world.now + DELAY, () => {
			this.act(member, ({client}, now) => {
				client.receive(0, bytes, 0, bytes.length, now);
			});
		});
	}

	/** One client more, which begins its handshake; with an id of its own unless one is given. */
	join(id?: Readonly<Uint8Array>): Member {
		const index = this.members.length;
		const clientId = new Uint8Array(16).fill(100);
		clientId[0] = index;
		if (id !== undefined) clientId.set(id);
		const environment = {
			random: new Prng(`member ${index}`),
			wallTime: (now: number) => 1_000_000 + now,
			aead: AEAD,
			dh: CHEAP_DH,
		};
		const client = new MptunnelClient({...this.#config, clientId}, environment);
		const host = `10.9.0.${index}`;
		const remote = {key: `0|${host}|7`, socket: 0, host, port: 7};
		const member = {client, remote, events: [], streams: [], received: 0, dead: false};
		this.members.push(member);
		this.#byKey.set(remote.key, member);
		this.act(member, (_, now) => {
			client.pathOpened(0, now);
			client.start(now);
		});
		return member;
	}

	/** Gives a client an input and takes its outputs. */
	act(member: Member, input: (member: Member, now: number) => void): void {
		const {client, remote} = member;
		const {now} = this.#world;
		input(member, now);
		client.pumpStreams(now);
		client.flush(now);
		for (let out = client.pollTransmit(now); out; out = client.pollTransmit(now)) {
			const {slot} = out;
			const bytes = slot.bytes.slice(slot.start, slot.end);
			client.releaseSlot(slot);
			if (member.dead || this.loses(bytes)) continue;
			this.#world.at(now + DELAY, () => this.#world.inject('server', 0, bytes, remote));
		}
		while (client.pollDelivery() !== undefined) member.received++;
		for (let event = client.pollEvent(); event; event = client.pollEvent()) {
			member.events.push(event);
		}
		for (let stream = client.pollStream(); stream; stream = client.pollStream()) {
			stream.owner?.streamChanged();
		}
	}

	/** Opens a stream, of which nothing is read, and keeps `bytes` more for the server to take. */
	open(member: Member, port: number, bytes = 0): TunnelStream | undefined {
		let opened: TunnelStream | undefined;
		this.act(member, ({client, streams}, now) => {
			const target = Uint8Array.of(1, 198, 18, 0, 1, port >> 8, port & 255);
			opened = client.openStream(target, now);
			if (opened === undefined) return;
			opened.owner = {streamChanged: () => {}};
			streams.push(opened);
			if (bytes > 0) opened.write(new Uint8Array(bytes));
		});
		return opened;
	}

	/** Sends a datagram as an application of its own. */
	send(
		member: Member,
		application: number,
		size: number,
		bytes: Uint8Array = new Uint8Array(size),
	): void {
		const key = `1|127.0.0.1|${application}`;
		const from = {key, socket: 1, host: '127.0.0.1', port: application};
		this.act(member, ({client}, now) => {
			client.sendDatagram({listener: 0, application: from, bytes, start: 0, end: size}, now);
		});
	}

	#tick(): void {
		const {now} = this.#world;
		for (const member of this.members) {
			if (member.client.nextTimeout() <= now) {
				this.act(member, ({client}) => client.handleTimeout(now));
			}
		}
		this.#world.at(now + TICK, () => this.#tick());
	}
}
