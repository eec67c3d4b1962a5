import type {Socket} from 'node:net';
import {Cursor} from '../../bytes/cursor.ts';
import type {Millis} from '../../bytes/time.ts';
import type {StreamOwner, TunnelStream} from '../../core/tunnel-stream.ts';
import type {ExitPolicy, UserRules} from '../../exit/policy.ts';
import {
	encodeTarget,
	formatTarget,
	ipTarget,
	namedTarget,
	type SocksTarget,
} from '../../socks/target.ts';
import {hostName} from '../../text/host-name.ts';
import {parseIp, unmap} from '../../text/ip.ts';
import {decodeHostTarget, TargetKind} from '../../wire/address.ts';
import {RefusalCode, StreamCode} from '../../wire/constants.ts';
import type {NameAnswer} from '../names/names.ts';
import {type RaceClock, TcpRace} from '../tcp/race.ts';
import {StreamPipe} from '../tcp/stream-pipe.ts';
import type {SocketBudget} from '../udp/socket-budget.ts';

/** From the client's request to the connection. */
const CONNECT_LIMIT: Millis = 20_000;

/** Inputs of a server's streams. */
export interface ExitStreamInit {
	readonly policy: ExitPolicy;
	/** The rules of one user beside the server's. `undefined`: it has none. */
	readonly rulesOf: (user: string) => UserRules | undefined;
	/** True when a user may choose targets at all. */
	readonly mayChoose: (user: string) => boolean;
	/** Finds the addresses of a name for a user; never rejects. */
	readonly resolve: (user: string, name: string) => Promise<NameAnswer>;
	/** Limit of open sockets. */
	readonly budget: SocketBudget;
	/** Begins a connection to an IP literal. */
	readonly open: (host: string, port: number) => Socket;
	readonly clock: RaceClock;
	/** Called when streams were changed. */
	readonly changed: () => void;
}

/** Events of a stream, for its owner. */
interface ExitStreamEvents {
	/** Its target cannot be had: one of RefusalCode, `host:port`, and more words. */
	refused(user: string, code: number, target: string, reason: string): void;
	closed(stream: ExitStream): void;
}

/** A stream at the server and the connection that is made for it. */
export class ExitStream implements StreamOwner {
	readonly #stream: TunnelStream;
	readonly #init: ExitStreamInit;
	readonly #events: ExitStreamEvents;
	#text = '?';
	#race: TcpRace | undefined;
	#pipe: StreamPipe | undefined;
	#cancelLimit: () => void = () => {};
	#ended = false;

	constructor(stream: TunnelStream, init: ExitStreamInit, events: ExitStreamEvents) {
		this.#stream = stream;
		this.#init = init;
		this.#events = events;
	}

	/** Begins to connect; the outcome is reported through the stream and the events. */
	start(): void {
		const {clock, mayChoose} = this.#init;
		this.#stream.owner = this;
		const target = targetOf(this.#stream.target);
		if (target === undefined) {
			this.#refuse(RefusalCode.UNRESOLVABLE, 'not a host name');
			return;
		}
		this.#text = formatTarget(target);
		if (!mayChoose(this.#stream.user)) {
			this.#refuse(RefusalCode.NO_TARGET, 'this user may not choose targets');
			return;
		}
		this.#cancelLimit = clock.after(CONNECT_LIMIT, () => {
			this.#refuse(RefusalCode.TIMED_OUT, 'no answer');
		});
		if (target.kind === 'domain') void this.#lookUp(target.name, target.port);
		else this.#connect([target.address], target.port);
	}

