// Many flows at once on real sockets: the server in this process, the client, applications, a prober
// and an echo target in others. Prints one line of JSON. Needs --expose-gc; arguments: a folder,
// the number of flows, of SOCKS associations, and of new flows in a second.
import {type ChildProcess, fork} from 'node:child_process';
import {once} from 'node:events';
import {writeFileSync} from 'node:fs';
import {join} from 'node:path';
import process from 'node:process';
import {fileURLToPath} from 'node:url';
import {createLogger} from '../../../src/app/observe/logger.ts';
import {startServer} from '../../../src/app/server.ts';
import {parseServerArguments} from '../../../src/cli/options.ts';
import type {ClientAnswer, ClientCommand} from './client.ts';
import {heapHeld} from './heap-held.ts';
import type {PeerAnswer, PeerCommand} from './peer.ts';

/** What the line of JSON says. */
export interface FlowsReport {
	readonly flows: number;
	readonly associations: number;
	/** Of both ends together, in bytes. */
	readonly heapPerFlow: number;
	readonly answered: number;
	/** A flow of 100 datagrams a second: round trips in ms alone, and while flows are opened. */
	readonly before: ProbeReport;
	readonly during: ProbeReport;
	/** Milliseconds until all flows were open and answered. */
	readonly opening: number;
	readonly drops: Readonly<Record<string, number>>;
}

interface ProbeReport {
	readonly sent: number;
	readonly lost: number;
	readonly p50: number;
	readonly p99: number;
}

const [folder = '.', flowsText = '1000', associationsText = '100', rateText = '2000'] =
	process.argv.slice(2);
const [flows, associations, rate] = [flowsText, associationsText, rateText].map(Number) as [
	number,
	number,
	number,
];
const PROBE_MILLIS = 3000;

const children: ChildProcess[] = [];

function start<Command extends object, Answer>(
	name: string,
): (command: Command) => Promise<Answer> {
	const child = fork(fileURLToPath(new URL(`./${name}.js`, import.meta.url)));
	children.push(child);
	return async (command) => {
		const answer = once(child, 'message');
		child.send(command);
		const [result] = await answer;
		return result as Answer;
	};
}

process.on('exit', () => {
	for (const child of children) child.kill('SIGKILL');
});
const logger = createLogger({level: 'error', format: 'text', now: Date.now, sink: () => {}});
const io = {write: () => {}, cwd: folder};
const env = {MPTUNNEL_KEY: Buffer.alloc(32, 0x5a).toString('base64')};
const peer = () => start<PeerCommand, PeerAnswer>('peer');
const [echo, opener, prober] = [peer(), peer(), peer()];
const client = start<ClientCommand, ClientAnswer>('client');
const {port: target = 0} = await echo({type: 'echo'});
const serverWords = ['1', '127.0.0.1', `${target}`, '--bind', '127.0.0.1', '--exit'];
const serverOptions = parseServerArguments(
	[...serverWords, '--allow', '127.0.0.1', '--state', join(folder, 'server')],
	env,
	io,
).options;
const server = await startServer({...serverOptions, port: 0}, logger);
const file = join(folder, 'mpclient.conf');
writeFileSync(file, `127.0.0.1 ${server.listening[0]?.split(':')[1]}\n`.repeat(3));
const listen = ['--listen', '127.0.0.1:1', '--socks', '127.0.0.1:1'];
const words = [file, ...listen, '--state', join(folder, 'client')];
const {port, socksPort} = await client({type: 'start', words, env});

// Once around, so that code is compiled and the session is up.
await opener({type: 'open', port, count: 1000, rate: 1000});
const {probe: before} = await prober({type: 'probe', port, millis: PROBE_MILLIS});
await opener({type: 'associate', port: socksPort, target, count: associations});
await opener({type: 'prepare', count: flows});
const heapBefore = (await heapHeld()) + (await client({type: 'look'})).heap;
const millis = (flows / rate) * 1000;
const opening = performance.now();
const opened = opener({type: 'open', port, count: flows, rate}).then(({answered = 0}) => {
	return {answered, took: performance.now() - opening};
});
const [{answered, took}, {probe: during}] = await Promise.all([
	opened,
	prober({type: 'probe', port, millis: Math.max(millis, PROBE_MILLIS)}),
]);
const seen = await client({type: 'look'});
const heapPerFlow = ((await heapHeld()) + seen.heap - heapBefore) / flows;
const status = server.status();
const report: FlowsReport = {
	flows: status.sessions[0]?.flows ?? 0,
	associations: seen.associations,
	heapPerFlow,
	answered,
	before: before!,
	during: during!,
	opening: took,
	drops: {...seen.drops, ...status.drops},
};
process.stdout.write(`${JSON.stringify(report)}\n`);
await server.close();
process.exit(0);
