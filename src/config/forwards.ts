import {isIPv6} from 'node:net';
import {quoteText} from '../text/escape-text.ts';
import {ValueError} from '../text/value-error.ts';
import type {ProblemList} from './errors.ts';
import {addressesOf, type HostPort, isLocal} from './host-port.ts';
import type {Type} from './option.ts';
import {type Located, located, many, quoted} from './types.ts';
import {readHost, readListenAddress, readPort} from './values.ts';

/** The protocols that a forward can carry. */
const PROTOCOLS = ['udp', 'tcp'] as const;

/** A port at the client whose datagrams or connections go to one target that the client chose. */
export interface ForwardOptions {
	readonly protocol: (typeof PROTOCOLS)[number];
	/** See `readListenAddress`. */
	readonly listen: HostPort;
	/** A name is resolved at the server. */
	readonly target: HostPort;
	/** Name of the policy of its datagrams. `undefined`: as the rules have it. */
	readonly policy: string | undefined;
}

const EXPECTED = 'udp:[ADDR:]PORT=HOST:PORT or tcp:[ADDR:]PORT=HOST:PORT';

/**
 * `udp:LOCAL=TARGET` or `tcp:LOCAL=TARGET`, LOCAL a place to listen at, TARGET `HOST:PORT`; behind
 * one of UDP `,policy=NAME`.
 */
function readForward(text: string): ForwardOptions {
	const [, protocol, local = '', target = '', word] =
		/^([a-z]+):([^=]+)=([^=,]+)(?:,(.*))?$/s.exec(text) ?? [];
	const known = PROTOCOLS.find((one) => one === protocol);
	if (known === undefined) throw new ValueError(EXPECTED, quoteText(text));
	const listen = readListenAddress(local);
	const policy = word === undefined ? undefined : readPolicyWord(word, text);
	if (known === 'tcp' && policy !== undefined) {
		throw new ValueError('a forward with a policy: policies are for UDP alone', quoteText(text));
	}
	return {protocol: known, listen, target: readHostAndPort(target), policy};
}

function readPolicyWord(word: string, whole: string): string {
	const [, name = ''] = /^policy=(.+)$/s.exec(word) ?? [];
	if (name !== '') return name;
	throw new ValueError('a forward with ,policy=NAME behind it', quoteText(whole));
}

/** `HOST:PORT`, IPv6 in brackets. */
export function readHostAndPort(text: string): HostPort {
	const [, host = '', port = ''] = /^(\[[^\]]*\]|[^:[\]]*):([0-9]+)$/.exec(text) ?? [];
	const six = host.startsWith('[') ? host.slice(1, -1) : '';
	// A zone means something on one machine only, and the target is another one's.
	if (host === '' || (host.startsWith('[') && (!isIPv6(six) || six.includes('%')))) {
		throw new ValueError('HOST:PORT ([ADDR]:PORT for IPv6)', quoteText(text));
	}
	return {host: readHost(host), port: readPort(port)};
}

/** Forwards as flags and files have them. */
export const FORWARDS: Type<Located<readonly ForwardOptions[]>> = located(
	many(quoted(readForward, {pattern: '^(udp|tcp):[^=]+=[^=,]+:[0-9]+(,policy=.+)?$'})),
);

/**
 * Reports all that forwards cannot go with; two on one port are a mistake of the user, not of the
 * machine.
 */
export function checkForwards(
	settings: Located<readonly ForwardOptions[]> | undefined,
	{
		keyless,
		encrypt,
		open,
	}: {readonly keyless: boolean; readonly encrypt: boolean; readonly open: boolean},
	problems: ProblemList,
): readonly ForwardOptions[] {
	if (settings === undefined) return [];
	const {where, field, value: forwards} = settings;
	const report = (reason: string) => problems.add(where, field, reason);
	if (keyless) report('forwards need a key at both ends: see mptunnel keygen');
	if (!encrypt) report('forwards need encryption: they cannot go with MPTUNNEL_ENCRYPT=0');
	const beyond = forwards.find(({listen}) => !isLocal(listen));
	if (beyond !== undefined && !open) {
		report(
			`anybody who can reach ${beyond.listen.host} could use the forward there: ` +
				'listen on 127.0.0.1 or ::1, or say --forward-open',
		);
	}
	const places = forwards.flatMap(({protocol, listen}) =>
		addressesOf(listen).map((address) => `${address} ${protocol} port ${listen.port}`),
	);
	const twice = places.find((place, index) => places.indexOf(place) !== index);
	if (twice !== undefined) report(`two forwards listen on ${twice}`);
	return forwards;
}
