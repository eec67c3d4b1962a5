// The sink and echo behind everything that is measured: a process of its own.
import {createSocket} from 'node:dgram';
import process from 'node:process';
import {HEADER_LENGTH, type SinkCommand, type SinkResult, sharedNow} from './messages.ts';

/** More than any run sends. */
const MOST = 1 << 22;

const seen = new Uint8Array(MOST);
let run = 0;
let echo = false;
let unique = 0;
let duplicates = 0;
let last = Number.NaN;
let gapFrom = 0;
let gapUntil = 0;

const socket = createSocket({
	type: 'udp4',
	// Without it every echo would take a turn through the thread pool.
	lookup: (host, _options, callback) => callback(null, host, 4),
});

socket.on('message', (bytes, from) => {
	if (bytes.length < HEADER_LENGTH || bytes.readUInt32BE(0) !== run) return;
	if (echo) socket.send(bytes, from.port, from.address);
	const sequence = bytes.readUInt32BE(4) % MOST;
	if (seen[sequence] === 1) {
		duplicates++;
		return;
	}
	seen[sequence] = 1;
	unique++;
	const now = sharedNow();
	if (now - last > gapUntil - gapFrom) {
		gapFrom = last;
		gapUntil = now;
	}
	last = now;
});

process.on('message', (command: SinkCommand) => {
	if (command.type === 'begin') {
		({run, echo} = command);
		seen.fill(0);
		unique = 0;
		duplicates = 0;
		last = Number.NaN;
		gapFrom = 0;
		gapUntil = 0;
	}
	const {port} = socket.address();
	const result: SinkResult = {port, unique, duplicates, gapFrom, gapUntil};
	process.send?.(result);
});
process.on('disconnect', () => process.exit());

// With that lookup it is bound when this returns.
socket.bind(0, '127.0.0.1');
socket.setRecvBufferSize(1 << 22);
socket.setSendBufferSize(1 << 20);
