import process from 'node:process';
import {NativeMemory} from '../../../src/native/native-memory.ts';
import {Descriptors} from '../../../src/net/udp/batch/descriptor.ts';
import {LinuxKernel} from '../../../src/net/udp/batch/kernel.ts';
import {Receiver, type SourceBook} from '../../../src/net/udp/batch/receiver.ts';
import {type SendOutcome, SendQueue} from '../../../src/net/udp/batch/send-queue.ts';
import {BatchRemote, familyAt, hostAt, portAt} from '../../../src/net/udp/batch/socket-address.ts';
import type {
	LoadBinding,
	LoadSocket,
	LoadSockets,
	LoadStyle,
	Reception,
	Source,
} from './load-sockets.ts';

/** The system call that waits to the microsecond: ppoll. */
const PPOLL: Readonly<Record<string, number>> = {x64: 271, arm64: 73};
const POLLIN = 1;
/** Sockets that can be waited for at once. */
const MOST_SOCKETS = 256;
/** The length of the set of signals that ppoll is not given. */
const SIGNAL_SET = 8;

const SOL_SOCKET = 1;
const SOL_UDP = 17;
const SO_RCVBUF = 8;
const SO_RCVBUFFORCE = 33;
const UDP_GRO = 104;
/** The sink must not be what loses. */
const RECEIVE_BUFFER = 32 * 1024 * 1024;

/** Calls that empty one socket before the next has its turn. */
const ROUNDS = 16;

/** Sockets on the project's own batch layer, without its event loop. */
export class KernelSockets implements LoadSockets {
	readonly description: string;
	readonly #kernel = new LinuxKernel();
	readonly #descriptors = new Descriptors(this.#kernel);
	readonly #receiver = new Receiver(this.#kernel);
	/** The pollfd structures (fd 4, events 2, revents 2), and behind them a timespec. */
	readonly #memory = new NativeMemory(this.#kernel, MOST_SOCKETS * 8 + 16);
	readonly #sockets: KernelSocket[] = [];
	readonly #style: LoadStyle;

	/** Throws where this machine has no such thing. */
	constructor(style: LoadStyle) {
		this.#style = style;
		const runs = (is: boolean, name: string) => (is ? `with ${name}` : `without ${name}`);
		this.description =
			`sendmmsg ${runs(style.sendsRuns, 'UDP_SEGMENT')}, ` +
			`recvmmsg ${runs(style.receivesRuns, 'UDP_GRO')}`;
	}

