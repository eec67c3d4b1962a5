import {writeFileSync} from 'node:fs';
import {join} from 'node:path';
import type {ExecutionContext} from 'ava';
import type {StatusSnapshot} from '../../../src/app/observe/status.ts';
import {readStatus} from '../../../src/app/observe/status-server.ts';
import {temporaryFolder} from '../machine/options.ts';
import {freePort, untilBound} from './ports.ts';
import {Child} from './process.ts';
import {Program} from './program.ts';
import {pathsUp, untilSnapshot} from './snapshots.ts';
import {Application, EchoTarget} from './traffic.ts';

type Words = readonly string[];
type Variables = Readonly<Record<string, string>>;

/** How the classic set-up is wanted. */
export interface TunnelPlan {
	/** Words before which come `PORT 127.0.0.1 TARGET`, and FILE. */
	readonly serverWords?: Words;
	readonly clientWords?: Words;
	/** The lines of mpclient.conf, given the server's port. */
	readonly lines: (serverPort: number) => Promise<Words> | Words;
	/** Name of the client's file; `mpclient.conf`. */
	readonly file?: string;
	readonly keyless?: boolean;
	/** Environment of both ends. */
	readonly env?: Variables;
	/** Builds that the ends are of; this one. */
	readonly builds?: {readonly client?: URL; readonly server?: URL};
}

/** One end-to-end test: its folder, and everything it starts, which ends with it. */
export class Stage {
	readonly folder: string;
	readonly env: Variables;
	readonly #t: ExecutionContext;

	constructor(t: ExecutionContext) {
		this.#t = t;
		this.folder = temporaryFolder(t);
		this.env = {XDG_STATE_HOME: this.folder};
	}

	/** The path of a file in the folder. */
	path(name: string): string {
		return join(this.folder, name);
	}

	/** Writes a file that only this user may read, and returns its path. */
	write(name: string, text: string): string {
		writeFileSync(this.path(name), text, {mode: 0o600});
		return this.path(name);
	}

	/** Starts a program of the package. */
	program(
		name: ConstructorParameters<typeof Program>[0],
		argv: Words,
		env: Variables = {},
		wrapper: Words = [],
		build?: URL,
	): Program {
		const program = new Program(name, argv, {...this.env, ...env}, wrapper, build);
		this.#t.teardown(async () => {
			program.kill('SIGKILL');
			await program.end();
		});
		return program;
	}

	/** Starts any other program. */
	child(command: string, argv: Words, typed = false): Child {
		const child = new Child(command, argv, typed);
		this.#t.teardown(() => child.kill());
		return child;
	}

	/** Runs `mptunnel keygen` and returns the file. */
	async key(name = 'tunnel.key'): Promise<string> {
		const program = this.program('mptunnel', ['keygen', this.path(name)]);
		if ((await program.end()) !== 0) throw new Error(program.stderr);
		return this.path(name);
	}

	async echo(host?: string): Promise<EchoTarget> {
		const target = await EchoTarget.open(host);
		this.#t.teardown(() => target.close());
		return target;
	}

	async application(port: number): Promise<Application> {
		const application = await Application.open(port);
		this.#t.teardown(() => application.close());
		return application;
	}

	/** A bridge as the README has it: plain, without fork. Resolves when it can be used. */
	async socat(port: number, to: number): Promise<Child> {
		const child = this.child('socat', [`udp-listen:${port}`, `udp4:127.0.0.1:${to}`]);
		await untilBound(port);
		return child;
	}

	/** The same in the restart loop of the README. */
	async loopedSocat(port: number, to: number): Promise<Child> {
		const socat = `socat udp-listen:${port},reuseaddr udp4:127.0.0.1:${to}`;
		const child = this.child('sh', ['-c', `while :; do ${socat}; sleep .2; done`]);
		await untilBound(port);
		return child;
	}

	/** A simulated link; resolves with its port. */
	async link(to: number, words: Words = []): Promise<number> {
		const port = await freePort();
		const argv = ['link', '--listen', `${port}`, '--to', `127.0.0.1:${to}`, ...words];
		await this.program('mptunnel', argv).says('listening on');
		return port;
	}

	/** The classic set-up, not started yet. */
	async tunnel(plan: TunnelPlan): Promise<Tunnel> {
		const [port, listen] = [await freePort(), await freePort()];
		const target = await this.echo();
		const key = plan.keyless ? [] : ['--key-file', await this.key()];
		const lines = await plan.lines(port);
		const conf = this.write(
			plan.file ?? 'mpclient.conf',
			lines.map((line) => `${line}\n`).join(''),
		);
		const application = await this.application(listen);
		return new Tunnel(this, {
			plan,
			port,
			target,
			application,
			client: [conf, '--listen', `127.0.0.1:${listen}`, ...key, ...(plan.clientWords ?? [])],
			server: [
				`${port}`,
				'127.0.0.1',
				`${target.port}`,
				...['--bind', '127.0.0.1'],
				...key,
				...(plan.serverWords ?? []),
			],
		});
	}
}

