import {join} from 'node:path';
import type {ExecutionContext} from 'ava';
import {readStatus} from '../../../src/app/observe/status-server.ts';
import {freePort} from './ports.ts';
import type {Program} from './program.ts';
import type {Stage} from './stage.ts';

/** How the ends of a tunnel with a SOCKS5 front are wanted. */
export interface FrontPlan {
	/** Words in front of the commands of each host. */
	readonly near?: readonly string[];
	readonly far?: readonly string[];
	/** The server's address. */
	readonly address?: string;
	/** Rules of the exit besides loopback. */
	readonly rules?: readonly string[];
	/** The words of each link, of which there is at least one. */
	readonly links: readonly (readonly string[])[];
	readonly clientWords?: readonly string[];
}

/** One end of a tunnel, which may be started again. */
export class ProgramEnd {
	program!: Program;
	readonly #start: () => Program;
	readonly #ready: string;

	constructor(start: () => Program, ready: string) {
		this.#start = start;
		this.#ready = ready;
	}

	/** Starts it; resolves when it says that it is ready. */
	async start(): Promise<void> {
		this.program = this.#start();
		await this.program.says(this.#ready);
	}

	/** Kills it without warning; resolves when it is gone. */
	async crash(): Promise<void> {
		this.program.kill('SIGKILL');
		await this.program.end();
	}

	/** Stops it as a user does; resolves when it is gone. */
	async stop(): Promise<void> {
		this.program.kill('SIGTERM');
		await this.program.end();
	}
}

/** A tunnel with a SOCKS5 front. */
export interface SocksFront {
	/** Where SOCKS5 listens. */
	readonly port: number;
	readonly client: Program;
	readonly ends: {readonly client: ProgramEnd; readonly server: ProgramEnd};
	readonly links: readonly Program[];
	/** Datagrams that came out of the tunnel at the server. */
	readonly carried: () => Promise<number>;
}

/** An exit behind simulated links, and mpclient with a SOCKS5 front; resolves with its session. */
export async function socksOverLinks(
	t: ExecutionContext,
	stage: Stage,
	{near = [], far = [], address = '127.0.0.1', rules = [], links, clientWords = []}: FrontPlan,
): Promise<SocksFront> {
	const [port, socks, key] = [await freePort(), await freePort(), await stage.key()];
	const allow = ['--allow', '127.0.0.0/8', ...rules];
	const words = ['--bind', address, '--key-file', key, ...allow, '--state', stage.path('server')];
	const startServer = () => stage.program('mpserver', [`${port}`, ...words], {}, far);
	const server = new ProgramEnd(startServer, 'mpserver runs');
	await server.start();
	const lines: string[] = [];
	const programs: Program[] = [];
	for (const bad of links) {
		const link = await freePort();
		const argv = ['link', '--listen', `${link}`, '--to', `${address}:${port}`, ...bad];
		const program = stage.program('mptunnel', argv, {}, near);
		await program.says('listening on');
		programs.push(program);
		lines.push(`127.0.0.1 ${link}\n`);
	}
	const conf = stage.write('mpclient.conf', lines.join(''));
	const front = ['--no-listen', '--socks', `127.0.0.1:${socks}`, '--state', stage.path('client')];
	const argv = [conf, '--key-file', key, ...front, ...clientWords];
	const startClient = () => stage.program('mpclient', argv, {}, near);
	const client = new ProgramEnd(startClient, 'a session is up');
	await client.start();
	t.log(`SOCKS5 on port ${socks}`);
	const carried = async () => {
		const {sessions} = await readStatus(join(stage.path('server'), 'status.sock'));
		return sessions.reduce((sum, {datagramsReceived}) => sum + datagramsReceived, 0);
	};
	const ends = {client, server};
	return {port: socks, client: client.program, ends, links: programs, carried};
}
