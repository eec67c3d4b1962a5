import {isMainThread, parentPort, workerData} from 'node:worker_threads';
import {type LinkProxy, startLinkProxy} from '../net/link/proxy.ts';
import type {LinksInit, LinksMessage} from './links.ts';

const LOCALHOST = '127.0.0.1';

// The links run in a thread of their own: a network does not wait for the programs at its ends.
if (!isMainThread && parentPort !== null) await serve(parentPort, workerData as LinksInit);

async function serve(port: NonNullable<typeof parentPort>, init: LinksInit): Promise<void> {
	const links: LinkProxy[] = [];
	for (const {loss, delay, jitter, seed} of init.links) {
		const direction = {loss: {kind: 'random', loss}, delay, jitter} as const;
		const listen = {address: LOCALHOST, port: 0};
		const target = {host: LOCALHOST, port: init.target};
		links.push(await startLinkProxy({listen, target, up: direction, down: direction, seed}));
	}
	const report = (message: LinksMessage) => port.postMessage(message);
	port.on('message', () => report(links.map(({counts}) => counts)));
	report(links.map(({port: taken}) => taken));
}
