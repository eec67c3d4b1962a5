import {readFileSync} from 'node:fs';
import test from 'ava';
import fc from 'fast-check';
import wabt from 'wabt';
import {multiply} from '../../src/fec/field.ts';
import {FIRST_FREE, type Kernel, MAX_TERMS} from '../../src/fec/kernel.ts';
import {TableKernel} from '../../src/fec/table-kernel.ts';
import {KERNEL_WASM, wasmKernel} from '../../src/fec/wasm-kernel.ts';

const LENGTH = 192;
const VECTORS = MAX_TERMS + 1;

function at(vector: number): number {
	return FIRST_FREE + vector * LENGTH;
}

/** A kernel whose vectors hold different bytes each. */
function filled(kernel: Kernel): Kernel {
	kernel.reserve(at(VECTORS));
	for (let i = FIRST_FREE; i < at(VECTORS); i++) kernel.bytes[i] = (i * 167 + (i >> 8)) & 255;
	return kernel;
}

const KERNELS: Readonly<Record<string, () => Kernel>> = {
	tables: () => new TableKernel(),
	WebAssembly: () => wasmKernel()!,
};

for (const [name, make] of Object.entries(KERNELS)) {
	test(`${name}: sums and products are those of the field, for every coefficient`, (t) => {
		const kernel = filled(make());
		let wrong = 0;
		for (let coefficient = 0; coefficient < 256; coefficient++) {
			const target = kernel.bytes.slice(at(0), at(1));
			const source = kernel.bytes.slice(at(1), at(2));
			kernel.addScaled(at(0), at(1), LENGTH, coefficient);
			const sum = target.map((byte, i) => byte ^ multiply(coefficient, source[i]!));
			if (!same(kernel.bytes.slice(at(0), at(1)), sum)) wrong++;
			kernel.scale(at(1), 128, coefficient);
			const product = source.map((byte, i) => (i < 128 ? multiply(coefficient, byte) : byte));
			if (!same(kernel.bytes.slice(at(1), at(2)), product)) wrong++;
			kernel.bytes.set(source, at(1));
		}
		t.is(wrong, 0);
	});

	test(`${name}: a sum of terms is that of its terms one by one`, (t) => {
		const term = fc.tuple(
			fc.integer({min: 1, max: VECTORS - 1}),
			fc.constantFrom(64, 128, 192),
			fc.nat(255),
		);
		fc.assert(
			fc.property(fc.array(term, {maxLength: MAX_TERMS}), (terms) => {
				const kernel = filled(make());
				const other = filled(new TableKernel());
				terms.forEach(([vector, length, coefficient], i) => {
					kernel.setTerm(i, at(vector), length, coefficient);
					other.addScaled(at(0), at(vector), length, coefficient);
				});
				kernel.addTerms(at(0), terms.length);
				return same(kernel.bytes.slice(FIRST_FREE, at(VECTORS)), other.bytes.slice(FIRST_FREE));
			}),
		);
		t.pass();
	});

	test(`${name}: more memory keeps what is in it`, (t) => {
		const kernel = filled(make());
		const before = kernel.bytes.slice(FIRST_FREE, at(VECTORS));
		kernel.reserve(4_000_000);
		t.true(kernel.bytes.length >= 4_000_000);
		t.deepEqual(kernel.bytes.slice(FIRST_FREE, at(VECTORS)), before);
		kernel.addScaled(3_900_032, at(0), LENGTH, 1);
		t.deepEqual(kernel.bytes.slice(3_900_032, 3_900_032 + LENGTH), before.slice(0, LENGTH));
	});
}

test('the bytes in wasm-kernel.ts are what kernel.wat compiles to', async (t) => {
	const compiler = await wabt();
	const text = readFileSync('src/fec/kernel.wat', 'utf8');
	const module = compiler.parseWat('kernel.wat', text, {simd: true});
	module.resolveNames();
	const {buffer} = module.toBinary({});
	t.is(Buffer.from(buffer).toString('base64'), KERNEL_WASM);
});

function same(a: Uint8Array, b: Uint8Array): boolean {
	return Buffer.compare(a, b) === 0;
}
