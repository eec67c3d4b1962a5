// The load generator: a process of its own, so that it can be told apart from what it measures.
import process from 'node:process';
import {Generator} from './generator.ts';
import {loadSockets} from './load-sockets.ts';
import type {LoadCommand} from './messages.ts';

const [style = '{}'] = process.argv.slice(2);
const generator = new Generator(loadSockets(JSON.parse(style)));
process.on('message', (command: LoadCommand) => {
	void generator.send(command).then((result) => process.send?.(result));
});
process.on('disconnect', () => process.exit());
