import {Buffer} from 'node:buffer';
import {Prng} from '../../src/sim/prng.ts';
import {Negotiation} from '../../src/socks/negotiation.ts';
import {decodeUdpHeader, emptyUdpHeader, targetOf} from '../../src/socks/udp-header.ts';
import {Mutator} from './mutator.ts';
import type {FuzzTarget, MakeTarget} from './target.ts';

const bytesOf = (hex: string) => Uint8Array.from(Buffer.from(hex, 'hex'));

/** Whole conversations of SOCKS5 clients, and of others. */
const TALKS = [
	'050100' + '05010001c0000207003505',
	'050100' + '0503000000000000' + '0000',
	'05020002' + '0501000309' + '6c6f63616c686f7374' + '0050' + '474554',
	'050102' + '010161' + '0162' + '050100040000000000000000000000000000000100500a',
	'050100' + '05020001c00002070035',
	'0401005001020304' + '6100',
	'474554202f20485454502f312e310d0a0d0a',
].map(bytesOf);

const DATAGRAMS = [
	'00000001c00002070035' + '6869',
	'0000000309' + '6c6f63616c686f7374' + '0035' + '6869',
	'000000040000000000000000000000000000000100356869',
	'00000101c000020700356869',
].map(bytesOf);

/** The SOCKS5 front without its sockets: streams in pieces of any size, and headers of datagrams. */
class FrontTarget implements FuzzTarget {
	readonly name = 'front';
	trail: string[] = [];
	readonly #random: Prng;
	readonly #mutator: Mutator;

	constructor(seed: string) {
		this.#random = new Prng(`front ${seed}`);
		this.#mutator = new Mutator(this.#random);
	}

	step(): void {
		if (this.#random.integer(2) === 0) this.#talk();
		else this.#datagram();
	}

	#talk(): void {
		const talk = this.#mutator.pick(TALKS);
		const bytes =
			this.#random.integer(10) === 0
				? this.#mutator.bytes(600)
				: this.#mutator.mutate(talk, this.#mutator.pick(TALKS));
		this.trail = [Buffer.from(bytes).toString('hex')];
		const verify = this.#random.integer(2) === 0 ? () => true : undefined;
		const negotiation = new Negotiation({verify, authReplyVersion: 1}, 0);
		let answered = 0;
		for (let at = 0; at < bytes.length && !negotiation.done; ) {
			const end = Math.min(bytes.length, at + 1 + this.#random.integer(20));
			negotiation.feed(bytes.slice(at, end), 1);
			at = end;
			for (let output = negotiation.poll(); output; output = negotiation.poll()) {
				if (output.kind === 'reply') answered += output.bytes.length;
			}
		}
		// A greeting, a login and a request have one answer each.
		if (answered > 2 + 2 + 22) throw new Error(`${answered} bytes of answers`);
		negotiation.handleTimeout(1e6);
		if (!negotiation.done) throw new Error('not done after its deadline');
	}

	#datagram(): void {
		const {pick, mutate} = this.#bound;
		const bytes = mutate(pick(DATAGRAMS), pick(DATAGRAMS));
		this.trail = [Buffer.from(bytes).toString('hex')];
		const header = emptyUdpHeader();
		if (decodeUdpHeader(bytes, 0, bytes.length, header)) targetOf(bytes, header);
	}

	get #bound() {
		const mutator = this.#mutator;
		return {
			pick: <T>(entries: readonly T[]) => mutator.pick(entries),
			mutate: (a: Uint8Array, b: Uint8Array) => mutator.mutate(a, b),
		};
	}

	finish(): void {}
}

/** The SOCKS5 front. */
export const front: MakeTarget = (seed) => new FrontTarget(seed);
