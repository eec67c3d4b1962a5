// npm run soak: both ends under load for long, while everything around them changes; see HELP.
import {mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import process from 'node:process';
import {fileURLToPath} from 'node:url';
import {readStatus} from '../../src/app/observe/status-server.ts';
import {freePort, killAll, Program, pause} from '../bench/processes.ts';
import {readArguments} from '../support/machine/flags.ts';
import {Load} from './load.ts';
import {HELP, parseSoakOptions, type SoakOptions} from './options.ts';

const KEY = Buffer.alloc(32, 0x5a).toString('base64');
const LOCALHOST = '127.0.0.1';
const APPLICATIONS = 4;
const MAX_LOSS = 0.001;
const MAX_GROWTH = 5 * 1024 * 1024;

/** Runs below this length are over before memory has settled: they only tell how it grew. */
const STEADY_SECONDS = 300;

/** Seconds at the start that are not counted: fresh processes run slow code. */
const WARM_UP_SECONDS = 5;

/** Seconds from a kill on that are not counted. */
const RESTART_SECONDS = 6;

/** Ports of a run. */
interface Ports {
	readonly server: number;
	readonly client: number;
	readonly link: number;
}

class Run {
	readonly #options: SoakOptions;
	readonly #io: string;
	readonly #folder = mkdtempSync(join(tmpdir(), 'mptunnel-soak-'));
	readonly #ports: Ports;
	readonly #load: Load;
	readonly #uncounted = new Set<number>();
	readonly #memory: {at: number; client: number; server: number}[] = [];
	#server!: Program;
	#client!: Program;
	#link!: Program;

	constructor(options: SoakOptions, {io, rate}: SoakOptions['runs'][number], ports: Ports) {
		this.#options = options;
		this.#io = io;
		this.#ports = ports;
		this.#load = new Load(rate, ports.client, APPLICATIONS);
		const lines = [ports.server, ports.server, ports.link];
		const text = lines.map((port) => `${LOCALHOST} ${port}\n`).join('');
		writeFileSync(join(this.#folder, 'c.conf'), text);
	}

	async run(): Promise<readonly string[]> {
		const {seconds} = this.#options;
		this.#startServer();
		this.#startLink();
		this.#startClient();
		await this.#client.says('a session is up');
		for (let second = 0; second < WARM_UP_SECONDS; second++) this.#uncounted.add(second);
		this.#load.start();
		for (let second = 1; second <= seconds; second++) {
			await pause(1000);
			await this.#disturb(second);
			this.#note(second);
		}
		this.#load.stop();
		await pause(1000);
		const problems = [...this.#lossProblems(), ...this.#memoryProblems()];
		await this.#printDrops();
		await Promise.all([this.#client, this.#server, this.#link].map((each) => each.kill()));
		await this.#load.close();
		rmSync(this.#folder, {recursive: true, force: true});
		return problems;
	}

	async #disturb(second: number): Promise<void> {
		const {seconds} = this.#options;
		if (second % 5 === 0) this.#load.replaceApplication();
		if (second % 10 === 4) await this.#link.kill();
		if (second % 10 === 8) this.#startLink();
		if (second === Math.floor(seconds / 10)) {
			await this.#restart(second, this.#server, () => this.#startServer());
		}
		if (second === Math.floor(seconds / 5)) {
			await this.#restart(second, this.#client, () => this.#startClient());
		}
	}

	async #restart(second: number, program: Program, start: () => void): Promise<void> {
		for (let i = -1; i < RESTART_SECONDS; i++) this.#uncounted.add(second + i);
		await program.kill();
		start();
	}

	#start(name: string, words: readonly string[]): Program {
		const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
		const gc = ['--expose-gc', '--stress-compaction', '--import', here('force-gc.js')];
		const script = here(`../../src/cli/${name}.js`);
		const node = [process.execPath, ...(this.#options.gc ? gc : []), script];
		return new Program(name, [...node, ...words], {MPTUNNEL_KEY: KEY});
	}

	#startServer(): void {
		const {server} = this.#ports;
		const words = [`${server}`, LOCALHOST, `${this.#load.target}`, '--bind', LOCALHOST];
		const state = ['--io', this.#io, '--state', join(this.#folder, 'server')];
		this.#server = this.#start('mpserver', [...words, ...state]);
	}

	#startClient(): void {
		const listen = ['--listen', `${LOCALHOST}:${this.#ports.client}`, '--no-socks'];
		const state = ['--io', this.#io, '--state', join(this.#folder, 'client')];
		this.#client = this.#start('mpclient', [join(this.#folder, 'c.conf'), ...listen, ...state]);
	}

	#startLink(): void {
		const {link, server} = this.#ports;
		const to = `${LOCALHOST}:${server}`;
		// Copies beyond what it carries are not sent there: one process more must not slow all down.
		const words = ['link', '--listen', `${link}`, '--to', to, '--rate', '20mbit'];
		this.#link = this.#start('mptunnel', words);
	}

	#note(second: number): void {
		const [client, server] = [memoryOf(this.#client), memoryOf(this.#server)];
		this.#memory.push({at: second, client, server});
		if (second % 10 !== 0) return;
		const megabytes = (bytes: number) => Math.round(bytes / 1e6);
		const loss = (this.#loss().loss * 100).toFixed(4);
		tell(`${second} s: loss ${loss} %, RSS ${megabytes(client)} and ${megabytes(server)} MB`);
	}

	#loss(): {readonly sent: number; readonly loss: number} {
		let [sent, received] = [0, 0];
		for (const [second, counts] of this.#load.seconds.entries()) {
			// The last second may be under way.
			if (this.#uncounted.has(second) || second >= this.#load.seconds.length - 1) continue;
			sent += counts.sent;
			received += counts.received;
		}
		return {sent, loss: sent === 0 ? 1 : (sent - received) / sent};
	}

	#lossProblems(): readonly string[] {
		const {sent, loss} = this.#loss();
		tell(`${this.#io}: ${sent} datagrams counted, loss ${(loss * 100).toFixed(4)} %`);
		const problems: string[] = [];
		// What garbage collection all the time leaves of a core decides how much gets through then.
		if (loss > (this.#options.gc ? 0.99 : MAX_LOSS)) problems.push(`${this.#io}: loss ${loss}`);
		const {corrupt} = this.#load;
		if (corrupt > 0) problems.push(`${this.#io}: ${corrupt} datagrams are not what was sent`);
		if (loss < 0) problems.push(`${this.#io}: more came in than was sent`);
		return problems;
	}

	// From a quarter of the run, after the restarts, to its end; the least of a while on both sides.
	#memoryProblems(): readonly string[] {
		const {seconds} = this.#options;
		const least = (from: number, to: number, of: 'client' | 'server') =>
			Math.min(...this.#memory.filter(({at}) => at > from && at <= to).map((memory) => memory[of]));
		const problems: string[] = [];
		for (const end of ['client', 'server'] as const) {
			const before = least(seconds * 0.25, seconds * 0.4, end);
			const growth = least(seconds * 0.85, seconds, end) - before;
			tell(`${this.#io}: RSS of the ${end} ${before} bytes, grew by ${growth}`);
			if (seconds >= STEADY_SECONDS && growth > MAX_GROWTH)
				problems.push(`${this.#io}: the ${end} grew by ${growth} bytes`);
			if (before === 0 || growth === -before) problems.push(`${this.#io}: the ${end} has died`);
		}
		return problems;
	}

	async #printDrops(): Promise<void> {
		for (const end of ['client', 'server']) {
			const snapshot = await readStatus(join(this.#folder, end, 'status.sock'));
			tell(`${this.#io}: drops of the ${end}: ${JSON.stringify(snapshot?.drops)}`);
		}
	}
}

/** Bytes; 0 = it does not run. */
function memoryOf({pid}: Program): number {
	try {
		const [, pages = '0'] = readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ');
		return Number(pages) * 4096;
	} catch {
		return 0;
	}
}

function tell(text: string): void {
	process.stderr.write(`${text}\n`);
}

async function soak(options: SoakOptions): Promise<void> {
	process.on('exit', killAll);
	for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(1));
	const problems: string[] = [];
	for (const each of options.runs) {
		const [server, client, link] = [await freePort(), await freePort(), await freePort()];
		problems.push(...(await new Run(options, each, {server, client, link}).run()));
	}
	for (const problem of problems) tell(`FAILED ${problem}`);
	process.exit(problems.length > 0 ? 1 : 0);
}

const options = readArguments(parseSoakOptions, HELP);
if (options !== undefined) await soak(options);
