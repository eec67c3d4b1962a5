// A client, a server, an application and an echo on real sockets in one process. Reports what memory
// they hold on the way, and what is still active once all are closed. Needs --expose-gc; the argument
// is a folder for its files.
import {createSocket, type Socket} from 'node:dgram';
import {writeFileSync, writeSync} from 'node:fs';
import {join} from 'node:path';
import process from 'node:process';
import {startClient} from '../../src/app/client.ts';
import {createLogger} from '../../src/app/observe/logger.ts';
import {startServer} from '../../src/app/server.ts';
import {parseClientArguments, parseServerArguments} from '../../src/cli/options.ts';

const PATHS = 2;
const SIZE = 200;
/** Datagrams under way: each that comes back lets the next one go. */
const WINDOW = 32;
/** Sessions' packets, both directions together, before the first and the second measurement. */
const MARKS = [200_000, 1_000_000] as const;

const folder = process.argv[2] ?? '.';
const io = {write: () => {}, cwd: folder};
const env = {MPTUNNEL_KEY: Buffer.alloc(32, 0x5a).toString('base64')};
const logger = createLogger({level: 'error', format: 'text', now: Date.now, sink: () => {}});

function openSocket(): Socket {
	const lookup = (host: string, _: unknown, found: (e: null, a: string, f: number) => void) =>
		found(null, host, 4);
	const socket = createSocket({type: 'udp4', lookup});
	// With that lookup it is bound when this returns.
	socket.bind(0, '127.0.0.1');
	return socket;
}

function pause(millis: number): Promise<void> {
	return new Promise((resolve) => setTimeout(resolve, millis));
}

/** Bytes held after everything that can go has gone. */
async function held(): Promise<number> {
	let least = Number.POSITIVE_INFINITY;
	for (let round = 0; round < 8; round++) {
		globalThis.gc?.();
		// Array buffers are freed in the background.
		await pause(50);
		const {heapUsed, arrayBuffers} = process.memoryUsage();
		least = Math.min(least, heapUsed + arrayBuffers);
	}
	return least;
}

const echo = openSocket();
echo.on('message', (bytes, from) => echo.send(bytes, from.port, from.address));
const target = ['127.0.0.1', String(echo.address().port)];
// Ports of the system's choice cannot be asked for on the command line.
const serverOptions = parseServerArguments(
	['1', ...target, '--bind', '127.0.0.1', '--state', join(folder, 'server')],
	env,
	io,
).options;
const server = await startServer({...serverOptions, port: 0}, logger);
const serverPort = server.listening[0]?.split(':')[1];
const file = join(folder, 'mpclient.conf');
writeFileSync(file, `127.0.0.1 ${serverPort}\n`.repeat(PATHS));
const clientOptions = parseClientArguments(
	[file, '--listen', '127.0.0.1:1', '--state', join(folder, 'client')],
	env,
	io,
).options;
const listen = {host: '127.0.0.1', port: 0};
const client = await startClient({...clientOptions, listen}, logger);
const clientPort = Number(client.listening?.split(':')[1]);

const application = openSocket();
const datagram = Buffer.alloc(SIZE);
let answered = 0;
let underWay = 0;
let goal = 0;
const fill = () => {
	while (underWay < WINDOW && answered < goal) {
		underWay++;
		application.send(datagram, clientPort, '127.0.0.1');
	}
};
application.on('message', () => {
	answered++;
	underWay--;
	fill();
});

async function reach(answers: number): Promise<void> {
	goal = answers;
	fill();
	for (let before = -1; answered < goal; before = answered) {
		await pause(200);
		if (answered !== before) continue;
		// What was lost on a busy machine never comes back.
		underWay = 0;
		fill();
	}
	await pause(200);
	underWay = 0;
}

const bytes: number[] = [];
for (const mark of MARKS) {
	await reach(mark / 2);
	bytes.push(await held());
}
application.close();
await client.close();
await server.close();
echo.close();
// Only reached when nothing keeps the process any more.
process.on('beforeExit', () => {
	// The program's own streams stay, where they are pipes.
	const active = process.getActiveResourcesInfo().filter((name) => name !== 'PipeWrap');
	const report = {bytes, answered, active};
	writeSync(1, `${JSON.stringify(report)}\n`);
});
