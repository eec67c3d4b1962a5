import type {Millis} from '../../../src/bytes/time.ts';
import {StreamCode} from '../../../src/wire/constants.ts';
import type {End} from '../world/datagram-ledger.ts';
import {type Service, type StreamWorld, Talker} from '../world/stream-world.ts';
import type {Action} from './operation-world.ts';

const ENDS: readonly End[] = ['client', 'server'];
const BOUND = Uint8Array.of(1, 192, 0, 2, 1, 4, 210);
/** Streams that a world opens; operations on later ones mean these again. */
const STREAMS = 6;
/** Until both ends know of a restart: what is opened by then may go down with the old session. */
const CUT_FOR: Millis = 8000;
/** By then everything that was sent has come, over paths that are clean. */
const SETTLE: Millis = 25_000;

/** Both ends of one stream; that of the server is missing until the stream has come there. */
interface Pair {
	readonly client: Talker;
	server: Talker | undefined;
	/** True when a reset or a restart may cut it off. */
	cut: boolean;
	/** The ends that take no more bytes. */
	readonly stopped: Record<End, boolean>;
}

/** The operations of the family. */
type StreamActions = Record<
	'open' | 'write' | 'bulk' | 'end' | 'abort' | 'stop' | 'stall' | 'read',
	Action
>;

/** The streams of a world of operations, and what must hold for them. */
export class StreamTraffic {
	readonly #world: () => StreamWorld;
	readonly #pairs: Pair[] = [];
	#cutUntil: Millis = Number.NEGATIVE_INFINITY;

	/** @param world which is made after this */
	constructor(world: () => StreamWorld) {
		this.#world = world;
	}

	/** Accepts a new stream at the server; its port is its number here. */
	readonly service: Service = (stream, port, world) => {
		const pair = this.#pairs[port];
		stream.accept(BOUND);
		if (pair === undefined) world.faults.push(`stream ${port} was never opened`);
		else if (pair.server !== undefined) world.faults.push(`stream ${port} was opened twice`);
		else pair.server = new Talker(world, stream, 0, false);
	};

	/** What each operation of the family does. */
	actions(): StreamActions {
		const write: Action = (end, which, bytes) =>
			this.#act(end, which, (talker) => talker.send(bytes));
		return {
			open: () => this.#open(),
			write,
			bulk: write,
			end: (end, which) => this.#act(end, which, (talker) => talker.end()),
			abort: (end, which) =>
				this.#act(end, which, ({stream}, pair) => {
					pair.cut = true;
					stream.reset(StreamCode.CONNECTION_RESET);
				}),
			stop: (end, which) =>
				this.#act(end, which, ({stream}, pair) => {
					pair.stopped[ENDS[end]!] = true;
					stream.stop();
				}),
			stall: (which) => this.#read(which, false),
			read: (which) => this.#read(which, true),
		};
	}

	#open(): void {
		const world = this.#world();
		if (this.#pairs.length >= STREAMS) return;
		const client = world.tryOpen(this.#pairs.length, 0, false);
		if (client === undefined) return;
		const cut = world.now < this.#cutUntil;
		this.#pairs.push({client, server: undefined, cut, stopped: {client: false, server: false}});
	}

	#act(end: number, which: number, run: (talker: Talker, pair: Pair) => void): void {
		const side = ENDS[end]!;
		const pair = this.#pairs[which % Math.max(1, this.#pairs.length)];
		const talker = pair?.[side];
		if (pair === undefined || talker === undefined) return;
		this.#world().act(side, () => run(talker, pair));
	}

	#read(which: number, reading: boolean): void {
		this.#act(0, which, (talker) => {
			talker.reading = reading;
			talker.streamChanged();
		});
	}

	/** An end is gone, and with it all that it knew of streams. */
	restarted(): void {
		for (const pair of this.#pairs) pair.cut = true;
		this.#cutUntil = this.#world().now + CUT_FOR;
	}

	/** Ends all streams over paths that are clean, and sees that everything has come. */
	finish(): void {
		if (this.#pairs.length === 0) return;
		const world = this.#world();
		this.#pairs.forEach((_, which) => {
			this.#read(which, true);
			for (const end of [0, 1]) this.#act(end, which, (talker) => talker.end());
		});
		world.run(world.now + SETTLE);
		// A server that got its stream only now has not ended it yet.
		for (const which of this.#pairs.keys()) this.#act(1, which, (talker) => talker.end());
		world.run(world.now + SETTLE);
		for (const [index, pair] of this.#pairs.entries()) this.#check(index, pair);
	}

	#check(index: number, {client, server, cut, stopped}: Pair): void {
		const fault = (text: string) => this.#world().faults.push(`stream ${index}: ${text}`);
		const [up, down] = [server?.received ?? 0, server?.sent ?? 0];
		if (client.received > down) fault('the client got more than was sent');
		if (up > client.sent) fault('the server got more than was sent');
		if (cut) return;
		if (client.stream.resetCode !== undefined) fault(`reset, code ${client.stream.resetCode}`);
		if (server === undefined) fault('never arrived');
		if (client.received !== down && !stopped.client) fault(`${client.received} of ${down} down`);
		if (up !== client.sent && !stopped.server) fault(`${up} of ${client.sent} up`);
		const states = [client.stream.state, server?.stream.state];
		if (states.some((state) => state !== 'closed')) fault(`is ${states.join(' and ')}`);
	}
}
