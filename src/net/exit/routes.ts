import type {Millis} from '../../bytes/time.ts';
import type {ReceivedTarget} from '../../core/received-target.ts';
import type {RemoteAddress} from '../../core/remote-address.ts';
import type {ExitPolicy, UserRules} from '../../exit/policy.ts';
import {formatTarget, ipTarget, namedTarget} from '../../socks/target.ts';
import {hostName} from '../../text/host-name.ts';
import {type IpFamily, sameAddress, unmap} from '../../text/ip.ts';
import {TargetKind} from '../../wire/address.ts';
import {RefusalCode} from '../../wire/constants.ts';
import type {NameAnswer} from '../names/names.ts';

/** Time for which the address of a name stays in use. */
const STICKY: Millis = 60_000;

/** Delay until a name without addresses is looked up again. */
const RETRY: Millis = 5000;

/** Datagrams that wait for the addresses of one target, the newest. */
const WAITING_PER_TARGET = 4;

/** A target of one flow, and how it is reached. */
export interface Route {
	readonly reference: number;
	readonly port: number;
	/** `host:port` for a log: the user's text, unescaped. */
	readonly text: string;
	/** The name in the spelling that it is looked up by; '' for an address. */
	readonly name: string;
	/** True when the source of answers is written otherwise: a name, an IPv4 address in IPv6. */
	readonly isAlias: boolean;
	/** Candidates: the address itself or those of the name, best first. */
	addresses: readonly Uint8Array[];
	/** For which state of the rules and of the flow this was decided. */
	decided: number;
	/** The address in use, 4 or 16 bytes and never a mapped one. */
	address: Uint8Array | undefined;
	/** The same on the flow's socket; undefined before the first datagram. */
	remote: RemoteAddress | undefined;
	/** Reason why there is none, one of RefusalCode; 0: there is one. */
	refusal: number;
	/** The same in words for a log. */
	reason: string;
	/** True for a name that is not even looked up. */
	readonly barred: boolean;
	/** Time at which the name is to be looked up (again). */
	lookUpAt: Millis;
	lookingUp: boolean;
	waiting: Uint8Array[];
	/** Time of the last refusal sent to the client. */
	refusedAt: Millis;
}

/** A new route, not decided yet. */
export function routeOf(
	target: ReceivedTarget,
	policy: ExitPolicy,
	rules?: UserRules | undefined,
): Route {
	const {kind, host, port} = target.target;
	const parsed =
		kind === TargetKind.DOMAIN
			? namedTarget(Buffer.from(host).toString('latin1'), port)
			: ipTarget(host, port);
	const route = {
		reference: target.reference,
		port,
		text: parsed === undefined ? 'no host name' : formatTarget(parsed),
		name: '',
		isAlias: kind === TargetKind.DOMAIN || unmap(host).length !== host.length,
		addresses: [] as readonly Uint8Array[],
		decided: -1,
		address: undefined,
		remote: undefined,
		refusal: 0,
		reason: '',
		barred: false,
		lookUpAt: Number.NEGATIVE_INFINITY,
		lookingUp: false,
		waiting: [],
		refusedAt: Number.NEGATIVE_INFINITY,
	};
	if (parsed !== undefined && parsed.kind !== 'domain') {
		return {...route, addresses: [parsed.address]};
	}
	const name = parsed === undefined ? undefined : hostName(parsed.name);
	if (name === undefined) {
		const refused = {refusal: RefusalCode.UNRESOLVABLE, reason: 'not a host name'};
		return {...route, ...refused, barred: true};
	}
	const denied = policy.checkName(name, port, rules);
	if (denied === undefined) return {...route, name};
	return {...route, name, refusal: RefusalCode.DENIED, reason: denied.detail, barred: true};
}

/**
 * Chooses the address that a route uses: the one in use while it is among those of the name and
 * allowed, else the first that is allowed; those of the family `avoid` only where there is no
 * other.
 */
export function decide(
	route: Route,
	policy: ExitPolicy,
	rules: UserRules | undefined,
	avoid: IpFamily | undefined,
): void {
	if (route.barred) return;
	const {address: former, addresses, port} = route;
	const ordered = [
		...addresses.filter((one) => former !== undefined && sameAddress(one, former)),
		...addresses,
	];
	if (avoid !== undefined) {
		ordered.sort((a, b) => Number(familyOfBytes(a) === avoid) - Number(familyOfBytes(b) === avoid));
	}
	let denied: string | undefined;
	for (const address of ordered) {
		const refusal = policy.check('udp', address, port, rules);
		if (refusal === undefined) {
			use(route, unmap(address));
			return;
		}
		denied ??= refusal.detail;
	}
	route.address = undefined;
	route.remote = undefined;
	if (denied === undefined) route.refusal = RefusalCode.UNRESOLVABLE;
	else {
		route.refusal = RefusalCode.DENIED;
		route.reason = denied;
	}
}

function use(route: Route, address: Uint8Array): void {
	if (route.address === undefined || !sameAddress(route.address, address)) {
		route.remote = undefined;
	}
	route.address = address;
	route.refusal = 0;
	route.reason = '';
}

/** Takes the answer of a lookup; a name that had addresses keeps them when there is no answer. */
export function learn(route: Route, answer: NameAnswer, now: Millis): void {
	route.lookingUp = false;
	route.decided = -1;
	if (answer.failure === undefined) {
		route.addresses = answer.addresses;
		route.lookUpAt = now + STICKY;
		return;
	}
	route.lookUpAt = now + RETRY;
	if (route.addresses.length === 0) route.reason = answer.failure.detail;
}

/** True when a name has to be looked up now; not while its address answers, so that it stays. */
export function isDue(route: Route, receivedAt: Millis, now: Millis): boolean {
	if (route.name === '' || route.barred || route.lookingUp || now < route.lookUpAt) return false;
	return route.address === undefined || now - receivedAt >= STICKY;
}

/** IP version of an address of 4 or 16 bytes. */
export function familyOfBytes(address: Uint8Array): IpFamily {
	return address.length === 4 ? 4 : 6;
}

/** Datagrams that wait for names, bounded for each target and all together. */
export class WaitingDatagrams {
	/** Those that waited in vain. */
	lost = 0;
	readonly #limit: number;
	#bytes = 0;

	constructor(limit: number) {
		this.#limit = limit;
	}

	/** Keeps a datagram, which must not change any more; the oldest of the target makes room. */
	push(route: Route, datagram: Uint8Array): void {
		if (route.waiting.length >= WAITING_PER_TARGET) {
			this.#bytes -= route.waiting.shift()?.length ?? 0;
			this.lost++;
		}
		if (this.#bytes + datagram.length > this.#limit) {
			this.lost++;
			return;
		}
		this.#bytes += datagram.length;
		route.waiting.push(datagram);
	}

	/** Hands out what waits for a target. */
	take(route: Route): readonly Uint8Array[] {
		const {waiting} = route;
		for (const datagram of waiting) this.#bytes -= datagram.length;
		route.waiting = [];
		return waiting;
	}

	/** Forgets what waits for a target. */
	forget(route: Route): void {
		this.lost += this.take(route).length;
	}
}
