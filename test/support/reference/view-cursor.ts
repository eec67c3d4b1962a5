/** The slow twin of `Cursor`: every read through a DataView over exactly the span. */
export class ViewCursor {
	readonly #view: DataView;
	position = 0;
	failed = false;

	constructor(span: Uint8Array) {
		this.#view = new DataView(span.buffer, span.byteOffset, span.length);
	}

	get remaining(): number {
		return this.#view.byteLength - this.position;
	}

	#read(length: number, read: (at: number) => number): number {
		if (this.failed || this.remaining < length) {
			this.failed = true;
			return 0;
		}
		this.position += length;
		return read(this.position - length);
	}

	uint8(): number {
		return this.#read(1, (at) => this.#view.getUint8(at));
	}

	uint16(): number {
		return this.#read(2, (at) => this.#view.getUint16(at));
	}

	uint32(): number {
		return this.#read(4, (at) => this.#view.getUint32(at));
	}

	uint48(): number {
		return this.#read(6, (at) =>
			Number((BigInt(this.#view.getUint16(at)) << 32n) | BigInt(this.#view.getUint32(at + 2))),
		);
	}

	varint(): number {
		if (this.failed || this.remaining === 0) {
			this.failed = true;
			return 0;
		}
		const length = 1 << (this.#view.getUint8(this.position) >> 6);
		if (length === 8) {
			this.failed = true;
			return 0;
		}
		return this.#read(length, (at) => {
			let value = 0n;
			for (let i = 0; i < length; i++) value = value * 256n + BigInt(this.#view.getUint8(at + i));
			return Number(value % (1n << BigInt(8 * length - 2)));
		});
	}

	copy(length: number): Uint8Array {
		if (this.failed || this.remaining < length) {
			this.failed = true;
			return new Uint8Array(0);
		}
		this.position += length;
		const from = this.position - length;
		return Uint8Array.from({length}, (_, index) => this.#view.getUint8(from + index));
	}
}
