// The load generator: a process of its own, so that it can be told apart from what it measures.
import {setPriority} from 'node:os';
import process from 'node:process';
import {Generator} from './generator.ts';
import {loadSockets} from './load-sockets.ts';
import type {LoadCommand} from './messages.ts';

/** It needs little time, but at once: datagrams of a network do not wait for a processor either. */
const NICE = -10;

try {
	setPriority(NICE);
} catch {
	// Only root may.
}
const [style = '{}'] = process.argv.slice(2);
const generator = new Generator(loadSockets(JSON.parse(style)));
process.on('message', (command: LoadCommand) => {
	void generator.send(command).then((result) => process.send?.(result));
});
process.on('disconnect', () => process.exit());