	streamChanged(): void {
		if (this.#pipe !== undefined) this.#pipe.streamChanged();
		else if (this.#stream.state === 'closed') this.#end();
	}

	handleTimeout(now: Millis): void {
		this.#pipe?.handleTimeout(now);
	}

	/** Ends it at once; the target sees a reset. */
	abort(): void {
		if (this.#pipe !== undefined) this.#pipe.abort(StreamCode.STOPPED);
		else this.#end();
	}

	async #lookUp(text: string, port: number): Promise<void> {
		const {policy, rulesOf, resolve} = this.#init;
		const {user} = this.#stream;
		const name = hostName(text);
		if (name === undefined) {
			this.#refuse(RefusalCode.UNRESOLVABLE, 'not a host name');
			return;
		}
		const denied = policy.checkName(name, port, rulesOf(user));
		if (denied !== undefined) {
			this.#refuse(RefusalCode.DENIED, denied.detail);
			return;
		}
		const {addresses, failure} = await resolve(user, name);
		if (this.#ended) return;
		if (failure === undefined) this.#connect(addresses, port);
		else this.#refuse(RefusalCode.UNRESOLVABLE, failure.detail);
	}

	#connect(addresses: readonly Uint8Array[], port: number): void {
		const {policy, rulesOf, budget, open, clock} = this.#init;
		const rules = rulesOf(this.#stream.user);
		const allowed: Uint8Array[] = [];
		let denied = '';
		for (const address of addresses.map(unmap)) {
			const refusal = policy.check('tcp', address, port, rules);
			if (refusal === undefined) allowed.push(address);
			else denied ||= refusal.detail;
		}
		if (allowed.length === 0) {
			const code = denied === '' ? RefusalCode.UNRESOLVABLE : RefusalCode.DENIED;
			this.#refuse(code, denied || 'the name has no address');
			return;
		}
		const done = (outcome: Socket | number) => this.#connected(outcome);
		const rejects = (socket: Socket) => this.#rejects(socket);
		const account = budget.of(this.#stream.user);
		this.#race = new TcpRace({addresses: allowed, port, account, open, clock, rejects, done});
		this.#race.start();
	}

	// Whatever the system answered before: a connection with oneself never leaves the machine.
	#rejects({localAddress = '', remoteAddress = '', remotePort = 0}: Socket): string | undefined {
		if (localAddress !== remoteAddress) return undefined;
		const address = parseIp(remoteAddress.split('%')[0] ?? '');
		const isOpen = address !== undefined && this.#init.policy.opens(address, remotePort);
		return isOpen ? undefined : 'EACCES';
	}

	#connected(outcome: Socket | number): void {
		if (typeof outcome === 'number') {
			this.#refuse(outcome, 'reported by the system');
			return;
		}
		this.#cancelLimit();
		const stream = this.#stream;
		const {changed} = this.#init;
		stream.accept(boundOf(outcome));
		const closed = () => this.#end();
		this.#pipe = new StreamPipe({socket: outcome, stream, changed, closed});
		this.#pipe.begin();
		changed();
	}

	#refuse(code: number, reason: string): void {
		if (this.#ended) return;
		const stream = this.#stream;
		this.#events.refused(stream.user, code, this.#text, reason);
		stream.reject(code);
		this.#end();
		this.#init.changed();
	}

	#end(): void {
		if (this.#ended) return;
		this.#ended = true;
		this.#cancelLimit();
		this.#race?.stop();
		this.#events.closed(this);
	}
}

/** Decodes the requested target. `undefined`: it makes no sense. */
function targetOf(encoded: Uint8Array): SocksTarget | undefined {
	const cursor = new Cursor();
	cursor.reset(encoded, 0, encoded.length);
	const target = decodeHostTarget(cursor);
	if (target === undefined) return undefined;
	const {kind, host, port} = target;
	if (kind !== TargetKind.DOMAIN) return ipTarget(host, port);
	return namedTarget(Buffer.from(host).toString('latin1'), port);
}

/** The local end of a connection as a reply to CONNECT carries it. */
function boundOf({localAddress = '', localPort = 0}: Socket): Uint8Array {
	const address = parseIp(localAddress.split('%')[0] ?? '') ?? new Uint8Array(4);
	return encodeTarget(ipTarget(address, localPort));
}
