import {Bench} from '../bench.ts';
import type {LoadStyle} from '../load/load-sockets.ts';
import {DIRECT} from './relays.ts';
import {LOOPBACK} from './system.ts';
import {Tunnel} from './tunnel.ts';

/** What sends and receives: the load by its sockets, and the tunnel by what its ends say. */
export async function describeEnds(style: LoadStyle): Promise<string[]> {
	const bench = await Bench.start(LOOPBACK, [DIRECT], style, () => {});
	try {
		const tunnel = await Tunnel.start({name: 'tunnel'}, bench.sinkPort);
		await tunnel.stop();
		return [`load: ${bench.description}`, `tunnel: ${tunnel.backEnds}`];
	} finally {
		await bench.stop();
	}
}
