import {Buffer} from 'node:buffer';
import {writeUint48} from '../../src/bytes/cursor.ts';
import type {TunnelStream} from '../../src/core/tunnel-stream.ts';
import type {AeadFactory} from '../../src/crypto/aead.ts';
import {Prng} from '../../src/sim/prng.ts';
import {HEADER_LENGTH, PacketType, RefusalCode, StreamCode} from '../../src/wire/constants.ts';
import {spoofedAddress} from '../support/operations/operation-watch.ts';
import type {End} from '../support/world/datagram-ledger.ts';
import {TunnelWorld} from '../support/world/tunnel-world.ts';
import {FrameMaker} from './frames.ts';
import {join, Mutator} from './mutator.ts';
import type {FuzzTarget, MakeTarget} from './target.ts';

/** Packets keep their text and every tag is right: what a peer with the key may send. */
const OPEN_AEAD: AeadFactory = () => ({seal: () => {}, open: () => true});

/** Inputs of one world; then another begins, so that a trail stays short. */
const INPUTS_OF_A_WORLD = 2000;
const CAPTURES = 64;
interface Captured {
	readonly to: End;
	readonly bytes: Uint8Array;
}

/** Both cores over two links on a virtual clock, and an attacker; with `keyed` one that has the key. */
class CoreTarget implements FuzzTarget {
	readonly name: string;
	trail: string[] = [];
	readonly #keyed: boolean;
	readonly #random: Prng;
	readonly #mutator: Mutator;
	readonly #frames: FrameMaker;
	#world: TunnelWorld;
	#captured: Captured[] = [];
	#streams: {readonly stream: TunnelStream; readonly end: End}[] = [];
	#inputs = 0;
	/** The newest DATA packet towards each end: of the session that there is. */
	#newest: Partial<Record<End, Uint8Array>> = {};
	#numbers: Record<End, number> = {client: 0, server: 0};
	#spoofs = 0;

	constructor(name: string, keyed: boolean, seed: string) {
		this.name = name;
		this.#keyed = keyed;
		this.#random = new Prng(`${name} ${seed}`);
		this.#mutator = new Mutator(this.#random);
		this.#frames = new FrameMaker(this.#random, this.#mutator);
		this.#world = this.#begin();
	}

	#begin(): TunnelWorld {
		this.trail = [];
		this.#captured = [];
		this.#newest = {};
		this.#streams = [];
		this.#numbers = {client: 1_000_000, server: 1_000_000};
		const keyless = this.#random.integer(8) === 0;
		const world = new TunnelWorld({
			seed: this.#random.integer(2 ** 31),
			links: [{delay: 5}, {delay: 20}],
			echo: true,
			client: keyless ? {keyless, psk: new Uint8Array(32)} : {},
			observe: (from, bytes) => this.#capture(from, bytes),
			accept: (stream, end) => this.#own(stream, end),
			...(this.#keyed ? {aead: OPEN_AEAD} : {}),
		});
		world.start();
		world.run(200);
		return world;
	}

	#capture(from: End, bytes: Uint8Array): void {
		const captured = {to: from === 'client' ? 'server' : 'client', bytes} as const;
		if (bytes[0]! >> 4 === PacketType.DATA) this.#newest[captured.to] = bytes;
		if (this.#captured.length < CAPTURES) this.#captured.push(captured);
		else this.#captured[this.#random.integer(CAPTURES)] = captured;
	}

	#own(stream: TunnelStream, end: End): void {
		stream.owner = {streamChanged: () => this.#serve(stream, end)};
		if (this.#streams.length < 100) this.#streams.push({stream, end});
	}

	/** What an owner does: connects or not, reads, and lets the peer send more. */
	#serve(stream: TunnelStream, end: End): void {
		if (end === 'server' && stream.state === 'opening') {
			if (this.#random.integer(4) === 0) stream.reject(RefusalCode.REFUSED);
			else stream.accept(Uint8Array.of(1, 198, 18, 0, 9, 0, 80));
		}
		for (let bytes = stream.read(); bytes !== undefined; bytes = stream.read()) {
			if (this.#random.integer(8) > 0) stream.consumed(bytes.length);
		}
	}

	step(): void {
		if (++this.#inputs % INPUTS_OF_A_WORLD === 0) {
			this.#check();
			this.#world = this.#begin();
		}
		const chance = this.#random.integer(20);
		if (chance === 0) this.#pass();
		else if (chance < 5 && !this.#isUp) this.#wait();
		else if (chance === 1) this.#use();
		else this.#attack();
		if (this.#random.integer(64) === 0) this.#check();
	}

	finish(): void {
		this.#world.run(this.#world.now + 20_000);
		this.#check();
	}

	#check(): void {
		const world = this.#world;
		for (const {event} of [...world.serverEvents, ...world.clientEvents]) {
			if (event.type === 'fault') throw new Error(`an exception: ${JSON.stringify(event)}`);
		}
		world.serverEvents.length = 0;
		world.clientEvents.length = 0;
		world.atClient.length = 0;
		world.atServer.length = 0;
		const kept = world.faults.find((fault) => fault.includes('slot'));
		if (kept !== undefined) throw new Error(kept);
		world.faults.length = 0;
		for (const end of ['client', 'server'] as const) {
			const {waiting} = world[end]!.status(world.now);
			if (waiting > 4096) throw new Error(`${waiting} datagrams wait at the ${end}`);
		}
	}

	get #isUp(): boolean {
		const world = this.#world;
		return world.client?.status(world.now).sessions[0]?.state === 'up';
	}

	/** After a breach both ends are silent for some seconds. */
	#wait(): void {
		this.trail.push('run 1000');
		this.#world.run(this.#world.now + 1000);
	}

	/** Time goes on. */
	#pass(): void {
		const world = this.#world;
		const millis = this.#random.integer(50) === 0 ? 12_000 : this.#random.integer(60);
		this.trail.push(`run ${millis}`);
		world.run(world.now + millis);
	}

