import {multiply} from './field.ts';
import {FIRST_FREE, type Kernel, MAX_TERMS} from './kernel.ts';

/** All products, by 256 * a + b: 64 KiB, made when first needed. */
let products: Uint8Array | undefined;

function allProducts(): Uint8Array {
	if (products !== undefined) return products;
	products = new Uint8Array(65_536);
	for (let a = 0; a < 256; a++) {
		for (let b = 0; b < 256; b++) products[256 * a + b] = multiply(a, b);
	}
	return products;
}

/** The kernel by tables, byte for byte: where there is no WebAssembly with SIMD. */
export class TableKernel implements Kernel {
	bytes: Uint8Array = new Uint8Array(FIRST_FREE);
	readonly #products = allProducts();
	readonly #terms = new Uint32Array(3 * MAX_TERMS);

	reserve(size: number): void {
		if (size <= this.bytes.length) return;
		const larger = new Uint8Array(size);
		larger.set(this.bytes);
		this.bytes = larger;
	}

	addScaled(target: number, source: number, length: number, coefficient: number): void {
		const {bytes} = this;
		const table = this.#products;
		const row = 256 * coefficient;
		for (let i = 0; i < length; i++) {
			bytes[target + i]! ^= table[row + bytes[source + i]!]!;
		}
	}

	scale(target: number, length: number, coefficient: number): void {
		const {bytes} = this;
		const row = 256 * coefficient;
		for (let i = 0; i < length; i++) bytes[target + i] = this.#products[row + bytes[target + i]!]!;
	}

	setTerm(index: number, source: number, length: number, coefficient: number): void {
		const terms = this.#terms;
		terms[3 * index] = source;
		terms[3 * index + 1] = length;
		terms[3 * index + 2] = coefficient;
	}

	addTerms(target: number, count: number): void {
		const terms = this.#terms;
		for (let i = 0; i < 3 * count; i += 3) {
			this.addScaled(target, terms[i]!, terms[i + 1]!, terms[i + 2]!);
		}
	}
}
