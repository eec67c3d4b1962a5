import type {Kernel, SystemCalls} from '../../../src/net/udp/batch/kernel.ts';

/** A message as sendmmsg got it. */
export interface SentMessage {
	/** Of the address; empty = where the socket is connected to. */
	readonly name: Uint8Array;
	readonly spans: readonly Uint8Array[];
	/** UDP_SEGMENT; undefined = no control data. */
	readonly segment: number | undefined;
}

/** A message that recvmmsg is to give. */
export interface ComingMessage {
	readonly bytes: Uint8Array;
	readonly name: Uint8Array;
	readonly flags?: number;
	/** Level, type, data of each control message. */
	readonly control?: readonly (readonly [number, number, Uint8Array])[];
}

const CALLS: SystemCalls = {
	close: 1,
	socket: 2,
	connect: 3,
	bind: 4,
	getsockname: 5,
	setsockopt: 6,
	epollCtl: 7,
	epollPwait: 8,
	epollCreate1: 9,
	recvmmsg: 10,
	sendmmsg: 11,
	read: 12,
	write: 13,
	getsockopt: 14,
};

/** Between two pieces of memory; above 2^32, so that both halves of a pointer matter. */
const APART = 0x1_1000_0000;

/**
 * A kernel that reads and writes the structures of recvmmsg and sendmmsg by the offsets of Linux'
 * headers, at addresses that it gives out itself.
 */
export class FakeKernel implements Kernel {
	readonly calls: SystemCalls = CALLS;
	readonly sent: SentMessage[] = [];
	readonly coming: ComingMessage[] = [];
	/** Results of the next calls of sendmmsg: negative = minus an errno, else the most it takes. */
	readonly results: number[] = [];
	readonly #memory: ArrayBufferLike[] = [];

	addressOf(memory: ArrayBufferLike): number {
		let index = this.#memory.indexOf(memory);
		if (index < 0) index = this.#memory.push(memory) - 1;
		return (index + 1) * APART;
	}

	call(number: number, _a: number, b: number, c: number): number {
		if (number === CALLS.sendmmsg) return this.#send(b, c);
		if (number === CALLS.recvmmsg) return this.#receive(b, c);
		throw new Error(`system call ${number}`);
	}

	#send(vector: number, count: number): number {
		const result = this.results.shift() ?? count;
		if (result < 0) return result;
		const taken = Math.min(result, count);
		for (let i = 0; i < taken; i++) {
			const header = this.#view(vector + i * 64, 64);
			const name = header.getBigUint64(0, true);
			const control = header.getBigUint64(32, true);
			const controlLength = header.getBigUint64(40, true);
			this.sent.push({
				name: name === 0n ? new Uint8Array(0) : this.#bytes(name, header.getUint32(8, true)),
				spans: this.#spans(header),
				segment: controlLength === 0n ? undefined : this.#segment(control, controlLength),
			});
		}
		return taken;
	}

	#spans(header: DataView): readonly Uint8Array[] {
		const at = Number(header.getBigUint64(16, true));
		return Array.from({length: Number(header.getBigUint64(24, true))}, (_, i) => {
			const span = this.#view(at + i * 16, 16);
			return this.#bytes(span.getBigUint64(0, true), Number(span.getBigUint64(8, true)));
		});
	}

	#segment(at: bigint, length: bigint): number {
		const control = this.#view(Number(at), Number(length));
		const [size, level, type] = [
			control.getBigUint64(0, true),
			control.getInt32(8, true),
			control.getInt32(12, true),
		];
		if (size !== 18n || level !== 17 || type !== 103) throw new Error('not UDP_SEGMENT');
		return control.getUint16(16, true);
	}

	#receive(vector: number, count: number): number {
		if (this.coming.length === 0) return -11;
		const messages = this.coming.splice(0, count);
		for (const [i, {bytes, name, flags = 0, control = []}] of messages.entries()) {
			const header = this.#view(vector + i * 64, 64);
			const room = this.#view(Number(header.getBigUint64(16, true)), 16);
			if (Number(room.getBigUint64(8, true)) < bytes.length) throw new Error('no room');
			this.#write(room.getBigUint64(0, true), bytes);
			if (header.getUint32(8, true) < name.length) throw new Error('no room for the name');
			this.#write(header.getBigUint64(0, true), name);
			header.setUint32(8, name.length, true);
			header.setBigUint64(40, this.#writeControl(header, control), true);
			header.setUint32(48, flags, true);
			header.setUint32(56, bytes.length, true);
		}
		return messages.length;
	}

	#writeControl(header: DataView, control: NonNullable<ComingMessage['control']>): bigint {
		const [at, room] = [header.getBigUint64(32, true), header.getBigUint64(40, true)];
		let used = 0;
		for (const [level, type, data] of control) {
			const place = this.#view(Number(at) + used, 16 + data.length);
			place.setBigUint64(0, BigInt(16 + data.length), true);
			place.setInt32(8, level, true);
			place.setInt32(12, type, true);
			this.#write(at + BigInt(used + 16), data);
			used += (16 + data.length + 7) & ~7;
		}
		if (BigInt(used) > room) throw new Error('no room for control data');
		return BigInt(used);
	}

	#view(address: number, length: number): DataView {
		const memory = this.#memory[Math.floor(address / APART) - 1];
		if (memory === undefined) throw new Error(`nothing at ${address}`);
		return new DataView(memory, address % APART, length);
	}

	#bytes(address: bigint, length: number): Uint8Array {
		const view = this.#view(Number(address), length);
		return new Uint8Array(view.buffer, view.byteOffset, length).slice();
	}

	#write(address: bigint, bytes: Uint8Array): void {
		const view = this.#view(Number(address), bytes.length);
		new Uint8Array(view.buffer, view.byteOffset, bytes.length).set(bytes);
	}
}
