import type {ExecutionContext} from 'ava';
import type {ReceivedTarget} from '../../../src/core/received-target.ts';
import {ExitPolicy} from '../../../src/exit/policy.ts';
import {parseRule, RuleSet} from '../../../src/exit/rules.ts';
import {ExitSockets, type ExitSocketsInit} from '../../../src/net/exit/sockets.ts';
import type {NameAnswer} from '../../../src/net/names/names.ts';
import {DgramBackEnd} from '../../../src/net/udp/dgram-socket.ts';
import type {SocketBudget} from '../../../src/net/udp/socket-budget.ts';
import {formatTarget, ipTarget} from '../../../src/socks/target.ts';
import {parseIp} from '../../../src/text/ip.ts';
import {type HostTarget, TargetKind} from '../../../src/wire/address.ts';
import {FakeReporter} from '../fakes/fake-reporter.ts';
import {socketBudget} from './socket-budget.ts';

/** A list of rules. */
export function rules(...texts: readonly string[]): RuleSet {
	return new RuleSet(texts.map(parseRule));
}

/** The bytes of an address. */
export function ip(text: string): Uint8Array {
	const bytes = parseIp(text);
	if (bytes === undefined) throw new TypeError(`not an address: ${text}`);
	return bytes;
}

/** A target as the core hands it on; `host` is a name or an address. */
export function target(reference: number, host: string, port: number): ReceivedTarget {
	const address = parseIp(host);
	const bytes = address ?? new TextEncoder().encode(host);
	const kinds = {4: TargetKind.IPV4, 16: TargetKind.IPV6} as const;
	const kind = address === undefined ? TargetKind.DOMAIN : kinds[address.length as 4 | 16];
	return received(reference, {kind, host: bytes, port, encoded: bytes});
}

/** A name as target, also one that looks like an address. */
export function named(reference: number, name: string, port: number): ReceivedTarget {
	const host = new TextEncoder().encode(name);
	return received(reference, {kind: TargetKind.DOMAIN, host, port, encoded: host});
}

function received(reference: number, to: HostTarget): ReceivedTarget {
	const address = to.encoded;
	return {reference, target: to, only: false, used: 0, lane: 0, address, confirmed: 0};
}

/** An answer of a lookup. */
export function found(...addresses: readonly string[]): NameAnswer {
	return {addresses: addresses.map(ip), failure: undefined};
}

/** A lookup that failed. */
export const NOT_FOUND: NameAnswer = {
	addresses: [],
	failure: {code: 'unknown', detail: 'the name is not known'},
};

function sourceText(encoded: Uint8Array): string {
	const port = (encoded.at(-2)! << 8) | encoded.at(-1)!;
	const text = formatTarget(ipTarget(encoded.slice(1, -2), port));
	return `${encoded[0]} ${text}`;
}

/** Exit sockets with a clock of their own and everything that they tell. */
export class ExitSetUp {
	readonly reporter: FakeReporter = new FakeReporter();
	/** `flow kind source text`. */
	readonly answers: string[] = [];
	/** `flow reference code`. */
	readonly refused: string[] = [];
	/** `flow reference address`. */
	readonly reached: string[] = [];
	/** `user name` of every lookup. */
	readonly lookups: string[] = [];
	readonly budget: SocketBudget;
	readonly sockets: ExitSockets;
	now = 0;
	/** What lookups give. */
	resolve: (name: string) => NameAnswer | Promise<NameAnswer> = () => NOT_FOUND;

	constructor(t: ExecutionContext, init: Partial<ExitSocketsInit> = {}) {
		this.budget = init.budget ?? socketBudget(100);
		this.sockets = new ExitSockets({
			policy: new ExitPolicy({allow: rules('127.0.0.0/8', '::1')}),
			budget: this.budget,
			resolve: async (user, name) => {
				this.lookups.push(`${user} ${name}`);
				return this.resolve(name);
			},
			userOf: () => 'ann',
			backEnd: new DgramBackEnd(),
			reporter: this.reporter,
			now: () => this.now,
			events: {
				answered: (flow, batch, sources) => {
					for (const [i, source] of sources.slice(0, batch.count).entries()) {
						if (source === undefined) continue;
						const start = batch.offsets[i]!;
						const bytes = batch.arena.subarray(start, start + batch.lengths[i]!);
						this.answers.push(`${flow} ${sourceText(source)} ${Buffer.from(bytes)}`);
					}
				},
				refused: (flow, reference, code) => this.refused.push(`${flow} ${reference} ${code}`),
				reached: (flow, reference, address) =>
					this.reached.push(`${flow} ${reference} ${sourceText(address)}`),
			},
			...init,
		});
		t.teardown(() => this.sockets.close());
	}

	send(flow: number, to: ReceivedTarget, text: string): void {
		this.sockets.send(flow, to, Buffer.from(text), 0, text.length);
		this.sockets.flush();
	}
}
