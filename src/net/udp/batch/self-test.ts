import {RemoteTable} from '../remote-table.ts';
import {SocketError} from '../udp.ts';
import {Descriptors, errorName} from './descriptor.ts';
import {EAGAIN, type Kernel} from './kernel.ts';
import {Poller} from './poller.ts';
import type {Receiver, SourceBook} from './receiver.ts';
import {type SendOutcome, SendQueue} from './send-queue.ts';
import {BatchRemote, portAt} from './socket-address.ts';

/** Longest time of datagrams over loopback, in ms. */
const PATIENCE = 1000;

/** Lengths that make runs, a run with a shorter end, and single datagrams. */
const LENGTHS = [700, 700, 700, 300, 1200, 1, 1200, 1200];

const LOOPBACK = '127.0.0.1';

/**
 * Sends datagrams over loopback, in runs and singly, and receives them put together and singly;
 * throws when any is not what was sent. Where there is no loopback nothing is tested.
 */
export function selfTest(kernel: Kernel, packed: boolean, receiver: Receiver): void {
	for (const isPath of [false, true]) {
		try {
			exchange(kernel, packed, receiver, isPath);
		} catch (error) {
			if (!(error instanceof SocketError)) throw error;
		}
	}
}

function exchange(kernel: Kernel, packed: boolean, receiver: Receiver, isPath: boolean): void {
	const descriptors = new Descriptors(kernel);
	const from = descriptors.open({address: LOOPBACK, port: 0});
	try {
		const to = descriptors.open({address: LOOPBACK, port: 0, isPath});
		const poller = new Poller(kernel, packed);
		try {
			poller.watch(to);
			const {port} = descriptors.nameOf(to, 4);
			const remotes = new RemoteTable((...parts) => new BatchRemote(...parts));
			const failure = send(kernel, from, remotes.intern(0, LOOPBACK, port));
			if (failure !== 0) throw new SocketError(errorName(failure), 'no loopback');
			receive(receiver, to, poller, descriptors.nameOf(from, 4).port);
		} finally {
			poller.close();
			descriptors.close(to);
		}
	} finally {
		descriptors.close(from);
	}
}

// The errno of the last failure.
function send(kernel: Kernel, descriptor: number, to: BatchRemote): number {
	const queue = new SendQueue(kernel);
	let failure = 0;
	const outcome: SendOutcome = {
		mayRun: () => true,
		runFailed: () => {},
		queueFull: () => {
			failure = EAGAIN;
		},
		sendFailed: (errno) => {
			failure = errno;
		},
	};
	for (const [index, length] of LENGTHS.entries()) {
		const bytes = new Uint8Array(length).fill(index + 1);
		queue.push(bytes, 0, length, to, outcome);
	}
	queue.flush(descriptor, outcome);
	return failure;
}

function receive(receiver: Receiver, descriptor: number, poller: Poller, port: number): void {
	let wrongSource = false;
	const book: SourceBook = {
		sourceAt: (words, at) => {
			if (portAt(words, at) !== port) wrongSource = true;
			return undefined;
		},
	};
	const lengths: number[] = [];
	while (lengths.length < LENGTHS.length) {
		const count = receiver.receive(descriptor, receiver.capacity, book);
		if (count === -EAGAIN && poller.wait(PATIENCE) === 1) continue;
		if (count < 0) throw new Error('self test: what was sent over loopback does not come in');
		const {arena, offsets, lengths: received} = receiver.batch;
		for (let i = 0; i < receiver.batch.count; i++) {
			const start = offsets[i]!;
			const bytes = arena.subarray(start, start + received[i]!);
			const value = lengths.push(bytes.length);
			if (bytes.some((byte) => byte !== value)) lengths.push(-1);
		}
	}
	if (wrongSource || lengths.join() !== LENGTHS.join()) {
		throw new Error('self test: what came in over loopback is not what was sent');
	}
}
