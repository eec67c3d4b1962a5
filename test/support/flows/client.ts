// The client of main.ts in a process of its own, as told by it. Needs --expose-gc.
import process from 'node:process';
import {type RunningClient, startClient} from '../../../src/app/client.ts';
import {createLogger} from '../../../src/app/observe/logger.ts';
import {parseClientArguments} from '../../../src/cli/options.ts';
import {heapHeld} from './heap-held.ts';

/** What it is told to do. */
export type ClientCommand =
	| {
			readonly type: 'start';
			readonly words: readonly string[];
			readonly env: Readonly<Record<string, string>>;
	  }
	| {readonly type: 'look'};

/** What it answers. */
export interface ClientAnswer {
	readonly port: number;
	readonly socksPort: number;
	readonly heap: number;
	readonly associations: number;
	readonly drops: Readonly<Record<string, number>>;
}

let client: RunningClient | undefined;

async function obey(command: ClientCommand): Promise<ClientAnswer> {
	if (command.type === 'start') {
		const logger = createLogger({level: 'error', format: 'text', now: Date.now, sink: () => {}});
		const io = {write: () => {}, cwd: '/'};
		const {options} = parseClientArguments(command.words, command.env, io);
		const listen = {host: '127.0.0.1', port: 0};
		const socks = options.socks && {...options.socks, listen};
		client = await startClient({...options, listen, socks}, logger);
	}
	const port = (address = '') => Number(address.split(':')[1]);
	const status = client?.status();
	return {
		port: port(client?.listening),
		socksPort: port(client?.socks),
		heap: await heapHeld(),
		associations: status?.socks?.associations ?? 0,
		drops: status?.drops ?? {},
	};
}

process.on('message', (command: ClientCommand) => {
	void obey(command).then((answer) => process.send?.(answer));
});
process.on('disconnect', () => process.exit());
