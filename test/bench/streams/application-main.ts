// The application at the near end of a TCP connection, through a SOCKS5 proxy or not.
import {once} from 'node:events';
import {connect, type Socket} from 'node:net';
import process from 'node:process';
import {SocksClient} from 'socks';
import {sharedNow} from '../load/clock.ts';
import {NEAR_HOST} from '../systems/system.ts';
import {type ApplicationCommand, type ApplicationResult, DOWNLOAD, UPLOAD} from './messages.ts';

const CHUNK = Buffer.alloc(256 * 1024, 0x5a);

async function open({proxy, host, origin}: ApplicationCommand): Promise<Socket> {
	if (proxy !== undefined) {
		const {socket} = await SocksClient.createConnection({
			proxy: {host: NEAR_HOST, port: proxy, type: 5},
			command: 'connect',
			destination: {host, port: origin},
		});
		return socket;
	}
	const socket = connect(origin, host);
	await once(socket, 'connect');
	return socket;
}

async function run(command: ApplicationCommand): Promise<ApplicationResult> {
	const {direction, warmUpMillis, millis} = command;
	const socket = await open(command);
	socket.on('error', () => {});
	let bytes = 0;
	socket.on('data', (part) => {
		bytes += part.length;
	});
	socket.write(Buffer.of(direction === 'download' ? DOWNLOAD : UPLOAD));
	if (direction === 'upload') {
		const fill = () => {
			while (!socket.destroyed && socket.write(CHUNK));
		};
		socket.on('drain', fill);
		fill();
	}
	await pause(warmUpMillis);
	const [from, before] = [sharedNow(), bytes];
	await pause(millis - warmUpMillis);
	const result = {bytes: bytes - before, millis: sharedNow() - from};
	socket.destroy();
	return result;
}

function pause(millis: number): Promise<void> {
	return new Promise((resolve) => setTimeout(resolve, millis));
}

process.on('message', (command: ApplicationCommand) => {
	run(command).then(
		(result) => process.send?.(result),
		// The connection was refused: nothing came through it.
		() => process.send?.({bytes: Number.NaN, millis: Number.NaN}),
	);
});
process.on('disconnect', () => process.exit());
