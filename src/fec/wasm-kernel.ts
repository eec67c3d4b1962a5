import {multiply} from './field.ts';
import type {Kernel} from './kernel.ts';
import {TableKernel} from './table-kernel.ts';

/** Bytes of kernel.wat, compiled; a test compares them. */
export const KERNEL_WASM: string = [
	'AGFzbQEAAAABGgRgA3t7ewF7YAR/f39/AGADf39/AGACf38AAg8BA2VudgZtZW1vcnkCAAEDBQQAAQIDByADCWFkZFNj',
	'YWxlZAABBXNjYWxlAAIIYWRkVGVybXMAAwqwAwQoACABIAD9DA8PDw8PDw8PDw8PDw8PDw/9Tv0OIAIgAEEE/W39Dv1R',
	'C/gBAgR7AX9BD/0PIQYgA0EFdP0ABAAhBCADQQV0/QAEECEFIAEgAmohCAJAA0AgASAITw0BIAH9AAQAIQcgACAA/QAE',
	'ACAEIAcgBv1O/Q4gBSAHQQT9bf0O/VH9Uf0LBAAgAf0ABBAhByAAIAD9AAQQIAQgByAG/U79DiAFIAdBBP1t/Q79Uf1R',
	'/QsEECAB/QAEICEHIAAgAP0ABCAgBCAHIAb9Tv0OIAUgB0EE/W39Dv1R/VH9CwQgIAH9AAQwIQcgACAA/QAEMCAEIAcg',
	'Bv1O/Q4gBSAHQQT9bf0O/VH9Uf0LBDAgAEHAAGohACABQcAAaiEBDAALCwtLAgJ7AX8gAkEFdP0ABAAhAyACQQV0/QAE',
	'ECEEIAAgAWohBQJAA0AgACAFTw0BIAAgAP0ABAAgAyAEEAD9CwQAIABBEGohAAwACwsLPwECf0GAwAAhAkGAwAAgAUEM',
	'bGohAwJAA0AgAiADTw0BIAAgAigCACACKAIEIAIoAggQASACQQxqIQIMAAsLCw==',
].join('');

/** Bytes of a page of WebAssembly's memory. */
const PAGE = 65_536;
/** Position of the terms of a sum, as kernel.wat has it. */
const TERMS = 8192;
const TERM_LENGTH = 12;

// The little of the WebAssembly interface that is used: it is no part of TypeScript's es2023.
interface WasmMemory {
	readonly buffer: ArrayBuffer;
	grow(pages: number): number;
}

interface WasmInterface {
	readonly Memory: new (limits: {readonly initial: number}) => WasmMemory;
	readonly Module: new (bytes: Uint8Array) => object;
	readonly Instance: new (
		module: object,
		imports: {readonly env: {readonly memory: WasmMemory}},
	) => {readonly exports: unknown};
	validate(bytes: Uint8Array): boolean;
}

interface KernelExports {
	addScaled(target: number, source: number, length: number, coefficient: number): void;
	scale(target: number, length: number, coefficient: number): void;
	addTerms(target: number, count: number): void;
}

interface Wasm {
	readonly memory: WasmMemory;
	readonly exports: KernelExports;
}

/** `undefined`: no WebAssembly here, none with SIMD, or no address space for a memory. */
function load(): Wasm | undefined {
	const {WebAssembly: wasm} = globalThis as {WebAssembly?: WasmInterface};
	const code = Uint8Array.from(atob(KERNEL_WASM), (character) => character.charCodeAt(0));
	if (wasm?.validate(code) !== true) return undefined;
	try {
		const memory = new wasm.Memory({initial: 1});
		const instance = new wasm.Instance(new wasm.Module(code), {env: {memory}});
		return {memory, exports: instance.exports as KernelExports};
	} catch {
		// Each memory reserves some 10 GiB of addresses, which `ulimit -v` may forbid.
		return undefined;
	}
}

/** The kernel in WebAssembly with SIMD: 16 bytes an instruction. */
class WasmKernel implements Kernel {
	readonly #memory: WasmMemory;
	readonly #exports: KernelExports;
	#bytes: Uint8Array;
	#view: DataView;

	constructor({memory, exports}: Wasm) {
		this.#memory = memory;
		this.#exports = exports;
		this.#bytes = new Uint8Array(memory.buffer);
		this.#view = new DataView(memory.buffer);
		for (let coefficient = 0; coefficient < 256; coefficient++) {
			for (let half = 0; half < 16; half++) {
				this.#bytes[32 * coefficient + half] = multiply(coefficient, half);
				this.#bytes[32 * coefficient + 16 + half] = multiply(coefficient, half << 4);
			}
		}
	}

	get bytes(): Uint8Array {
		return this.#bytes;
	}

	reserve(size: number): void {
		const missing = size - this.#bytes.length;
		if (missing <= 0) return;
		this.#memory.grow(Math.ceil(missing / PAGE));
		this.#bytes = new Uint8Array(this.#memory.buffer);
		this.#view = new DataView(this.#memory.buffer);
	}

	addScaled(target: number, source: number, length: number, coefficient: number): void {
		this.#exports.addScaled(target, source, length, coefficient);
	}

	scale(target: number, length: number, coefficient: number): void {
		this.#exports.scale(target, length, coefficient);
	}

	setTerm(index: number, source: number, length: number, coefficient: number): void {
		const at = TERMS + TERM_LENGTH * index;
		this.#view.setUint32(at, source, true);
		this.#view.setUint32(at + 4, length, true);
		this.#view.setUint32(at + 8, coefficient, true);
	}

	addTerms(target: number, count: number): void {
		this.#exports.addTerms(target, count);
	}
}

/** Kernel in WebAssembly. `undefined`: this machine has none. */
export function wasmKernel(): Kernel | undefined {
	const wasm = load();
	return wasm === undefined ? undefined : new WasmKernel(wasm);
}

/** The fastest kernel that this machine has. */
export function createKernel(): Kernel {
	return wasmKernel() ?? new TableKernel();
}
