import {connect, type Socket} from 'node:net';
import type {Millis} from '../../bytes/time.ts';
import type {TunnelStream} from '../../core/tunnel-stream.ts';
import {RefusalCode} from '../../wire/constants.ts';
import {refusalWord} from '../../wire/refusal.ts';
import type {Reporter} from '../reporter.ts';
import {SweptSet} from '../swept-set.ts';
import {KEEP_ALIVE} from '../tcp/listener.ts';
import type {RaceClock} from '../tcp/race.ts';
import {ExitStream, type ExitStreamInit} from './stream.ts';

const LOG_INTERVAL: Millis = 60_000;

/** Inputs of an exit for streams. */
export interface StreamExitInit extends Omit<ExitStreamInit, 'open' | 'clock'> {
	readonly reporter: Reporter;
	readonly now: () => Millis;
	/** Begins a connection; the system's except in tests. */
	readonly open?: ExitStreamInit['open'];
	readonly clock?: RaceClock;
}

const SYSTEM_CLOCK: RaceClock = {
	after: (delay, run) => {
		const timer = setTimeout(run, delay);
		return () => clearTimeout(timer);
	},
};

/** The connections that the server makes for the streams of its clients. */
export class StreamExit {
	readonly #init: ExitStreamInit;
	readonly #reporter: Reporter;
	readonly #streams: SweptSet<ExitStream>;
	readonly #refusals = new Map<string, number>();

	constructor(init: StreamExitInit) {
		this.#init = {open: openSocket, clock: SYSTEM_CLOCK, ...init};
		this.#reporter = init.reporter;
		this.#streams = new SweptSet(init.now);
	}

	/** Streams that have a connection or are about to get one. */
	get size(): number {
		return this.#streams.size;
	}

	/** Streams that were refused, by reason. */
	get drops(): Readonly<Record<string, number>> {
		return Object.fromEntries(this.#refusals);
	}

	/** Connects a new stream. */
	open(stream: TunnelStream): void {
		const one = new ExitStream(stream, this.#init, {
			refused: (user, code, target, reason) => this.#refused(user, code, target, reason),
			closed: (closed) => this.#streams.delete(closed),
		});
		this.#streams.add(one);
		one.start();
	}

	/** Lets time pass for all of them; harmless when early. */
	handleTimeout(now: Millis): void {
		this.#streams.handleTimeout(now);
	}

	/** Ends all of them at once. */
	close(): void {
		for (const stream of this.#streams.take()) stream.abort();
	}

	#refused(user: string, code: number, target: string, reason: string): void {
		const word = refusalWord(code, 'stream');
		const counter = `stream-${word}`;
		this.#refusals.set(counter, (this.#refusals.get(counter) ?? 0) + 1);
		const limited = (message: string) => this.#reporter.limited(`${message} ${user}`, LOG_INTERVAL);
		switch (code) {
			case RefusalCode.DENIED:
			case RefusalCode.NO_TARGET:
				limited('a target is denied').info('a target is denied', {user, target, reason});
				break;
			case RefusalCode.UNRESOLVABLE: {
				const message = 'a target cannot be resolved';
				limited(message).info(message, {user, target, reason});
				break;
			}
			case RefusalCode.DESCRIPTORS:
				this.#init.budget.of(user).report();
				break;
			default:
				this.#reporter
					.limited(`cannot be reached ${user} ${word}`, LOG_INTERVAL)
					.info('a target cannot be reached', {user, target, reason: word});
		}
	}
}

// Names are resolved before, and every address was checked: nothing is looked up here.
function openSocket(host: string, port: number): Socket {
	return connect({
		host,
		port,
		allowHalfOpen: true,
		noDelay: true,
		keepAlive: true,
		keepAliveInitialDelay: KEEP_ALIVE,
		autoSelectFamily: false,
	});
}
