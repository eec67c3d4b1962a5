import type {ClientConfig, ServerConfig} from '../../../src/core/endpoint.ts';
import type {WorldOptions} from './world-options.ts';

const PSK = new Uint8Array(32).fill(7);

/** What the client of a world is made of, unless its options say otherwise. */
export function clientConfigOf({links, paths, client}: WorldOptions): ClientConfig {
	return {
		psk: PSK,
		keyless: false,
		clientId: new Uint8Array(16).fill(3),
		encrypt: true,
		copies: 0,
		paths: links.map((_, id) => ({
			id,
			name: `path ${id + 1}`,
			metered: false,
			backup: false,
			rateUp: 0,
			rateDown: 0,
			...paths?.[id],
		})),
		listeners: [{name: 'classic'}, {name: 'socks', open: true}],
		rekeyInterval: 120_000,
		flowIdle: 300_000,
		...client,
	};
}

/** The same of its server, which knows that client. */
export function serverConfigOf({server}: WorldOptions, {psk, keyless}: ClientConfig): ServerConfig {
	return {
		users: [{name: 'user', psk}],
		keyless,
		encrypt: true,
		flowIdle: 300_000,
		sessionIdle: 180_000,
		fixedTarget: true,
		exit: true,
		flowLimit: 16_384,
		flowRate: 4096,
		sessionLimit: 4096,
		...server,
	};
}
