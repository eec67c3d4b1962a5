// The forger: a process of its own, so that it costs the others no time.
import process from 'node:process';
import {setImmediate} from 'node:timers/promises';
import {Forger} from './forger.ts';
import {loadSockets} from './load-sockets.ts';
import type {ForgerCommand} from './messages.ts';

/** How long a command may wait for the relay. */
const PATIENCE_MICROS = 1000;

const [style = '{}'] = process.argv.slice(2);
const forger = new Forger(loadSockets(JSON.parse(style)));
process.on('message', (command: ForgerCommand) => {
	const done = command.type === 'relay' ? forger.relay(command.port) : forger.flood(command.flood);
	void done.then((result) => process.send?.(result));
});
process.on('disconnect', () => process.exit());
for (;;) {
	await forger.serve(PATIENCE_MICROS);
	await setImmediate();
}
