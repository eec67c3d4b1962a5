import type {ForwardOptions} from './forwards.ts';
import {addressesOf, type HostPort} from './host-port.ts';
import type {SocksOptions} from './socks.ts';

/** A place where mpclient takes datagrams of applications. */
export type ClientListener =
	| {readonly kind: 'classic'; readonly listen: HostPort}
	| {readonly kind: 'socks'; readonly listen: HostPort}
	| {readonly kind: 'forward'; readonly listen: HostPort; readonly forward: ForwardOptions};

/** The options that say where mpclient listens. */
export interface ListenOptions {
	readonly listen: HostPort | undefined;
	readonly socks: SocksOptions | false | undefined;
	readonly forwards: readonly ForwardOptions[];
}

/** The listeners for datagrams, in the order in which the core numbers them. */
export function listenersOf({listen, socks, forwards}: ListenOptions): readonly ClientListener[] {
	return [
		...(listen === undefined ? [] : [{kind: 'classic', listen} as const]),
		...(socks ? [{kind: 'socks', listen: socks.listen} as const] : []),
		...forwards
			.filter(({protocol}) => protocol === 'udp')
			.map((forward) => ({kind: 'forward', listen: forward.listen, forward}) as const),
	];
}

/** The numbers of the listeners at a place, a port alone being one of both loopback addresses. */
export function listenersAt(
	listeners: readonly {readonly listen: HostPort}[],
	place: HostPort,
): readonly number[] {
	const asked = addressesOf(place);
	return listeners.flatMap(({listen}, index) => {
		const isThere = addressesOf(listen).some((address) => asked.includes(address));
		return isThere && listen.port === place.port ? [index] : [];
	});
}
