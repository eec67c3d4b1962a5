// The sink and echo behind everything that is measured: a process of its own.
import process from 'node:process';
import {loadSockets} from './load-sockets.ts';
import type {SinkCommand} from './messages.ts';
import {Sink} from './sink.ts';

const [style = '{}'] = process.argv.slice(2);
const sink = new Sink(loadSockets(JSON.parse(style)));
const started = sink.start();
process.on('message', (command: SinkCommand) => {
	void started.then(() => process.send?.(sink.handle(command)));
});
process.on('disconnect', () => process.exit());