	/** Both ends are used. */
	#use(): void {
		const world = this.#world;
		const random = this.#random;
		switch (random.integer(7)) {
			case 0:
				this.trail.push('send');
				world.send(random.integer(4), 7 + random.integer(3000));
				return;
			case 1:
				this.trail.push('sendTo');
				world.sendTo(random.integer(4), random.integer(4), 7 + random.integer(3000));
				return;
			case 2:
				this.trail.push('reply');
				world.reply(1 + random.integer(8));
				return;
			case 3:
				this.trail.push('openStream');
				world.poke('client', () => this.#openStream());
				return;
			case 4:
				this.trail.push('stream');
				this.#useStream();
				return;
			case 5:
				this.trail.push('endApplication');
				world.endApplication(random.integer(4));
				return;
			default:
				if (random.integer(40) > 0) return;
				this.trail.push('restart');
				if (random.integer(2) === 0) world.startServer();
				else world.startClient();
		}
	}

	#openStream(): void {
		const stream = this.#world.client?.openStream(
			Uint8Array.of(1, 198, 18, 0, 1, 0, 80),
			this.#world.now,
		);
		if (stream !== undefined) this.#own(stream, 'client');
	}

	#useStream(): void {
		const used = this.#streams[this.#random.integer(this.#streams.length + 1)];
		if (used === undefined) return;
		const {stream, end} = used;
		const world = this.#world;
		world.poke(end, () => {
			switch (this.#random.integer(8)) {
				case 0:
					stream.reset(StreamCode.CONNECTION_RESET);
					break;
				case 1:
					stream.end();
					break;
				case 2:
					stream.stop();
					break;
				default:
					stream.write(this.#mutator.bytes(1000));
			}
			world[end]?.pumpStreams(world.now);
		});
	}

	/** A packet of the attacker's making comes in. */
	#attack(): void {
		const to: End = this.#random.integer(2) === 0 ? 'client' : 'server';
		const bytes = this.#packet(to);
		const path = this.#random.integer(2);
		const spoofed = to === 'server' && this.#random.integer(8) === 0;
		const from = spoofed ? spoofedAddress(this.#spoofs++ % 100) : undefined;
		this.trail.push(`${to} ${path}${spoofed ? ' spoofed' : ''} ${hex(bytes)}`);
		this.#world.inject(to, path, bytes, from);
	}

	#packet(to: End): Uint8Array {
		const mutator = this.#mutator;
		const captured = this.#captured.filter((each) => each.to === to);
		if (captured.length === 0) return mutator.bytes(300);
		const first = mutator.pick(captured).bytes;
		const chance = this.#random.integer(10);
		if (chance === 0) return mutator.bytes(300);
		if (this.#keyed && chance < 8) {
			const data = this.#newest[to];
			if (data !== undefined) return this.#sealed(to, data);
		}
		return mutator.mutate(first, mutator.pick(captured).bytes);
	}

	/** A packet with frames of its own in a session that there is. */
	#sealed(to: End, data: Uint8Array): Uint8Array {
		const header = data.slice(0, HEADER_LENGTH);
		const number = this.#random.integer(50) === 0 ? 2 ** 40 : this.#numbers[to]++;
		writeUint48(header, 5, number);
		const own = data.subarray(HEADER_LENGTH, data.length - 16);
		const made = this.#frames.frames();
		const frames = this.#random.integer(3) === 0 ? this.#mutator.mutate(own, made) : made;
		return join(header, frames, new Uint8Array(16));
	}
}

function hex(bytes: Uint8Array): string {
	return Buffer.from(bytes).toString('hex');
}

/** Strangers: random, recorded and changed packets into both cores, without a key. */
export const strangers: MakeTarget = (seed) => new CoreTarget('strangers', false, seed);

/** A peer with the key that sends whatever frames it likes, also behind CLOSE and in ended sessions. */
export const liars: MakeTarget = (seed) => new CoreTarget('liars', true, seed);