	async open({address, to}: LoadBinding, reception: Reception): Promise<LoadSocket> {
		if (this.#sockets.length === MOST_SOCKETS) throw new RangeError('too many sockets');
		const descriptor = this.#descriptors.open({address, port: 0});
		for (const option of [SO_RCVBUFFORCE, SO_RCVBUF]) {
			if (this.#set(descriptor, SOL_SOCKET, option, RECEIVE_BUFFER)) break;
		}
		// The sockets of the project ask for it.
		if (!this.#style.receivesRuns) this.#set(descriptor, SOL_UDP, UDP_GRO, 0);
		if (to !== undefined) {
			this.#descriptors.connect(descriptor, new BatchRemote('', 0, to.host, to.port));
		}
		const socket = new KernelSocket(
			{descriptor, kernel: this.#kernel, receiver: this.#receiver, descriptors: this.#descriptors},
			this.#style.sendsRuns,
			reception,
			(closed) => this.#sockets.splice(this.#sockets.indexOf(closed), 1),
		);
		this.#sockets.push(socket);
		return socket;
	}

	// False = the system refused.
	#set(descriptor: number, level: number, option: number, value: number): boolean {
		this.#memory.words[0] = value;
		const {address} = this.#memory;
		const {setsockopt} = this.#kernel.calls;
		return this.#kernel.call(setsockopt, descriptor, level, option, address, 4) >= 0;
	}

	wait(micros: number): undefined {
		const patience = Math.max(micros, 0);
		const {words, address} = this.#memory;
		const sockets = this.#sockets;
		for (const [i, {descriptor}] of sockets.entries()) {
			words[i * 2] = descriptor;
			words[i * 2 + 1] = POLLIN;
		}
		const time = (MOST_SOCKETS * 8) / 4;
		words[time] = Math.floor(patience / 1e6);
		words[time + 1] = 0;
		words[time + 2] = Math.floor((patience % 1e6) * 1000);
		words[time + 3] = 0;
		const number = PPOLL[process.arch] ?? 0;
		const until = address + time * 4;
		const ready = this.#kernel.call(number, address, sockets.length, until, 0, SIGNAL_SET);
		if (ready <= 0) return undefined;
		// Backwards: a socket may be closed meanwhile.
		for (let i = sockets.length - 1; i >= 0; i--) {
			if (words[i * 2 + 1]! >>> 16 !== 0) sockets[i]?.receive();
		}
		return undefined;
	}
}

interface Resources {
	readonly descriptor: number;
	readonly kernel: LinuxKernel;
	readonly receiver: Receiver;
	readonly descriptors: Descriptors;
}

class KernelSocket implements LoadSocket, SourceBook, SendOutcome {
	readonly descriptor: number;
	readonly port: number;
	dropped = 0;
	missed = 0;
	readonly #resources: Resources;
	readonly #queue: SendQueue;
	readonly #reception: Reception;
	readonly #closed: (socket: KernelSocket) => void;
	/** Sources by port. */
	readonly #sources = new Map<number, BatchRemote>();
	#sendsRuns: boolean;

	constructor(
		resources: Resources,
		sendsRuns: boolean,
		reception: Reception,
		closed: (socket: KernelSocket) => void,
	) {
		this.#resources = resources;
		this.descriptor = resources.descriptor;
		this.port = resources.descriptors.nameOf(this.descriptor, 4).port;
		this.#queue = new SendQueue(resources.kernel);
		this.#sendsRuns = sendsRuns;
		this.#reception = reception;
		this.#closed = closed;
	}

	send(bytes: Uint8Array, start: number, end: number, to?: Source): void {
		const remote = to instanceof BatchRemote ? to : undefined;
		while (!this.#queue.push(bytes, start, end, remote, this)) this.flush();
	}

	flush(): void {
		this.#queue.flush(this.descriptor, this);
	}

	receive(): void {
		const {receiver} = this.#resources;
		for (let round = 0; round < ROUNDS; round++) {
			const count = receiver.receive(this.descriptor, receiver.capacity, this);
			if (count <= 0) return;
			if (receiver.lost > 0) this.missed = receiver.lost;
			const {arena, offsets, lengths, sources} = receiver.batch;
			for (let i = 0; i < receiver.batch.count; i++) {
				const start = offsets[i]!;
				this.#reception.onDatagram(arena, start, start + lengths[i]!, sources[i]);
			}
			this.#reception.onEnd();
			if (count < receiver.capacity) return;
		}
	}

	close(): void {
		this.#closed(this);
		this.#resources.descriptors.close(this.descriptor);
	}

	sourceAt(words: Uint32Array, at: number): BatchRemote | undefined {
		const port = portAt(words, at);
		const known = this.#sources.get(port);
		if (known?.isAt(words, at)) return known;
		const family = familyAt(words, at);
		if (family === undefined) return undefined;
		const source = new BatchRemote('', 0, hostAt(words, at, family), port);
		this.#sources.set(port, source);
		return source;
	}

	mayRun(): boolean {
		return this.#sendsRuns;
	}

	runFailed(): void {
		this.#sendsRuns = false;
	}

	queueFull(datagrams: number): void {
		this.dropped += datagrams;
	}

	// A target that is restarting refuses; that is part of what is measured.
	sendFailed(): void {}
}
