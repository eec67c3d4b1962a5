import type {Kernel} from '../fec/kernel.ts';
import type {SymbolFormat} from '../fec/symbol-format.ts';
import {SymbolMemory, SymbolShare} from '../fec/symbol-memory.ts';
import {TableKernel} from '../fec/table-kernel.ts';
import {wasmKernel} from '../fec/wasm-kernel.ts';
import {type Crc32, SymbolHead} from '../wire/symbol.ts';

/** The parts that all coded lanes of a process share. */
export interface Coding {
	readonly memory: SymbolMemory;
	readonly format: SymbolFormat;
	/** False: without SIMD nothing is recovered here, as LANE_REPORT says. */
	readonly decodes: boolean;
}

/**
 * Makes the parts that coded lanes share: once in a process, because a memory of WebAssembly
 * reserves some 10 GiB of addresses.
 *
 * @param memoryLimit bytes that all lanes may take together
 */
export function createCoding(
	crc32: Crc32,
	memoryLimit: number,
	simd: Kernel | undefined = wasmKernel(),
): Coding {
	return {
		memory: new SymbolMemory(simd ?? new TableKernel(), memoryLimit),
		format: new SymbolHead(crc32),
		decodes: simd !== undefined,
	};
}

/** The part of one user of a server in the coding of its process. */
export class CodingShare {
	#coding: Coding | undefined;

	/** Returns the coding with a memory of which this user takes no more than its share. */
	of(coding: Coding): Coding {
		this.#coding ??= {...coding, memory: new SymbolShare(coding.memory)};
		return this.#coding;
	}
}
