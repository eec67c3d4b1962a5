// One of the other processes of main.ts: an echo target, applications, or a prober, as told.
import {createSocket, type Socket} from 'node:dgram';
import {once} from 'node:events';
import {connect} from 'node:net';
import process from 'node:process';

/** What it is told to do. */
export type PeerCommand =
	| {readonly type: 'echo'}
	/** Makes sockets for `open`, which is to measure others. */
	| {readonly type: 'prepare'; readonly count: number}
	/** New applications send one datagram each to a port, so many a second, and wait for their answers. */
	| {
			readonly type: 'open';
			readonly port: number;
			readonly count: number;
			readonly rate: number;
	  }
	/** SOCKS associations at a port, each with one datagram to the target. */
	| {
			readonly type: 'associate';
			readonly port: number;
			readonly target: number;
			readonly count: number;
	  }
	/** 100 datagrams a second to a port for so long. */
	| {readonly type: 'probe'; readonly port: number; readonly millis: number};

/** What it answers; each command fills its own part. */
export interface PeerAnswer {
	readonly port?: number;
	readonly answered?: number;
	readonly probe?: {
		readonly sent: number;
		readonly lost: number;
		readonly p50: number;
		readonly p99: number;
	};
}

const PROBE_INTERVAL = 10;
/** Looks for answers that are missing, and milliseconds between two: a process that stood still has looked once. */
const MOST_LOOKS = 500;
const LOOK_INTERVAL = 20;
/** Associations that are being made at once. */
const AT_ONCE = 50;

function bound(): Socket {
	const lookup = (host: string, _: unknown, found: (e: null, a: string, f: number) => void) =>
		found(null, host, 4);
	const socket = createSocket({type: 'udp4', lookup, recvBufferSize: 1 << 20});
	// With that lookup it is bound when this returns.
	socket.bind(0, '127.0.0.1');
	return socket;
}

function pause(millis: number): Promise<void> {
	return new Promise((resolve) => setTimeout(resolve, millis));
}

function echo(): PeerAnswer {
	const socket = bound();
	socket.on('message', (bytes, {port, address}) => socket.send(bytes, port, address));
	return {port: socket.address().port};
}

/** Sockets that nobody has used yet; those in use stay open with the process. */
const prepared: Socket[] = [];

function prepare(count: number): PeerAnswer {
	for (let i = 0; i < count; i++) prepared.push(bound());
	return {};
}

/** Resolves when `done` holds, or when what is missing will not come any more. */
async function settled(done: () => boolean): Promise<void> {
	for (let looks = 0; !done() && looks < MOST_LOOKS; looks++) await pause(LOOK_INTERVAL);
}

async function open(port: number, count: number, rate: number): Promise<PeerAnswer> {
	let answered = 0;
	const from = performance.now();
	for (let made = 0; made < count; ) {
		const due = Math.min(count, ((performance.now() - from) * rate) / 1000);
		for (; made < due; made++) {
			const socket = prepared.pop() ?? bound();
			socket.once('message', () => answered++);
			socket.send('open', port, '127.0.0.1');
		}
		await pause(1);
	}
	await settled(() => answered === count);
	return {answered};
}

async function associate(port: number, target: number, count: number): Promise<PeerAnswer> {
	const one = async () => {
		const tcp = connect(port, '127.0.0.1');
		tcp.write(Uint8Array.of(5, 1, 0));
		await once(tcp, 'data');
		tcp.write(Uint8Array.of(5, 3, 0, 1, 0, 0, 0, 0, 0, 0));
		const [reply] = (await once(tcp, 'data')) as [Buffer];
		const socket = bound();
		const header = Uint8Array.of(0, 0, 0, 1, 127, 0, 0, 1, target >> 8, target & 255, 1);
		const answer = once(socket, 'message');
		socket.send(header, reply.readUInt16BE(8), '127.0.0.1');
		await answer;
	};
	for (let made = 0; made < count; made += AT_ONCE) {
		await Promise.all(Array.from({length: Math.min(AT_ONCE, count - made)}, one));
	}
	return {};
}

async function probe(port: number, millis: number): Promise<PeerAnswer> {
	const socket = bound();
	const sentAt: number[] = [];
	const trips = new Map<number, number>();
	socket.on('message', (bytes) => {
		const number = Number(bytes.toString());
		if (!trips.has(number)) trips.set(number, performance.now() - sentAt[number]!);
	});
	const from = performance.now();
	while (performance.now() - from < millis) {
		while (sentAt.length * PROBE_INTERVAL <= performance.now() - from) {
			sentAt.push(performance.now());
			socket.send(String(sentAt.length - 1), port, '127.0.0.1');
		}
		await pause(1);
	}
	await settled(() => trips.size === sentAt.length);
	socket.close();
	const sorted = [...trips.values()].toSorted((a, b) => a - b);
	const at = (share: number) => sorted[Math.floor(share * (sorted.length - 1))] ?? Number.NaN;
	const sent = sentAt.length;
	return {probe: {sent, lost: sent - trips.size, p50: at(0.5), p99: at(0.99)}};
}

async function obey(command: PeerCommand): Promise<PeerAnswer> {
	switch (command.type) {
		case 'echo':
			return echo();
		case 'prepare':
			return prepare(command.count);
		case 'open':
			return open(command.port, command.count, command.rate);
		case 'associate':
			return associate(command.port, command.target, command.count);
		case 'probe':
			return probe(command.port, command.millis);
	}
}

process.on('message', (command: PeerCommand) => {
	void obey(command).then((answer) => process.send?.(answer));
});
process.on('disconnect', () => process.exit());
