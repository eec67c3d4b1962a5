import {once} from 'node:events';
import {writeFileSync} from 'node:fs';
import {connect, createServer, type Socket} from 'node:net';
import {join} from 'node:path';
import {freePort, Program} from '../processes.ts';
import {temporaryFolder} from '../systems/temporary-folder.ts';
import type {Service} from './tcp-target.ts';

const KEY = Buffer.alloc(32, 0x5a).toString('base64');

/** An exit, and mpclient with its SOCKS5 front, over simulated links or direct paths. */
export class TcpTunnel {
	/** When the links began, on the clock of performance.now(). */
	readonly linksFrom: number;
	readonly #socks: number;
	readonly #programs: readonly Program[];

	private constructor(socks: number, linksFrom: number, programs: readonly Program[]) {
		this.#socks = socks;
		this.linksFrom = linksFrom;
		this.#programs = programs;
	}

	/** @param links the words of the link of each path */
	static async start(links: readonly (readonly string[])[]): Promise<TcpTunnel> {
		const folder = temporaryFolder();
		const [port, socks] = [await freePort(), await freeTcpPort()];
		const env = {MPTUNNEL_KEY: KEY};
		const state = (name: string) => ['--state', join(folder, name)];
		const exit = ['--bind', '127.0.0.1', '--allow', '127.0.0.0/8', ...state('server')];
		const server = Program.node('mpserver', [`${port}`, ...exit], env);
		await server.says('mpserver runs');
		const bad: Program[] = [];
		const lines: string[] = [];
		for (const words of links) {
			const place = await freePort();
			lines.push(`127.0.0.1 ${place}\n`);
			const ends = ['--listen', `${place}`, '--to', `127.0.0.1:${port}`];
			const link = Program.node('mptunnel', ['link', ...ends, ...words], {});
			await link.says('listening on');
			bad.push(link);
		}
		const linksFrom = performance.now();
		const file = join(folder, 'mpclient.conf');
		writeFileSync(file, lines.join(''));
		const front = ['--no-listen', '--socks', `127.0.0.1:${socks}`, ...state('client')];
		const client = Program.node('mpclient', [file, ...front], env);
		const tunnel = new TcpTunnel(socks, linksFrom, [client, server, ...bad]);
		await client.says('a session is up');
		return tunnel;
	}

	/** A connection to a port of loopback that has asked for a service. */
	open(port: number, service: Service): Promise<Socket> {
		return socksConnect(this.#socks, port, service);
	}

	async stop(): Promise<void> {
		await Promise.all(this.#programs.map((program) => program.kill()));
	}
}

async function freeTcpPort(): Promise<number> {
	const server = createServer();
	server.listen(0, '127.0.0.1');
	await once(server, 'listening');
	const place = server.address();
	server.close();
	return place !== null && typeof place === 'object' ? place.port : 0;
}

/** CONNECT to a port of loopback through a SOCKS5 proxy on loopback; the service is asked for at once. */
async function socksConnect(proxy: number, port: number, service: Service): Promise<Socket> {
	const socket = connect(proxy, '127.0.0.1');
	// Who waits for bytes sees the end of the connection.
	socket.on('error', () => {});
	socket.setNoDelay();
	await once(socket, 'connect');
	socket.write(Uint8Array.of(5, 1, 0));
	await take(socket, 2);
	socket.write(Uint8Array.of(5, 1, 0, 1, 127, 0, 0, 1, port >> 8, port & 255, service));
	const reply = await take(socket, 10);
	if (reply[1] !== 0) throw new Error(`the proxy answers ${reply[1]}`);
	return socket;
}

/** Reads so many bytes, and leaves what follows them. */
async function take(socket: Socket, count: number): Promise<Buffer> {
	for (;;) {
		const bytes: Buffer | null = socket.read(count);
		if (bytes !== null) return bytes;
		if (socket.destroyed || socket.readableEnded) throw new Error('the proxy hangs up');
		await Promise.race([once(socket, 'readable'), once(socket, 'close')]);
	}
}
