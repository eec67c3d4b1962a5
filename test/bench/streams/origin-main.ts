// The origin of TCP connections, on the address of its argument: sends as much as it can, or counts what comes in.
import {createServer, type Socket} from 'node:net';
import process from 'node:process';
import {sharedNow} from '../load/clock.ts';
import {DOWNLOAD, type OriginCommand, type OriginResult} from './messages.ts';

const CHUNK = Buffer.alloc(256 * 1024, 0x5a);

let received = 0;

function serve(socket: Socket): void {
	socket.on('error', () => {});
	socket.once('data', (first) => {
		if (first[0] === DOWNLOAD) return send(socket);
		received += first.length;
		socket.on('data', (bytes) => {
			received += bytes.length;
		});
	});
}

function send(socket: Socket): void {
	socket.resume();
	const fill = () => {
		while (!socket.destroyed && socket.write(CHUNK));
	};
	socket.on('drain', fill);
	fill();
}

const server = createServer(serve);
server.listen(0, process.argv[2], () => {
	const address = server.address();
	const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
	process.on('message', (_command: OriginCommand) => {
		const result: OriginResult = {port, received, at: sharedNow()};
		process.send?.(result);
	});
});
process.on('disconnect', () => process.exit());
