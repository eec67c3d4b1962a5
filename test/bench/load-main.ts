// The load generator: a process of its own, so that it can be told apart from what it measures.
import {createSocket, type Socket} from 'node:dgram';
import {once} from 'node:events';
import process from 'node:process';
import {HEADER_LENGTH, type LoadCommand, type LoadResult, sharedNow} from './messages.ts';

/** Pause between bursts: short, so that bursts stay far smaller than a socket's buffer. */
const TICK_MILLIS = 0.25;
/** What the machine kept us from sending for longer than this is left out, not made up for. */
const CATCH_UP_MILLIS = 2;
/** So often the event loop gets a turn while sending. */
const TURN_MILLIS = 20;
/** How long answers may take. */
const DRAIN_MILLIS = 200;

const sleeper = new Int32Array(new SharedArrayBuffer(4));
// One socket per target, kept: a plain socat serves only the first address that it hears of.
const sockets = new Map<number, Socket>();
let answer: (bytes: Buffer) => void = () => {};

async function socketTo(port: number): Promise<Socket> {
	const there = sockets.get(port);
	if (there !== undefined) return there;
	const socket = createSocket('udp4');
	// A target that is restarting refuses; that is part of what is measured.
	socket.on('error', () => {});
	socket.on('message', (bytes) => answer(bytes));
	socket.connect(port, '127.0.0.1');
	await once(socket, 'connect');
	socket.setSendBufferSize(1 << 20);
	socket.setRecvBufferSize(1 << 20);
	sockets.set(port, socket);
	return socket;
}

async function send({run, port, size, rate, millis}: LoadCommand): Promise<LoadResult> {
	const socket = await socketTo(port);
	const packet = Buffer.alloc(size);
	packet.writeUInt32BE(run, 0);
	const most = Math.max(1, Math.ceil((rate * CATCH_UP_MILLIS) / 1000));
	const begin = sharedNow();
	let turn = begin + TURN_MILLIS;
	let sent = 0;
	let skipped = 0;
	for (let now = begin; now - begin < millis; now = sharedNow()) {
		let burst = Math.floor(((now - begin) * rate) / 1000) - skipped - sent;
		if (burst > most) {
			skipped += burst - most;
			burst = most;
		}
		for (; burst > 0; burst--) {
			packet.writeUInt32BE(sent++, 4);
			socket.send(packet);
		}
		Atomics.wait(sleeper, 0, 0, TICK_MILLIS);
		if (now < turn) continue;
		turn = now + TURN_MILLIS;
		await new Promise(setImmediate);
	}
	return {sent, millis: sharedNow() - begin, answered: 0, p50: 0, p99: 0};
}

async function ping({run, port, size, rate, millis}: LoadCommand): Promise<LoadResult> {
	const socket = await socketTo(port);
	const packet = Buffer.alloc(size);
	packet.writeUInt32BE(run, 0);
	const sentAt: number[] = [];
	const times: number[] = [];
	answer = (bytes) => {
		const now = sharedNow();
		const from = bytes.length === size ? sentAt[bytes.readUInt32BE(4)] : undefined;
		if (from !== undefined && bytes.readUInt32BE(0) === run) times.push((now - from) * 1000);
	};
	const begin = sharedNow();
	while (sharedNow() - begin < millis) {
		// Never two at once: after a late timer the rest is left out.
		if (sentAt.length < ((sharedNow() - begin) * rate) / 1000) {
			packet.writeUInt32BE(sentAt.length, 4);
			sentAt.push(sharedNow());
			socket.send(packet);
		}
		await pause(1);
	}
	const took = sharedNow() - begin;
	await pause(DRAIN_MILLIS);
	answer = () => {};
	times.sort((a, b) => a - b);
	const at = (part: number) => times[Math.floor(times.length * part)] ?? Number.NaN;
	return {sent: sentAt.length, millis: took, answered: times.length, p50: at(0.5), p99: at(0.99)};
}

function pause(millis: number): Promise<void> {
	return new Promise((resolve) => setTimeout(resolve, millis));
}

if (HEADER_LENGTH !== 8) throw new Error('the header is two 32-bit numbers');
process.on('message', (command: LoadCommand) => {
	const done = command.type === 'send' ? send(command) : ping(command);
	void done.then((result) => process.send?.(result));
});
process.on('disconnect', () => process.exit());
