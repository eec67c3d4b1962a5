import {multiply} from './field.ts';
import type {Kernel} from './kernel.ts';
import {TableKernel} from './table-kernel.ts';

/** Bytes of kernel.wat, compiled; a test compares them. */
export const KERNEL_WASM: string = [
	'AGFzbQEAAAABJQZgAX8Be2AEe3t7ewF7YAR/f39/AGADf39/AGACf38AYAF/AX8CDwEDZW52Bm1lbW9yeQIAAQMJCAAAAQID',
	'BAUEByADCWFkZFNjYWxlZAADBXNjYWxlAAQIYWRkVGVybXMABwqkCAgLACAAQQV0/QAEAAsLACAAQQV0/QAEEAsdACABIAAg',
	'A/1O/Q4gAiAAQQT9jQEgA/1O/Q79UQuCAgIEewF/QQ/9DyEGIAMQACEEIAMQASEFIAEgAmohCAJAA0AgASAITw0BIAH9AAQA',
	'IQcgACAA/QAEACAEIAcgBv1O/Q4gBSAHQQT9jQEgBv1O/Q79Uf1R/QsEACAB/QAEECEHIAAgAP0ABBAgBCAHIAb9Tv0OIAUg',
	'B0EE/Y0BIAb9Tv0O/VH9Uf0LBBAgAf0ABCAhByAAIAD9AAQgIAQgByAG/U79DiAFIAdBBP2NASAG/U79Dv1R/VH9CwQgIAH9',
	'AAQwIQcgACAA/QAEMCAEIAcgBv1O/Q4gBSAHQQT9jQEgBv1O/Q79Uf1R/QsEMCAAQcAAaiEAIAFBwABqIQEMAAsLC0kCA3sB',
	'f0EP/Q8hBSACEAAhAyACEAEhBCAAIAFqIQYCQANAIAAgBk8NASAAIAD9AAQAIAMgBCAFEAL9CwQAIABBEGohAAwACwsLlAQC',
	'BX8Le0EP/Q8hDyABKAIAIQIgASgCCBAAIQcgASgCCBABIQggASgCDCEDIAEoAhQQACEJIAEoAhQQASEKIAEoAhghBCABKAIg',
	'EAAhCyABKAIgEAEhDCABKAIkIQUgASgCLBAAIQ0gASgCLBABIQ4gAiABKAIEaiEGAkADQCACIAZPDQEgAP0ABAAhESAC/QAE',
	'ACEQIBEgByAQIA/9Tv0OIAggEEEE/Y0BIA/9Tv0O/VH9USERIAP9AAQAIRAgESAJIBAgD/1O/Q4gCiAQQQT9jQEgD/1O/Q79',
	'Uf1RIREgBP0ABAAhECARIAsgECAP/U79DiAMIBBBBP2NASAP/U79Dv1R/VEhESAF/QAEACEQIBEgDSAQIA/9Tv0OIA4gEEEE',
	'/Y0BIA/9Tv0O/VH9USERIAAgEf0LBAAgAP0ABBAhESAC/QAEECEQIBEgByAQIA/9Tv0OIAggEEEE/Y0BIA/9Tv0O/VH9USER',
	'IAP9AAQQIRAgESAJIBAgD/1O/Q4gCiAQQQT9jQEgD/1O/Q79Uf1RIREgBP0ABBAhECARIAsgECAP/U79DiAMIBBBBP2NASAP',
	'/U79Dv1R/VEhESAF/QAEECEQIBEgDSAQIA/9Tv0OIA4gEEEE/Y0BIA/9Tv0O/VH9USERIAAgEf0LBBAgAEEgaiEAIAJBIGoh',
	'AiADQSBqIQMgBEEgaiEEIAVBIGohBQwACwsLJQEBfyAAKAIEIQEgASAAKAIQRiABIAAoAhxGIAEgACgCKEZxcQtiAQN/QYDA',
	'ACECQYDAACABQQxsaiEDAkADQCADIAJrIQQgBEUNASAEQTBPBEAgAhAGBEAgACACEAUgAkEwaiECDAILCyAAIAIoAgAgAigC',
	'BCACKAIIEAMgAkEMaiECDAALCws=',
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