interface TunnelParts {
	readonly plan: TunnelPlan;
	readonly port: number;
	readonly target: EchoTarget;
	readonly application: Application;
	readonly client: Words;
	readonly server: Words;
}

/** mpclient and mpserver with an application and an echo target; each end may be started again. */
export class Tunnel {
	readonly target: EchoTarget;
	readonly application: Application;
	/** The server's port. */
	readonly port: number;
	client!: Program;
	server!: Program;
	readonly #stage: Stage;
	readonly #parts: TunnelParts;

	constructor(stage: Stage, parts: TunnelParts) {
		this.#stage = stage;
		this.#parts = parts;
		this.target = parts.target;
		this.application = parts.application;
		this.port = parts.port;
	}

	/** Starts the server; resolves when it listens. */
	async startServer(): Promise<void> {
		const state = ['--state', this.#stage.path('server')];
		this.server = this.#program('server', 'mpserver', state);
		await this.server.says('mpserver runs');
	}

	#program(end: 'client' | 'server', name: 'mpclient' | 'mpserver', state: Words): Program {
		const {env, builds} = this.#parts.plan;
		const words = [...this.#parts[end], ...state];
		return this.#stage.program(name, words, env, [], builds?.[end]);
	}

	/** The state folder of an end. */
	stateOf(end: 'client' | 'server'): string {
		return this.#stage.path(end);
	}

	/** Starts the client; resolves when it listens. */
	async startClient(): Promise<void> {
		const state = ['--state', this.#stage.path('client')];
		this.client = this.#program('client', 'mpclient', state);
		await this.client.says('mpclient runs');
	}

	/** Starts both; resolves when `paths` paths are up. */
	async start(paths: number): Promise<void> {
		await this.startServer();
		await this.startClient();
		await this.client.says('a session is up');
		await this.untilUp(paths);
	}

	/** Resolves when so many paths of both ends are up. */
	async untilUp(paths: number): Promise<void> {
		for (const end of ['client', 'server'] as const) {
			await this.until(end, (snapshot) => pathsUp(snapshot) >= paths, `${paths} paths up`);
		}
	}

	/** Resolves when a snapshot of an end meets the condition. */
	async until(
		end: 'client' | 'server',
		condition: (snapshot: StatusSnapshot) => boolean,
		what: string,
	): Promise<StatusSnapshot> {
		const socket = join(this.#stage.path(end), 'status.sock');
		const says = () => `${what} at the ${end}: ${this[end].stderr}`;
		return await untilSnapshot(socket, condition, says);
	}

	/** What an end says of itself; undefined while it is not there. */
	async status(end: 'client' | 'server'): Promise<StatusSnapshot | undefined> {
		try {
			return await readStatus(join(this.#stage.path(end), 'status.sock'));
		} catch {
			return undefined;
		}
	}

	/** Kills an end without warning; resolves when it is gone. */
	async crash(end: 'client' | 'server'): Promise<void> {
		this[end].kill('SIGKILL');
		await this[end].end();
	}

	/** Stops an end as a user does; resolves when it is gone. */
	async stop(end: 'client' | 'server', signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
		this[end].kill(signal);
		await this[end].end();
	}
}
