// Two batch back ends on the main thread of one process: datagrams between them, each answered after a
// file was read, a TCP connection was made or a timer has fired; then a second of nothing; then a
// datagram that never rests, and how long everything else waits beside it. Prints JSON.
import {readFile} from 'node:fs/promises';
import {connect, createServer} from 'node:net';
import process from 'node:process';
import {BatchBackEnd} from '../../../src/net/udp/batch/batch-back-end.ts';
import type {UdpHandlers} from '../../../src/net/udp/udp.ts';

const ROUNDS = 100;

let answers = 0;
let timers = 0;
let answered = () => {};
const server = createServer((socket) => socket.end('x')).listen(0, '127.0.0.1');
await new Promise((resolve) => server.once('listening', resolve));
const address = server.address();
const port = typeof address === 'object' && address !== null ? address.port : 0;

function loopWork(round: number): Promise<unknown> {
	switch (round % 4) {
		case 0:
			return readFile('package.json');
		case 1:
			return new Promise((resolve) => {
				connect(port, '127.0.0.1').on('close', resolve).resume();
			});
		default:
			timers++;
			return new Promise((resolve) => setTimeout(resolve, 3));
	}
}

const echo: UdpHandlers = {
	onBatch: (socket, {arena, offsets, lengths, sources, count}) => {
		for (let i = 0; i < count; i++) {
			const bytes = arena.slice(offsets[i]!, offsets[i]! + lengths[i]!);
			const from = sources[i];
			void loopWork(bytes[0]!).then(() => {
				socket.send(bytes, 0, bytes.length, from);
				socket.flush();
			});
		}
	},
	onError: () => {},
};
const [one, two] = [new BatchBackEnd(), new BatchBackEnd()];
const target = one.open({address: '127.0.0.1', port: 0}, echo);
const source = two.open(
	{address: '127.0.0.1', port: 0},
	{
		onBatch: (_socket, {count}) => {
			answers += count;
			answered();
		},
		onError: () => {},
	},
);
for (let round = 0; round < ROUNDS; round++) {
	const answer = new Promise<void>((resolve) => {
		answered = resolve;
	});
	source.send(Uint8Array.of(round), 0, 1, source.remote('127.0.0.1', target.localPort));
	source.flush();
	await answer;
}
const firstTimers = timers;
const before = process.cpuUsage();
await new Promise((resolve) => setTimeout(resolve, 1000));
const {user, system} = process.cpuUsage(before);
await Promise.all([source.close(), target.close()]);

let bounces = 0;
let after: (() => void) | undefined;
const bounce: UdpHandlers = {
	onBatch: (socket, {arena, offsets, sources, count}) => {
		bounces += count;
		after?.();
		after = undefined;
		socket.send(arena, offsets[0]!, offsets[0]! + 1, sources[0]);
		socket.flush();
	},
	onError: () => {},
};
const left = one.open({address: '127.0.0.1', port: 0}, bounce);
const right = two.open({address: '127.0.0.1', port: 0}, bounce);
left.send(Uint8Array.of(1), 0, 1, left.remote('127.0.0.1', right.localPort));
left.flush();

// In bounces: from a handler that begins something to where that goes on.
function waited(begin: (done: () => void) => void): Promise<number> {
	return new Promise((resolve) => {
		after = () => {
			const start = bounces;
			begin(() => resolve(bounces - start));
		};
	});
}

const waits = {tick: 0, promise: 0, immediate: 0};
for (let round = 0; round < ROUNDS; round++) {
	const {max} = Math;
	waits.tick = max(
		waits.tick,
		await waited((done) => process.nextTick(() => process.nextTick(done))),
	);
	waits.promise = max(
		waits.promise,
		await waited(
			(done) =>
				void Promise.resolve()
					.then(() => Promise.resolve())
					.then(done),
		),
	);
	waits.immediate = max(waits.immediate, await waited((done) => setImmediate(done)));
	await waited((done) => void loopWork(round).then(done));
}
await Promise.all([left.close(), right.close()]);
server.close();
const busy = (user + system) / 1000;
process.stdout.write(JSON.stringify({answers, timers: firstTimers, busy, waits}));
